import { LakesteadError } from '#core';

/** Types of Thrift's compact protocol, as they stand in field headers and lists. */
export const compactType = {
  true: 1,
  false: 2,
  byte: 3,
  i16: 4,
  i32: 5,
  i64: 6,
  double: 7,
  binary: 8,
  list: 9,
  set: 10,
  map: 11,
  struct: 12,
} as const;

const maxDepth = 64;

/**
 * Reads Thrift's compact protocol field by field: whoever knows a struct takes the fields it wants, the rest is passed over.
 *
 * @see Apache Thrift, "Thrift compact protocol"
 */
export class CompactReader {
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Calls `take` for every field; it reads the value and says true, or leaves it and says false. */
  struct(take: (id: number, type: number) => boolean, depth = 0): void {
    let id = 0;
    for (;;) {
      const header = this.#byte();
      if (header === 0) return;
      const type = header & 0x0f;
      const delta = header >> 4;
      id = delta === 0 ? Number(this.#zigzag()) : id + delta;
      if (!take(id, type)) this.skip(type, depth + 1);
    }
  }

  /** Calls `readElement` for every element of a list, with their type. */
  list(readElement: (type: number, index: number) => void): void {
    const header = this.#byte();
    const size = header >> 4 === 15 ? this.#varint() : header >> 4;
    for (let index = 0; index < size; index += 1) readElement(header & 0x0f, index);
  }

  /** An i16, i32 or i64. Offsets in files are below 2^53. */
  integer(): number {
    return Number(this.#zigzag());
  }

  text(): string {
    return new TextDecoder().decode(this.#take(this.#varint()));
  }

  skip(type: number, depth = 0): void {
    if (depth > maxDepth) throw damaged();
    switch (type) {
      case compactType.true:
      case compactType.false:
        return; // the value is in the header
      case compactType.byte:
        this.#take(1);
        return;
      case compactType.i16:
      case compactType.i32:
      case compactType.i64:
        this.#zigzag();
        return;
      case compactType.double:
        this.#take(8);
        return;
      case compactType.binary:
        this.#take(this.#varint());
        return;
      case compactType.list:
      case compactType.set:
        this.list((element) => this.#skipElement(element, depth + 1));
        return;
      case compactType.map: {
        const size = this.#varint();
        const types = size === 0 ? 0 : this.#byte();
        for (let index = 0; index < size; index += 1) {
          this.#skipElement(types >> 4, depth + 1);
          this.#skipElement(types & 0x0f, depth + 1);
        }
        return;
      }
      case compactType.struct:
        this.struct(() => false, depth + 1);
        return;
      default:
        throw damaged();
    }
  }

  /** In a collection a boolean has a byte of its own. */
  #skipElement(type: number, depth: number): void {
    if (type === compactType.true || type === compactType.false) this.#take(1);
    else this.skip(type, depth);
  }

  #byte(): number {
    const byte = this.#bytes[this.#position];
    if (byte === undefined) throw damaged();
    this.#position += 1;
    return byte;
  }

  #take(length: number): Uint8Array {
    const end = this.#position + length;
    if (end > this.#bytes.length) throw damaged();
    const taken = this.#bytes.subarray(this.#position, end);
    this.#position = end;
    return taken;
  }

  /** A size: never more than the bytes there are. */
  #varint(): number {
    const value = Number(this.#unsigned());
    if (value > this.#bytes.length) throw damaged();
    return value;
  }

  #zigzag(): bigint {
    const value = this.#unsigned();
    return (value >> 1n) ^ -(value & 1n);
  }

  #unsigned(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw damaged();
  }
}

function damaged(): LakesteadError {
  return new LakesteadError('STORAGE_FAILED', 'the footer of a Parquet file is damaged');
}
