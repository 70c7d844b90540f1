/* Texts as the bindings have them: bytes with a length, and no zero behind them. */

#ifndef MEMORY_TEXT_H
#define MEMORY_TEXT_H

#include <stdbool.h>

#include "plugin_with_logs.h"

/* As the arguments of `%.*s`. */
#define SHOWN(text) (int)(text).len, (const char *)(text).ptr

/* A new text, formatted as by printf. */
__attribute__((format(printf, 1, 2))) plugin_with_logs_string_t text(const char *format, ...);

bool text_is(plugin_with_logs_string_t text, const char *other);

/* The words of a list with spaces between them, as a new text. */
plugin_with_logs_string_t text_join(plugin_with_logs_list_string_t words);

/* Memory for so many of something. It is never NULL: without memory there is nothing left to do but to trap, which ends the call
 * with an error of the host. */
void *allocate(size_t count, size_t size);

/* The cases of the interface's error that this backend answers. They go into `error`; the value is false, which is what a function
 * that has failed answers. */
bool fail_not_found(sockerless_backend_types_error_t *error, plugin_with_logs_string_t text);
bool fail_invalid(sockerless_backend_types_error_t *error, plugin_with_logs_string_t text);
bool fail_configuration(sockerless_backend_types_error_t *error, plugin_with_logs_string_t text);
bool fail_not_supported(sockerless_backend_types_error_t *error, plugin_with_logs_string_t text);
bool fail_other(sockerless_backend_types_error_t *error, plugin_with_logs_string_t text);

#endif
