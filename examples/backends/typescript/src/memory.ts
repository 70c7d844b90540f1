// `memory`: a backend that remembers containers and runs nothing.
//
// It is complete and small, to be read from top to bottom and to be copied. Here are the exports, in the order in which the host
// calls them; beside them are what the backend remembers (handle.ts), what it says of a create body (plan.ts) and how it understands a
// command (command.ts). What each export is for, and what the host does with each error, is written in the WIT package, from which
// `npm run types` makes the types.

import { disconnect } from "sockerless:backend/agents@0.1.2";
import type * as Backend from "sockerless:backend/backend@0.1.2";
import { now } from "sockerless:backend/clock@0.1.2";
import { get } from "sockerless:backend/config@0.1.2";
import type * as Lifecycle from "sockerless:backend/lifecycle@0.1.2";
import { write } from "sockerless:backend/log@0.1.2";
import type * as Logs from "sockerless:backend/logs@0.1.2";
import type { Container, Error as BackendError } from "sockerless:backend/types@0.1.2";

import { FOREVER, lasts } from "./command";
import { textOf } from "./error";
import { milliseconds, stateOf, timestamp, toHandle } from "./handle";
import { u64 } from "./number";
import { findings } from "./plan";
import { toUtf8 } from "./utf8";

/** A key of the configuration: an environment variable of the daemon, or a setting in its file. */
const GREETING = "SOCKERLESS_MEMORY_GREETING";
const DEFAULT_GREETING = "hello";

/** Who this backend is, and what it makes of a create body. */
export const backend: typeof Backend = {
  /** Called first, and before there is a configuration. */
  describe() {
    return {
      name: "memory",
      version: "0.1.0-typescript",
      driver: "memory",
      operatingSystem: "memory, written in TypeScript",
      cpus: 1,
      memory: u64(2 ** 30),
      config: [
        {
          name: GREETING,
          required: false,
          defaultValue: DEFAULT_GREETING,
          secret: false,
          help: "The first words of every container's log, on one line.",
        },
      ],
      // It contacts nothing. A backend of a cloud names the cloud's hosts here, and the scopes of its tokens.
      hosts: [],
      scopes: [],
    };
  },

  /** An error here refuses the component, so that a wrong setting shows at load and not at the first container. */
  check() {
    if (greeting() === "" || /[\r\n]/.test(greeting())) {
      throw failure("configuration", `${GREETING}, the first words of every log, must be one line that is not empty`);
    }
  },

  plan: findings,
};

/** The life of a container. */
export const lifecycle: typeof Lifecycle = {
  /**
   * A backend of a cloud would make the container there, under a name that derives from its id, so that a repeated call finds what
   * the first one made. The key is for clouds that recognise repetitions by one.
   */
  create(container, _key) {
    // What cannot be started is refused now.
    lasts(container.command);
    return toHandle({ created: milliseconds(now()), starts: 0, started: 0 });
  },

  /** Nothing is run and no agent reports, so the host is told how long to count the container as running. */
  start(container, _run, _key) {
    const before = stateOf(container);
    const state = { ...before, starts: before.starts + 1, started: milliseconds(now()) };
    const time = lasts(container.command);
    // Goes to the daemon's log, with the backend's name and the container added.
    write("info", "a container runs in memory only", [
      ["starts", String(state.starts)],
      ["milliseconds", String(time)],
    ]);
    return { handle: toHandle(state), end: { tag: "after", val: time } };
  },

  /** For those that start a command by an HTTP request. */
  finished(_container, _run, _outcome) {
    throw failure("not-supported", "memory sends no request, so none of them can have an outcome");
  },

  stop(container, _timeoutSeconds, _key) {
    endRun(container);
    return "done";
  },

  kill(container, signal, _key) {
    if (!["SIGKILL", "SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP"].includes(signal)) {
      throw failure("not-supported", `memory runs no process that could take ${signal}`);
    }
    endRun(container);
    return "done";
  },

  /** Ends the run, if there is one, and leaves it to the host to start the container again. */
  restart(container, _timeoutSeconds, _key) {
    endRun(container);
    return "host-default";
  },

  /** There is nothing to delete but the handle, and that the host does. Deleting what is not there is success. */
  remove(_container, _force, _key) {},

  /**
   * Asked when the daemon starts, and before this version takes over from another one. What it cannot read it must not take over: the
   * error keeps the version that can.
   */
  recover(container) {
    if (container.handle == null) return { tag: "absent" };
    stateOf(container);
    return { tag: "present", val: undefined };
  },
};

/** What a container wrote. */
export const logs: typeof Logs = {
  /** All there is on one page: the host picks what was asked for, and adds Docker's framing. */
  read(container, _query, _cursor) {
    const state = stateOf(container);
    const entries = [entry(state.created, "stdout", `${greeting()} from ${container.name}, made of ${container.image}`)];
    if (state.starts > 0) {
      entries.push(entry(state.started, "stdout", `start ${state.starts}: ${container.command.join(" ")}`));
      const until = lasts(container.command) === FOREVER ? "until it is stopped" : "for its time";
      entries.push(entry(state.started, "stderr", `nothing is run: the container counts as running ${until}`));
    }
    return { entries };
  },
};

function greeting(): string {
  return get(GREETING) ?? DEFAULT_GREETING;
}

function failure(tag: "configuration" | "not-supported" | "other", val: string): BackendError {
  return { tag, val };
}

/** Has the host end the run that is under way, if there is one. Docker shows 137 then. */
function endRun(container: Container): void {
  try {
    disconnect(container.id);
  } catch (error) {
    throw failure("other", `the run of container ${container.name} could not be ended: ${textOf(error)}`);
  }
}

/** One line of a log. */
function entry(time: number, source: Logs.Source, text: string): Logs.Entry {
  // A command may hold newlines, and an entry is one line.
  return { time: timestamp(time), source, line: toUtf8(text.replaceAll("\n", " ")), partial: false };
}
