// What a command means to a backend that runs none: how long the container runs.

import { invalid } from "./error";

/** A run without an end: the longest that `run-end.after` can say, some 49 days. */
export const FOREVER = 2 ** 32 - 1;

/**
 * How many milliseconds a container with this command runs.
 *
 * `sleep SECONDS` says so itself, `sleep infinity` and `tail -f …` run until they are stopped, and whatever else is over at
 * once.
 */
export function lasts(command: string[]): number {
  const [program, argument] = command;
  if (program === "tail" && argument === "-f") return FOREVER;
  if (program !== "sleep" || argument === undefined || command.length !== 2) return 0;
  if (argument === "infinity") return FOREVER;
  const milliseconds = /^[0-9]{1,7}$/.test(argument) ? Number(argument) * 1000 : Infinity;
  if (milliseconds <= FOREVER) return milliseconds;
  // The text goes to Docker's client as it is: what is wrong, and what to do about it.
  throw invalid(`memory cannot sleep for "${argument}": write whole seconds, 4294967 at most, or infinity`);
}
