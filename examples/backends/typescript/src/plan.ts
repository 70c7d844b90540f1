// What becomes of each field of a create body. Nothing is ignored in silence: the findings become warnings of `docker create`, or its
// error.

import type { Finding, Verdict } from "sockerless:backend/backend@0.1.2";
import { invalid, textOf } from "./error";

const NO_FILES = "memory runs nothing that could see a file.";

/** Fields, by their path in the create body, that have not the effect that Docker gives them. */
const ROWS: [field: string, verdict: Verdict, reason: string][] = [
  ["HostConfig.Privileged", "refused", "memory runs nothing, so nothing of it can be privileged."],
  ["HostConfig.Binds", "ignored", NO_FILES],
  ["HostConfig.Mounts", "ignored", NO_FILES],
  ["HostConfig.PortBindings", "ignored", "memory runs nothing that could listen on a port."],
  ["Healthcheck", "ignored", "memory runs nothing that could be healthy."],
  ["StopSignal", "changed", "memory ends a container at once, whatever the signal."],
];

/** What is to be said about this create body. */
export function findings(spec: string): Finding[] {
  let body: unknown;
  try {
    body = JSON.parse(spec);
  } catch (error) {
    throw invalid(`the create body is not JSON: ${textOf(error)}`);
  }
  if (!isObject(body)) throw invalid("the create body is not a JSON object");
  return ROWS.filter(([field]) => !isEmpty(member(body, field))).map(([field, verdict, reason]) => ({ field, verdict, reason }));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value at a path such as `HostConfig.Binds`. */
function member(body: unknown, path: string): unknown {
  return path.split(".").reduce((value, name) => (isObject(value) ? value[name] : undefined), body);
}

/** Docker's clients send every field; one that nobody has set has one of these values. */
function isEmpty(value: unknown): boolean {
  // null, undefined, false, 0 and "" are what JavaScript calls false.
  return typeof value === "object" && value !== null ? Object.keys(value).length === 0 : !value;
}
