#include "plan.h"

#include "json.h"

#define CHANGED EXPORTS_SOCKERLESS_BACKEND_BACKEND_VERDICT_CHANGED
#define IGNORED EXPORTS_SOCKERLESS_BACKEND_BACKEND_VERDICT_IGNORED
#define REFUSED EXPORTS_SOCKERLESS_BACKEND_BACKEND_VERDICT_REFUSED

#define NO_FILES "memory runs nothing that could see a file."

/* Fields, by object and name in the create body, that have not the effect that Docker gives them. */
static const struct row {
    /* NULL for the body itself. */
    const char *object;
    const char *name;
    exports_sockerless_backend_backend_verdict_t verdict;
    const char *reason;
} ROWS[] = {
    {"HostConfig", "Privileged", REFUSED, "memory runs nothing, so nothing of it can be privileged."},
    {"HostConfig", "Binds", IGNORED, NO_FILES},
    {"HostConfig", "Mounts", IGNORED, NO_FILES},
    {"HostConfig", "PortBindings", IGNORED, "memory runs nothing that could listen on a port."},
    {NULL, "Healthcheck", IGNORED, "memory runs nothing that could be healthy."},
    {NULL, "StopSignal", CHANGED, "memory ends a container at once, whatever the signal."},
};

#define ROW_COUNT (sizeof ROWS / sizeof ROWS[0])

/* Whether a create body asks for something by the field of a row. */
static bool asks(struct json body, const struct row *row) {
    struct json value = body;
    if (row->object != NULL && !json_member(body, row->object, &value)) return false;
    return json_member(value, row->name, &value) && !json_is_empty(value);
}

bool plan_findings(plugin_with_logs_string_t spec, exports_sockerless_backend_backend_list_finding_t *findings,
                   sockerless_backend_types_error_t *error) {
    struct json body;
    if (!json_parse((const char *)spec.ptr, spec.len, &body)) {
        return fail_invalid(error, text("the create body is not JSON"));
    }
    if (!json_is_object(body)) return fail_invalid(error, text("the create body is not a JSON object"));
    findings->ptr = allocate(ROW_COUNT, sizeof *findings->ptr);
    findings->len = 0;
    for (const struct row *row = ROWS; row < ROWS + ROW_COUNT; row++) {
        if (!asks(body, row)) continue;
        findings->ptr[findings->len++] = (exports_sockerless_backend_backend_finding_t){
            .field = row->object == NULL ? text("%s", row->name) : text("%s.%s", row->object, row->name),
            .verdict = row->verdict,
            .reason = text("%s", row->reason),
        };
    }
    return true;
}
