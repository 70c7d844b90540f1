/* `memory`: a backend that remembers containers and runs nothing.
 *
 * It is complete and small, to be read from top to bottom and to be copied. Here are the exports, in the order in which the host calls
 * them; beside them are what the backend remembers (handle.c), what it says of a create body (plan.c) and how it understands a command
 * (command.c). What each export is for, and what the host does with each error, is written in the WIT package, from which the
 * bindings are made.
 *
 * A function that may fail answers whether it succeeded, and puts its result behind one pointer or the error behind the other. Memory is
 * not freed: each call has an instance of its own, and its memory goes with it. */

#include <inttypes.h>

#include "command.h"
#include "handle.h"
#include "plan.h"
#include "text.h"

/* Shorter names for what the bindings call by its full one. */
typedef plugin_with_logs_string_t string;
typedef sockerless_backend_types_container_t container;
typedef sockerless_backend_types_error_t error;
typedef exports_sockerless_backend_lifecycle_disposition_t disposition;

/* A key of the configuration: an environment variable of the daemon, or a setting in its file. */
#define GREETING "SOCKERLESS_MEMORY_GREETING"
#define DEFAULT_GREETING "hello"

static string greeting(void) {
    string key = text(GREETING), value;
    return sockerless_backend_config_get(&key, &value) ? value : text(DEFAULT_GREETING);
}

/* Has the host end the run that is under way, if there is one. Docker shows 137 then. */
static bool end_run(container *container, error *failure) {
    sockerless_backend_agents_agent_error_t reason;
    if (sockerless_backend_agents_disconnect(&container->id, &reason)) return true;
    /* Every case holds a text, and they lie in one place. */
    return fail_other(failure, text("the run of container %.*s could not be ended: %.*s", SHOWN(container->name),
                                    SHOWN(reason.val.other)));
}

/* Called first, and before there is a configuration. */
void exports_sockerless_backend_backend_describe(exports_sockerless_backend_backend_descriptor_t *descriptor) {
    exports_sockerless_backend_backend_config_key_t *key = allocate(1, sizeof *key);
    *key = (exports_sockerless_backend_backend_config_key_t){
        .name = text(GREETING),
        .required = false,
        .default_value = {.is_some = true, .val = text(DEFAULT_GREETING)},
        .secret = false,
        .help = text("The first words of every container's log, on one line."),
    };
    *descriptor = (exports_sockerless_backend_backend_descriptor_t){
        .name = text("memory"),
        .version = text("0.1.0-c"),
        .driver = text("memory"),
        .operating_system = text("memory, written in C"),
        .cpus = 1,
        .memory = UINT64_C(1) << 30,
        .config = {.ptr = key, .len = 1},
        /* It contacts nothing. A backend of a cloud names the cloud's hosts here, and the scopes of its tokens. */
        .hosts = {.ptr = NULL, .len = 0},
        .scopes = {.ptr = NULL, .len = 0},
    };
}

/* An error here refuses the component, so that a wrong setting shows at load and not at the first container. */
bool exports_sockerless_backend_backend_check(error *failure) {
    string words = greeting();
    bool good = words.len > 0;
    for (size_t i = 0; i < words.len; i++) good = good && words.ptr[i] != '\n' && words.ptr[i] != '\r';
    if (good) return true;
    return fail_configuration(
        failure, text("%s, the first words of every log, must be one line that is not empty", GREETING));
}

bool exports_sockerless_backend_backend_plan(string *spec, exports_sockerless_backend_backend_list_finding_t *findings,
                                             error *failure) {
    return plan_findings(*spec, findings, failure);
}

/* A backend of a cloud would make the container there, under a name that derives from its id, so that a repeated call finds what the
 * first one made. The key is for clouds that recognise repetitions by one. */
bool exports_sockerless_backend_lifecycle_create(container *container, string *key, sockerless_backend_types_handle_t *handle,
                                                 error *failure) {
    (void)key;
    uint32_t milliseconds;
    /* What cannot be started is refused now. */
    if (!command_lasts(container->command, &milliseconds, failure)) return false;
    state_to_handle((struct state){.created = now()}, handle);
    return true;
}

/* Nothing is run and no agent reports, so the host is told how long to count the container as running. */
bool exports_sockerless_backend_lifecycle_start(container *container, string *run, string *key,
                                                exports_sockerless_backend_lifecycle_started_t *started, error *failure) {
    (void)run, (void)key;
    struct state state;
    uint32_t milliseconds;
    if (!state_of(container, &state, failure) || !command_lasts(container->command, &milliseconds, failure)) return false;
    state.starts++;
    state.started = now();

    /* Goes to the daemon's log, with the backend's name and the container added. */
    string message = text("a container runs in memory only");
    plugin_with_logs_tuple2_string_string_t fields[] = {
        {text("starts"), text("%" PRIu64, state.starts)},
        {text("milliseconds"), text("%" PRIu32, milliseconds)},
    };
    plugin_with_logs_list_tuple2_string_string_t list = {fields, 2};
    sockerless_backend_log_write(SOCKERLESS_BACKEND_LOG_LEVEL_INFO, &message, &list);

    started->handle.is_some = true;
    state_to_handle(state, &started->handle.val);
    started->end.tag = EXPORTS_SOCKERLESS_BACKEND_LIFECYCLE_RUN_END_AFTER;
    started->end.val.after = milliseconds;
    return true;
}

