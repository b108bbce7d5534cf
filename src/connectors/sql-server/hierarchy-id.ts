import { LakesteadError } from '#core';

/** How ordinals of one range are written: a prefix, then the bits of the ordinal with fixed bits between them, then the mark of a level's end. */
type Range = { readonly pattern: string; readonly least: bigint };

// Microsoft's OrdPath code, as the type's own values show it. `x` is a bit of the ordinal, 0 and 1 are fixed, `T` says whether a level ends.
const ranges: readonly Range[] = [
  { pattern: '01xxT', least: 0n },
  { pattern: '100xxT', least: 4n },
  { pattern: '101xxxT', least: 8n },
  { pattern: '110xx0x1xxxT', least: 16n },
  { pattern: '1110xxx0xxx0x1xxxT', least: 80n },
  { pattern: '11110xxxxx0xxx0x1xxxT', least: 1104n },
  { pattern: '111110xxxxxxxxxxxxxxxxxxx0xxxxxx0xxx0x1xxxT', least: 5200n },
  { pattern: '111111xxxxxxxxxxxxxx0xxxxxxxxxxxxxxxxxxxxx0xxxxxx0xxx0x1xxxT', least: 4_294_972_496n },
  { pattern: '00111xxxT', least: -8n },
  { pattern: '0010xx0x1xxxT', least: -72n },
  { pattern: '000110xxxxx0xxx0x1xxxT', least: -4168n },
  { pattern: '000101xxxxxxxxxxxxxxxxxxx0xxxxxx0xxx0x1xxxT', least: -4_294_971_464n },
  { pattern: '000100xxxxxxxxxxxxxx0xxxxxxxxxxxxxxxxxxxxx0xxxxxx0xxx0x1xxxT', least: -281_479_271_682_120n },
];

/**
 * A hierarchyid as SQL Server's `ToString()` gives it: `/1/3/`, `/1/2.1/`; the root is `/`.
 *
 * @throws SQL_TYPE when the bytes are no hierarchyid
 */
export function hierarchyIdText(bytes: Uint8Array): string {
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('');
  let text = '/';
  // What is left at the end are the zeros that fill the last byte.
  for (let position = 0; /1/.test(bits.slice(position));) {
    const rest = bits.slice(position);
    const range = ranges.find(({ pattern }) => fits(rest, pattern));
    if (range === undefined) {
      throw new LakesteadError('SQL_TYPE', `0x${Buffer.from(bytes).toString('hex')} is no hierarchyid`);
    }
    const own = rest.slice(0, range.pattern.length);
    const ordinal = BigInt(
      `0b${own
        .split('')
        .filter((_, index) => range.pattern[index] === 'x')
        .join('')}`,
    );
    const isLast = own.endsWith('1');
    // Within a level (2.1) the ordinal before the point is stored one higher, so that it sorts behind 2.
    text += isLast ? `${range.least + ordinal}/` : `${range.least + ordinal - 1n}.`;
    position += range.pattern.length;
  }
  return text;
}

function fits(bits: string, pattern: string): boolean {
  return bits.length >= pattern.length && pattern.split('').every((want, index) => want === 'x' || want === 'T' || want === bits[index]);
}
