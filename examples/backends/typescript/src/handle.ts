// What the backend remembers of a container.
//
// Every call runs in a fresh instance, so nothing can be kept in a variable. The host stores the handle and gives it back with
// every call, also to the version of this backend that replaces this one, so its form is a promise: a new form gets a new number.

import type { Container, Error as BackendError, Handle, Timestamp } from "sockerless:backend/types@0.1.2";
import { invalid, textOf } from "./error";
import { u64 } from "./number";
import { fromUtf8, toUtf8 } from "./utf8";

/** The version of the form below. */
const VERSION = 1;

/** What is remembered, as JSON. Times are milliseconds since 1970. */
export interface State {
  /** When the container was created. */
  readonly created: number;
  /** How often it was started. */
  readonly starts: number;
  /** When it was started last; 0 before the first time. */
  readonly started: number;
}

/** What the host has kept of this container. Throws if that is nothing, or nothing that this version can read. */
export function stateOf({ name, handle }: Container): State {
  // What is absent is `undefined` in the types, and `null` in QuickJS.
  if (handle == null) {
    const error: BackendError = { tag: "not-found", val: `memory knows nothing of container ${name}` };
    throw error;
  }
  if (handle.version !== VERSION) {
    throw invalid(`the handle of container ${name} has version ${handle.version}, and this backend reads version ${VERSION}`);
  }
  let found: Partial<State> | null;
  try {
    found = JSON.parse(fromUtf8(handle.data));
  } catch (error) {
    throw invalid(`the handle of container ${name} cannot be read: ${textOf(error)}`);
  }
  const number = (value: unknown): number => {
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
    throw invalid(`the handle of container ${name} cannot be read: it holds something else than numbers`);
  };
  return { created: number(found?.created), starts: number(found?.starts), started: number(found?.started) };
}

/** What the host is to keep. */
export function toHandle({ created, starts, started }: State): Handle {
  return { version: VERSION, data: toUtf8(JSON.stringify({ created, starts, started })) };
}

/** A time as a `State` remembers it. */
export function milliseconds({ seconds, nanoseconds }: Timestamp): number {
  return Number(seconds) * 1000 + Math.floor(nanoseconds / 1_000_000);
}

/** A time that a `State` remembers. */
export function timestamp(time: number): Timestamp {
  return { seconds: u64(Math.floor(time / 1000)), nanoseconds: (time % 1000) * 1_000_000 };
}
