#include "command.h"

static bool parse_seconds(plugin_with_logs_string_t text, uint32_t *milliseconds) {
    if (text.len < 1 || text.len > 7) return false;
    uint64_t seconds = 0;
    for (size_t i = 0; i < text.len; i++) {
        char digit = (char)text.ptr[i];
        if (digit < '0' || digit > '9') return false;
        seconds = seconds * 10 + (uint64_t)(digit - '0');
    }
    if (seconds * 1000 > FOREVER) return false;
    *milliseconds = (uint32_t)(seconds * 1000);
    return true;
}

bool command_lasts(plugin_with_logs_list_string_t command, uint32_t *milliseconds, sockerless_backend_types_error_t *error) {
    *milliseconds = 0;
    if (command.len >= 2 && text_is(command.ptr[0], "tail") && text_is(command.ptr[1], "-f")) {
        *milliseconds = FOREVER;
        return true;
    }
    if (command.len != 2 || !text_is(command.ptr[0], "sleep")) return true;
    if (text_is(command.ptr[1], "infinity")) {
        *milliseconds = FOREVER;
        return true;
    }
    if (parse_seconds(command.ptr[1], milliseconds)) return true;
    /* The text goes to Docker's client as it is: what is wrong, and what to do about it. */
    return fail_invalid(error, text("memory cannot sleep for \"%.*s\": write whole seconds, 4294967 at most, or infinity",
                                    SHOWN(command.ptr[1])));
}