/* For those that start a command by an HTTP request. */
bool exports_sockerless_backend_lifecycle_finished(container *container, string *run,
                                                   exports_sockerless_backend_lifecycle_outcome_t *outcome,
                                                   exports_sockerless_backend_lifecycle_run_verdict_t *verdict, error *failure) {
    (void)container, (void)run, (void)outcome, (void)verdict;
    return fail_not_supported(failure, text("memory sends no request, so none of them can have an outcome"));
}

bool exports_sockerless_backend_lifecycle_stop(container *container, int32_t *maybe_timeout_seconds, string *key,
                                               disposition *next, error *failure) {
    (void)maybe_timeout_seconds, (void)key;
    *next = EXPORTS_SOCKERLESS_BACKEND_LIFECYCLE_DISPOSITION_DONE;
    return end_run(container, failure);
}

bool exports_sockerless_backend_lifecycle_kill(container *container, string *signal, string *key, disposition *next,
                                               error *failure) {
    (void)key;
    if (!text_is(*signal, "SIGKILL") && !text_is(*signal, "SIGTERM") && !text_is(*signal, "SIGINT") &&
        !text_is(*signal, "SIGQUIT") && !text_is(*signal, "SIGHUP")) {
        return fail_not_supported(failure, text("memory runs no process that could take %.*s", SHOWN(*signal)));
    }
    *next = EXPORTS_SOCKERLESS_BACKEND_LIFECYCLE_DISPOSITION_DONE;
    return end_run(container, failure);
}

/* Ends the run, if there is one, and leaves it to the host to start the container again. */
bool exports_sockerless_backend_lifecycle_restart(container *container, int32_t *maybe_timeout_seconds, string *key,
                                                  disposition *next, error *failure) {
    (void)maybe_timeout_seconds, (void)key;
    *next = EXPORTS_SOCKERLESS_BACKEND_LIFECYCLE_DISPOSITION_HOST_DEFAULT;
    return end_run(container, failure);
}

/* There is nothing to delete but the handle, and that the host does. Deleting what is not there is success. */
bool exports_sockerless_backend_lifecycle_remove(container *container, bool force, string *key, error *failure) {
    (void)container, (void)force, (void)key, (void)failure;
    return true;
}

/* Asked when the daemon starts, and before this version takes over from another one. What it cannot read it must not take over: the
 * error keeps the version that can. */
bool exports_sockerless_backend_lifecycle_recover(container *container, exports_sockerless_backend_lifecycle_recovered_t *found,
                                                  error *failure) {
    if (!container->handle.is_some) {
        found->tag = EXPORTS_SOCKERLESS_BACKEND_LIFECYCLE_RECOVERED_ABSENT;
        return true;
    }
    struct state state;
    found->tag = EXPORTS_SOCKERLESS_BACKEND_LIFECYCLE_RECOVERED_PRESENT;
    found->val.present.is_some = false;
    return state_of(container, &state, failure);
}

/* One line of a log. */
static exports_sockerless_backend_logs_entry_t entry(uint64_t time, exports_sockerless_backend_logs_source_t source, string line) {
    /* A command may hold newlines, and an entry is one line. */
    for (size_t i = 0; i < line.len; i++) {
        if (line.ptr[i] == '\n') line.ptr[i] = ' ';
    }
    return (exports_sockerless_backend_logs_entry_t){
        .time = timestamp(time),
        .source = source,
        .line = {.ptr = line.ptr, .len = line.len},
        .partial = false,
    };
}

/* All there is on one page: the host picks what was asked for, and adds Docker's framing. */
bool exports_sockerless_backend_logs_read(container *container, exports_sockerless_backend_logs_query_t *query,
                                          string *maybe_cursor, exports_sockerless_backend_logs_page_t *page, error *failure) {
    (void)query, (void)maybe_cursor;
    struct state state;
    uint32_t milliseconds;
    if (!state_of(container, &state, failure) || !command_lasts(container->command, &milliseconds, failure)) return false;

    exports_sockerless_backend_logs_entry_t *entries = allocate(3, sizeof *entries);
    size_t count = 0;
    string words = greeting();
    entries[count++] = entry(state.created, EXPORTS_SOCKERLESS_BACKEND_LOGS_SOURCE_STDOUT,
                             text("%.*s from %.*s, made of %.*s", SHOWN(words), SHOWN(container->name), SHOWN(container->image)));
    if (state.starts > 0) {
        string command = text_join(container->command);
        entries[count++] = entry(state.started, EXPORTS_SOCKERLESS_BACKEND_LOGS_SOURCE_STDOUT,
                                 text("start %" PRIu64 ": %.*s", state.starts, SHOWN(command)));
        entries[count++] = entry(state.started, EXPORTS_SOCKERLESS_BACKEND_LOGS_SOURCE_STDERR,
                                 text("nothing is run: the container counts as running %s",
                                      milliseconds == FOREVER ? "until it is stopped" : "for its time"));
    }
    page->entries.ptr = entries;
    page->entries.len = count;
    page->next.is_some = false;
    return true;
}
