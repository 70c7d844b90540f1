/* What becomes of each field of a create body. Nothing is ignored in silence: the findings become warnings of `docker create`, or its
 * error. */

#ifndef MEMORY_PLAN_H
#define MEMORY_PLAN_H

#include "text.h"

/* What is to be said about this create body. */
bool plan_findings(plugin_with_logs_string_t spec, exports_sockerless_backend_backend_list_finding_t *findings,
                   sockerless_backend_types_error_t *error);

#endif
