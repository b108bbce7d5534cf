import type { ByteRange } from '../object-store.ts';

/** Ranges in order, with those that touch, or lie at most `gap` bytes apart, as one. Empty ones are left out. */
export function joinRanges(ranges: readonly ByteRange[], gap = 0): readonly ByteRange[] {
  const joined: ByteRange[] = [];
  for (const range of ranges.filter(({ start, end }) => end > start).toSorted((a, b) => a.start - b.start)) {
    const last = joined.at(-1);
    if (last !== undefined && range.start <= last.end + gap)
      joined[joined.length - 1] = { start: last.start, end: Math.max(last.end, range.end) };
    else joined.push(range);
  }
  return joined;
}

/** What of `wanted` is not in `had`; both as {@link joinRanges} gives them. */
export function subtractRanges(wanted: readonly ByteRange[], had: readonly ByteRange[]): readonly ByteRange[] {
  const left: ByteRange[] = [];
  let index = 0;
  for (const { start, end } of wanted) {
    let from = start;
    while (index < had.length && (had[index]?.end ?? 0) <= from) index += 1;
    for (let other = index; other < had.length && (had[other]?.start ?? end) < end; other += 1) {
      const { start: cut, end: resume } = had[other] ?? { start: end, end };
      if (cut > from) left.push({ start: from, end: cut });
      from = Math.max(from, resume);
    }
    if (from < end) left.push({ start: from, end });
  }
  return left;
}

/** Ranges of at most `bytes` each. */
export function splitRanges(ranges: readonly ByteRange[], bytes: number): readonly ByteRange[] {
  return ranges.flatMap(({ start, end }) =>
    Array.from({ length: Math.ceil((end - start) / bytes) }, (_, index) => ({
      start: start + index * bytes,
      end: Math.min(end, start + (index + 1) * bytes),
    })),
  );
}

/** The bytes of all ranges. */
export function countBytes(ranges: readonly ByteRange[]): number {
  return ranges.reduce((sum, { start, end }) => sum + end - start, 0);
}
