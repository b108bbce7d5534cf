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
export function parseRoaringArray(bytes: Uint8Array, where: string): readonly bigint[] {
  const values: bigint[] = [];
  try {
    const reader = new Reader(bytes);
    if (reader.uint32() !== arrayMagic) throw new RangeError('wrong magic number');
    const count = reader.uint64();
    for (let index = 0; index < count; index += 1) {
      const high = BigInt(reader.uint32()) << 32n;
      readBitmap(reader, high, values);
    }
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new LakesteadError('DELTA_CORRUPT', `the deletion vector ${where} is no Roaring bitmap: ${cause.message}`, { cause });
  }
  return values;
}

function readBitmap(reader: Reader, high: bigint, values: bigint[]): void {
  const cookie = reader.uint32();
  const hasRuns = (cookie & 0xffff) === cookieWithRuns;
  if (!hasRuns && cookie !== cookieWithoutRuns) throw new RangeError(`unknown cookie ${cookie}`);
  const size = hasRuns ? (cookie >>> 16) + 1 : reader.uint32();
  const runs = hasRuns ? reader.take(Math.ceil(size / 8)) : undefined;
  const containers = Array.from({ length: size }, () => ({ key: reader.uint16(), cardinality: reader.uint16() + 1 }));
  if (!hasRuns || size >= offsetThreshold) reader.take(size * 4);
  containers.forEach(({ key, cardinality }, index) => {
    const base = high + (BigInt(key) << 16n);
    if (runs !== undefined && ((runs[index >> 3] ?? 0) & (1 << (index & 7))) !== 0) readRuns(reader, base, values);
    else if (cardinality <= 4096) for (let left = cardinality; left > 0; left -= 1) values.push(base + BigInt(reader.uint16()));
    else readBits(reader.take(8192), base, values);
  });
}

function readRuns(reader: Reader, base: bigint, values: bigint[]): void {
  for (let left = reader.uint16(); left > 0; left -= 1) {
    const start = reader.uint16();
    const length = reader.uint16();
    for (let value = start; value <= start + length; value += 1) values.push(base + BigInt(value));
  }
}

function readBits(bits: Uint8Array, base: bigint, values: bigint[]): void {
  bits.forEach((byte, index) => {
    for (let bit = 0; bit < 8; bit += 1) if ((byte & (1 << bit)) !== 0) values.push(base + BigInt(index * 8 + bit));
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
