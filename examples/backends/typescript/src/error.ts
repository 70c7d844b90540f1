// Errors of the WIT package. A function that may fail throws one of these objects; anything else that is thrown is a trap, which
// costs this call and shows in the daemon's log.

import type { Error as BackendError } from "sockerless:backend/types@0.1.2";

/** The request is wrong: the same call will fail again. */
export function invalid(text: string): BackendError {
  return { tag: "invalid", val: text };
}

/** What a `catch` has caught, as text. */
export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : JSON.stringify(error);
}
