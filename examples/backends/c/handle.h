/* What the backend remembers of a container.
 *
 * Every call runs in a fresh instance, so nothing can be kept in a variable. The host stores the handle and gives it back with every
 * call, also to the version of this backend that replaces this one, so its form is a promise: a new form gets a new number. */

#ifndef MEMORY_HANDLE_H
#define MEMORY_HANDLE_H

#include "text.h"

/* What is remembered, as JSON. Times are milliseconds since 1970. */
struct state {
    /* When the container was created. */
    uint64_t created;
    /* How often it was started. */
    uint64_t starts;
    /* When it was started last; 0 before the first time. */
    uint64_t started;
};

/* What the host has kept of this container. False if that is nothing, or nothing that this version can read. */
bool state_of(const sockerless_backend_types_container_t *container, struct state *state, sockerless_backend_types_error_t *error);

/* What the host is to keep. */
void state_to_handle(struct state state, sockerless_backend_types_handle_t *handle);

/* The time now, as a state remembers it. */
uint64_t now(void);

/* A time that a state remembers. */
sockerless_backend_types_timestamp_t timestamp(uint64_t time);

#endif
