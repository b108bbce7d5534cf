import { NotEnoughDataError } from 'tedious/lib/token/helpers.js';

/**
 * A position in the bytes that have arrived. Numbers are little-endian, as everywhere in TDS. Each read moves on;
 * beyond what is there it throws the driver's NotEnoughDataError, upon which the driver waits for more.
 */
export class WireCursor {
  buffer: Buffer = Buffer.alloc(0);
  position = 0;

  #take(length: number): number {
    const start = this.position;
    if (start + length > this.buffer.length) throw new NotEnoughDataError(start + length);
    this.position = start + length;
    return start;
  }

  uint8(): number {
    return this.buffer.readUInt8(this.#take(1));
  }
  uint16(): number {
    return this.buffer.readUInt16LE(this.#take(2));
  }
  uint32(): number {
    return this.buffer.readUInt32LE(this.#take(4));
  }
  int16(): number {
    return this.buffer.readInt16LE(this.#take(2));
  }
  int32(): number {
    return this.buffer.readInt32LE(this.#take(4));
  }
  int64(): bigint {
    return this.buffer.readBigInt64LE(this.#take(8));
  }
  uint64(): bigint {
    return this.buffer.readBigUInt64LE(this.#take(8));
  }
  float32(): number {
    return this.buffer.readFloatLE(this.#take(4));
  }
  float64(): number {
    return this.buffer.readDoubleLE(this.#take(8));
  }

  /** A whole number of any length. */
  unsigned(length: number): bigint {
    const start = this.#take(length);
    if (length <= 6) return BigInt(this.buffer.readUIntLE(start, length));
    let value = 0n;
    for (let index = length - 4; index >= 0; index -= 4) value = (value << 32n) | BigInt(this.buffer.readUInt32LE(start + index));
    return value;
  }

  /** A view, valid until more data arrives. */
  bytes(length: number): Buffer {
    const start = this.#take(length);
    return this.buffer.subarray(start, start + length);
  }

  /** What has arrived, at most `limit` bytes and at least one. A view, valid until more data arrives. */
  some(limit: number): Buffer {
    return this.bytes(Math.max(1, Math.min(limit, this.buffer.length - this.position)));
  }
}
