/** JSON of one value in the state is at most this long, in UTF-16 units; a longer one is kept as its beginning. */
export const maxJsonLength = 256 * 1024;

/**
 * A value as the text of a column. One that is too long becomes `{ "$cut": <its length>, "$start": "<its first 4096 units>" }`,
 * so that a Lookup of many rows does not grow the state without bound.
 */
export function toJsonColumn(value: unknown): string | null {
  if (value === undefined) return null;
  // What has no JSON form (a function) is kept as none.
  const text = JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? rawNumber(item) : item)) as string | undefined;
  if (text === undefined) return null;
  return text.length <= maxJsonLength ? text : JSON.stringify({ $cut: text.length, $start: text.slice(0, 4096) });
}

/** The inverse; `undefined` for NULL. */
export function fromJsonColumn(column: unknown): unknown {
  return typeof column === 'string' ? (JSON.parse(column) as unknown) : undefined;
}

/** Integers that a number holds stay numbers; longer ones are text, with all their digits. */
function rawNumber(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}
