import { LakesteadError } from '#core';

const arrayMagic = 1681511377;
const cookieWithoutRuns = 12346;
const cookieWithRuns = 12347;
/** From so many containers on, a bitmap with runs has an offset header. */
const offsetThreshold = 4;

/**
 * The values of a RoaringBitmapArray, ascending: Delta's form of a set of 64-bit numbers ("portable": a count, then the
 * high 32 bits and a standard 32-bit Roaring bitmap for each).
 *
 * @see https://github.com/RoaringBitmap/RoaringFormatSpec
 * @throws {LakesteadError} `DELTA_CORRUPT` when the bytes are none
 */
export function parseRoaringArray(bytes: Uint8Array, where: string): readonly number[] {
  const values: number[] = [];
  try {
    const reader = new Reader(bytes);
    if (reader.uint32() !== arrayMagic) throw new RangeError('wrong magic number');
    const count = reader.uint64();
    for (let index = 0; index < count; index += 1) {
      readBitmap(reader, reader.uint32() * 2 ** 32, values);
    }
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new LakesteadError('DELTA_CORRUPT', `the deletion vector ${where} is no Roaring bitmap: ${cause.message}`, { cause });
  }
  return values;
}

/** The bytes of a set of numbers below 2^53, which come ascending and once each: the inverse of {@link parseRoaringArray}. */
export function formatRoaringArray(values: readonly number[]): Uint8Array {
  const bitmaps: { readonly high: number; readonly bytes: Buffer }[] = [];
  for (let start = 0; start < values.length;) {
    const high = Math.floor((values[start] ?? 0) / 2 ** 32);
    let end = start;
    while (end < values.length && Math.floor((values[end] ?? 0) / 2 ** 32) === high) end += 1;
    bitmaps.push({ high, bytes: formatBitmap(values.slice(start, end), high * 2 ** 32) });
    start = end;
  }
  const head = Buffer.alloc(12);
  head.writeUInt32LE(arrayMagic, 0);
  head.writeBigUInt64LE(BigInt(bitmaps.length), 4);
  const keyed = bitmaps.flatMap(({ high, bytes }) => {
    const key = Buffer.alloc(4);
    key.writeUInt32LE(high);
    return [key, bytes];
  });
  return Buffer.concat([head, ...keyed]);
}

const maxListed = 4096;

/** A standard bitmap of 32-bit numbers: lists of 16-bit numbers where they are few, bits where they are many. */
function formatBitmap(values: readonly number[], base: number): Buffer {
  const containers: { readonly key: number; readonly count: number; readonly bytes: Buffer }[] = [];
  for (let start = 0; start < values.length;) {
    const key = Math.floor(((values[start] ?? 0) - base) / 65_536);
    const first = base + key * 65_536;
    let end = start;
    while (end < values.length && (values[end] ?? 0) < first + 65_536) end += 1;
    const count = end - start;
    const bytes = Buffer.alloc(count <= maxListed ? count * 2 : 8192);
    for (let index = start; index < end; index += 1) {
      const low = (values[index] ?? 0) - first;
      if (count <= maxListed) bytes.writeUInt16LE(low, (index - start) * 2);
      else bytes[low >> 3] = (bytes[low >> 3] ?? 0) | (1 << (low & 7));
    }
    containers.push({ key, count, bytes });
    start = end;
  }
  const head = Buffer.alloc(8 + containers.length * 8);
  head.writeUInt32LE(cookieWithoutRuns, 0);
  head.writeUInt32LE(containers.length, 4);
  let offset = head.length;
  containers.forEach(({ key, count, bytes }, index) => {
    head.writeUInt16LE(key, 8 + index * 4);
    head.writeUInt16LE(count - 1, 10 + index * 4);
    head.writeUInt32LE(offset, 8 + containers.length * 4 + index * 4);
    offset += bytes.length;
  });
  return Buffer.concat([head, ...containers.map(({ bytes }) => bytes)]);
}

function readBitmap(reader: Reader, high: number, values: number[]): void {
  const cookie = reader.uint32();
  const hasRuns = (cookie & 0xffff) === cookieWithRuns;
  if (!hasRuns && cookie !== cookieWithoutRuns) throw new RangeError(`unknown cookie ${cookie}`);
  const size = hasRuns ? (cookie >>> 16) + 1 : reader.uint32();
  const runs = hasRuns ? reader.take(Math.ceil(size / 8)) : undefined;
  const containers = Array.from({ length: size }, () => ({ key: reader.uint16(), cardinality: reader.uint16() + 1 }));
  if (!hasRuns || size >= offsetThreshold) reader.take(size * 4);
  containers.forEach(({ key, cardinality }, index) => {
    const base = high + key * 65_536;
    if (runs !== undefined && ((runs[index >> 3] ?? 0) & (1 << (index & 7))) !== 0) readRuns(reader, base, values);
    else if (cardinality <= 4096) for (let left = cardinality; left > 0; left -= 1) values.push(base + reader.uint16());
    else readBits(reader.take(8192), base, values);
  });
}

function readRuns(reader: Reader, base: number, values: number[]): void {
  for (let left = reader.uint16(); left > 0; left -= 1) {
    const start = reader.uint16();
    const length = reader.uint16();
    for (let value = start; value <= start + length; value += 1) values.push(base + value);
  }
}

function readBits(bits: Uint8Array, base: number, values: number[]): void {
  bits.forEach((byte, index) => {
    for (let bit = 0; bit < 8; bit += 1) if ((byte & (1 << bit)) !== 0) values.push(base + index * 8 + bit);
  });
}

/** Little-endian numbers one after the other; throws RangeError at the end. */
class Reader {
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  uint16(): number {
    this.#at += 2;
    return this.#view.getUint16(this.#at - 2, true);
  }

  uint32(): number {
    this.#at += 4;
    return this.#view.getUint32(this.#at - 4, true);
  }

  uint64(): number {
    this.#at += 8;
    return Number(this.#view.getBigUint64(this.#at - 8, true));
  }

  take(length: number): Uint8Array {
    this.#at += length;
    if (this.#at > this.#view.byteLength) throw new RangeError('it ends too early');
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset + this.#at - length, length);
  }
}
