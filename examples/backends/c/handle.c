#include "handle.h"

#include <inttypes.h>

#include "json.h"

/* The version of the form that state_to_handle writes. */
#define VERSION 1

bool state_of(const sockerless_backend_types_container_t *container, struct state *state, sockerless_backend_types_error_t *error) {
    if (!container->handle.is_some) {
        return fail_not_found(error, text("memory knows nothing of container %.*s", SHOWN(container->name)));
    }
    const sockerless_backend_types_handle_t *handle = &container->handle.val;
    if (handle->version != VERSION) {
        return fail_invalid(error, text("the handle of container %.*s has version %" PRIu32 ", and this backend reads version %d",
                                        SHOWN(container->name), handle->version, VERSION));
    }
    struct json object, created, starts, started;
    if (!json_parse((const char *)handle->data.ptr, handle->data.len, &object)) {
        return fail_invalid(error, text("the handle of container %.*s cannot be read: it is not JSON", SHOWN(container->name)));
    }
    if (!json_member(object, "created", &created) || !json_number(created, &state->created) ||
        !json_member(object, "starts", &starts) || !json_number(starts, &state->starts) ||
        !json_member(object, "started", &started) || !json_number(started, &state->started)) {
        return fail_invalid(error, text("the handle of container %.*s cannot be read: it holds something else than numbers",
                                        SHOWN(container->name)));
    }
    return true;
}

void state_to_handle(struct state state, sockerless_backend_types_handle_t *handle) {
    plugin_with_logs_string_t json = text("{\"created\":%" PRIu64 ",\"starts\":%" PRIu64 ",\"started\":%" PRIu64 "}",
                                          state.created, state.starts, state.started);
    handle->version = VERSION;
    handle->data.ptr = json.ptr;
    handle->data.len = json.len;
}

uint64_t now(void) {
    sockerless_backend_clock_timestamp_t time;
    sockerless_backend_clock_now(&time);
    return (uint64_t)time.seconds * 1000 + time.nanoseconds / 1000000;
}

sockerless_backend_types_timestamp_t timestamp(uint64_t time) {
    return (sockerless_backend_types_timestamp_t){
        .seconds = (int64_t)(time / 1000),
        .nanoseconds = (uint32_t)(time % 1000) * 1000000,
    };
}
