#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *allocate(size_t count, size_t size) {
    void *memory = calloc(count, size);
    if (memory == NULL && count > 0) __builtin_trap();
    return memory;
}

plugin_with_logs_string_t text(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0) __builtin_trap();

    plugin_with_logs_string_t text = {allocate((size_t)length + 1, 1), (size_t)length};
    va_start(arguments, format);
    vsnprintf((char *)text.ptr, text.len + 1, format, arguments);
    va_end(arguments);
    return text;
}

bool text_is(plugin_with_logs_string_t text, const char *other) {
    return text.len == strlen(other) && memcmp(text.ptr, other, text.len) == 0;
}

plugin_with_logs_string_t text_join(plugin_with_logs_list_string_t words) {
    size_t length = 0;
    for (size_t i = 0; i < words.len; i++) length += words.ptr[i].len + 1;
    plugin_with_logs_string_t text = {allocate(length, 1), 0};
    for (size_t i = 0; i < words.len; i++) {
        if (i > 0) text.ptr[text.len++] = ' ';
        memcpy(text.ptr + text.len, words.ptr[i].ptr, words.ptr[i].len);
        text.len += words.ptr[i].len;
    }
    return text;
}

bool fail_not_found(sockerless_backend_types_error_t *error, plugin_with_logs_string_t text) {
    error->tag = SOCKERLESS_BACKEND_TYPES_ERROR_NOT_FOUND;
    error->val.not_found = text;
    return false;
}

bool fail_invalid(sockerless_backend_types_error_t *error, plugin_with_logs_string_t text) {
    error->tag = SOCKERLESS_BACKEND_TYPES_ERROR_INVALID;
    error->val.invalid = text;
    return false;
}

bool fail_configuration(sockerless_backend_types_error_t *error, plugin_with_logs_string_t text) {
    error->tag = SOCKERLESS_BACKEND_TYPES_ERROR_CONFIGURATION;
    error->val.configuration = text;
    return false;
}

bool fail_not_supported(sockerless_backend_types_error_t *error, plugin_with_logs_string_t text) {
    error->tag = SOCKERLESS_BACKEND_TYPES_ERROR_NOT_SUPPORTED;
    error->val.not_supported = text;
    return false;
}

bool fail_other(sockerless_backend_types_error_t *error, plugin_with_logs_string_t text) {
    error->tag = SOCKERLESS_BACKEND_TYPES_ERROR_OTHER;
    error->val.other = text;
    return false;
}
