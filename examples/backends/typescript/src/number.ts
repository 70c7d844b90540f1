// Numbers of 64 bits. The types have them as `bigint`, as the other JavaScript engine for components does; QuickJS takes and gives plain
// numbers, which are exact up to 2 ** 53.

/** A whole number, where the types want a `bigint`. For the way in `Number(x)` serves. */
export function u64(number: number): bigint {
  return number as unknown as bigint;
}
