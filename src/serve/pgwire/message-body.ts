import { LakesteadError } from '#core';

import { utf8 } from './parameter.ts';

/** Reads the fields of a message. */
export class MessageBody {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  byte(): number {
    return this.take(1)[0] ?? 0;
  }

  int16(): number {
    return this.take(2).readInt16BE();
  }

  int32(): number {
    return this.take(4).readInt32BE();
  }

  uint32(): number {
    return this.take(4).readUInt32BE();
  }

  /** So many 16-bit numbers as a 16-bit number says. */
  int16s(): readonly number[] {
    return Array.from({ length: this.#count() }, () => this.int16());
  }

  /** So many 32-bit numbers as a 16-bit number says. */
  uint32s(): readonly number[] {
    return Array.from({ length: this.#count() }, () => this.uint32());
  }

  /** Values with their lengths before them, null for -1. */
  values(): readonly (Buffer | null)[] {
    return Array.from({ length: this.#count() }, () => {
      const length = this.int32();
      return length === -1 ? null : this.take(length);
    });
  }

  /** A text that ends with a zero byte. */
  text(): string {
    const end = this.#bytes.indexOf(0, this.#at);
    if (end < 0) throw broken();
    const text = utf8(this.#bytes.subarray(this.#at, end));
    this.#at = end + 1;
    return text;
  }

  take(count: number): Buffer {
    if (count < 0 || this.#at + count > this.#bytes.length) throw broken();
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  rest(): Buffer {
    return this.take(this.#bytes.length - this.#at);
  }

  #count(): number {
    const count = this.take(2).readUInt16BE();
    // Each has at least two bytes: whoever says more than can be there does not get an array of it.
    if (count > this.#bytes.length) throw broken();
    return count;
  }
}

function broken(): LakesteadError {
  return new LakesteadError('PROTOCOL_VIOLATION', 'a message was sent that is shorter than what it says it holds');
}
