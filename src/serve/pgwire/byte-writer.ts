/** How large a piece of output gets before it is handed on. */
const pieceBytes = 256 * 1024;

/** Bytes in network order, written one after the other into a buffer that grows. */
export class ByteWriter {
  #buffer = Buffer.allocUnsafe(pieceBytes);
  #length = 0;

  /** How many bytes were written since the last {@link take}. */
  get length(): number {
    return this.#length;
  }

  /** True when it is time to {@link take}. */
  get isFull(): boolean {
    return this.#length >= pieceBytes - 4096;
  }

  /** Does the work; should it fail, what it wrote is taken back, so that no half message is sent. */
  whole(write: () => void): void {
    const before = this.#length;
    try {
      write();
    } catch (error) {
      this.#length = before;
      throw error;
    }
  }

  /** What was written so far; begins anew. */
  take(): Buffer {
    const taken = this.#buffer.subarray(0, this.#length);
    this.#buffer = Buffer.allocUnsafe(pieceBytes);
    this.#length = 0;
    return taken;
  }

  /** What was written so far as text; begins anew in the same memory. */
  peekText(): string {
    const text = this.#buffer.toString('utf8', 0, this.#length);
    this.#length = 0;
    return text;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length] = value;
    this.#length += 1;
  }

  int16(value: number): void {
    this.#reserve(2);
    this.#length = this.#buffer.writeInt16BE(value, this.#length);
  }

  int32(value: number): void {
    this.#reserve(4);
    this.#length = this.#buffer.writeInt32BE(value, this.#length);
  }

  uint32(value: number): void {
    this.#reserve(4);
    this.#length = this.#buffer.writeUInt32BE(value, this.#length);
  }

  int64(value: bigint): void {
    this.#reserve(8);
    this.#length = this.#buffer.writeBigInt64BE(value, this.#length);
  }

  float32(value: number): void {
    this.#reserve(4);
    this.#length = this.#buffer.writeFloatBE(value, this.#length);
  }

  float64(value: number): void {
    this.#reserve(8);
    this.#length = this.#buffer.writeDoubleBE(value, this.#length);
  }

  bytes(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
  }

  /** Part of a longer piece of bytes. */
  slice(value: Uint8Array, start: number, end: number): void {
    this.#reserve(end - start);
    // For few bytes a loop is faster than a view and a copy of it.
    if (end - start <= 32) for (let index = start; index < end; index += 1) this.#buffer[this.#length + index - start] = value[index] ?? 0;
    else this.#buffer.set(value.subarray(start, end), this.#length);
    this.#length += end - start;
  }

  /** UTF-8. */
  text(value: string): void {
    this.#reserve(value.length * 3);
    this.#length += this.#buffer.write(value, this.#length, 'utf8');
  }

  /** Characters below 128 alone. */
  ascii(value: string): void {
    this.#reserve(value.length);
    this.#length += this.#buffer.write(value, this.#length, 'latin1');
  }

  /** UTF-8 and a zero byte: a zero within the text ends it there. */
  zeroEnded(value: string): void {
    const end = value.indexOf('\0');
    this.text(end < 0 ? value : value.slice(0, end));
    this.byte(0);
  }

  /** Writes what is to be counted, with how many bytes it took (and `more`) before it, as 4 bytes. */
  counted(write: () => void, more = 0): void {
    const at = this.#length;
    this.int32(0);
    write();
    this.#buffer.writeInt32BE(this.#length - at - 4 + more, at);
  }

  /** A place for 4 bytes that {@link endCount} fills. */
  startCount(): number {
    const at = this.#length;
    this.int32(0);
    return at;
  }

  /** How many bytes came after the place, `more` added. */
  endCount(at: number, more = 0): void {
    this.#buffer.writeInt32BE(this.#length - at - 4 + more, at);
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + count));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }
}
