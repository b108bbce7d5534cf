import { LakesteadError } from '#core';

import type { WireCursor } from './wire-cursor.ts';

const nullLength = 0xffff_ffff_ffff_ffffn;
const unknownLength = 0xffff_ffff_ffff_fffen;

/** The longest text, xml or binary that one cell may hold: a string of JavaScript ends not far above. */
const maxBytes = 256 * 1024 * 1024;

/** A value that comes as its length and a run of parts (MS-TDS 2.2.5.2.3), over any number of pieces of the wire. */
export class PartsReader {
  readonly #columnName: string;
  #expected: bigint | undefined;
  #parts: Buffer[] = [];
  #length = 0;
  #leftOfPart = 0;

  constructor(columnName: string) {
    this.#columnName = columnName;
  }

  /**
   * The joined bytes, or null. Throws when the data ends before the value; what has arrived is kept for the next call.
   *
   * @throws SQL_TYPE for a value over 256 MiB
   */
  read(cursor: WireCursor): Buffer | null {
    this.#expected ??= cursor.uint64();
    if (this.#expected === nullLength) return null;
    for (;;) {
      if (this.#leftOfPart === 0) {
        this.#leftOfPart = cursor.uint32();
        if (this.#leftOfPart === 0) break;
      }
      const arrived = cursor.some(this.#leftOfPart);
      this.#parts.push(arrived);
      this.#length += arrived.length;
      this.#leftOfPart -= arrived.length;
      if (this.#length > maxBytes) {
        throw new LakesteadError('SQL_TYPE', `a value of the column ${this.#columnName} is longer than 256 MiB`, {
          hint: 'leave it out of the query, or cut it with SUBSTRING',
        });
      }
    }
    if (this.#expected !== unknownLength && BigInt(this.#length) !== this.#expected)
      throw new LakesteadError('CONNECT_FAILED', `a value of the column ${this.#columnName} arrived incomplete`);
    return Buffer.concat(this.#parts, this.#length);
  }
}
