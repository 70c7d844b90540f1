/* What a command means to a backend that runs none: how long the container runs. */

#ifndef MEMORY_COMMAND_H
#define MEMORY_COMMAND_H

#include "text.h"

/* A run without an end: the longest that `run-end.after` can say, some 49 days. */
#define FOREVER UINT32_MAX

/* How many milliseconds a container with this command runs.
 *
 * `sleep SECONDS` says so itself, `sleep infinity` and `tail -f …` run until they are stopped, and whatever else is over at
 * once. */
bool command_lasts(plugin_with_logs_list_string_t command, uint32_t *milliseconds, sockerless_backend_types_error_t *error);

#endif
