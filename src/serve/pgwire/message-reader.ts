import type { Socket } from 'node:net';

import { LakesteadError } from '#core';

/** A message of a client. The first one of a connection has no type: it is ''. */
export type FrontendMessage = { readonly type: string; readonly body: Buffer };

/** The longest first message that PostgreSQL takes. */
const maxStartupBytes = 10_000;
/** Types of messages that may be long: queries, what is bound to them, and rows of a COPY. Others are short. */
const longTypes = new Set(['Q', 'P', 'B', 'd', 'F']);
const maxShortBytes = 30_000;
/** A client is not read on while so much of it waits. */
const maxWaiting = 256 * 1024;

/** Takes messages from a socket one by one. While nobody takes any, a client that goes on sending is made to wait. */
export class MessageReader {
  readonly #socket: Socket;
  readonly #maxMessageBytes: number;
  #chunks: Buffer[] = [];
  #waiting = 0;
  #hasEnded = false;
  #wake: (() => void) | undefined;
  readonly #onData = (chunk: Buffer): void => {
    this.#chunks.push(chunk);
    this.#waiting += chunk.length;
    if (this.#waiting > maxWaiting) this.#socket.pause();
    this.#wake?.();
  };
  readonly #onEnd = (): void => {
    this.#hasEnded = true;
    this.#wake?.();
  };

  constructor(socket: Socket, maxMessageBytes: number) {
    this.#socket = socket;
    this.#maxMessageBytes = maxMessageBytes;
    socket.on('data', this.#onData);
    for (const event of ['end', 'close', 'error'] as const) socket.on(event, this.#onEnd);
    // Of one that ended before nothing more is heard.
    if (socket.destroyed || socket.readableEnded) this.#hasEnded = true;
  }

  /** How many bytes came that were not taken. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Lets go of the socket, so that something else can read it. What was not taken goes back to it. */
  release(): void {
    this.#socket.off('data', this.#onData);
    for (const event of ['end', 'close', 'error'] as const) this.#socket.off(event, this.#onEnd);
    this.#socket.pause();
    if (this.#waiting > 0) this.#socket.unshift(Buffer.concat(this.#chunks));
  }

  /** The first byte that comes, which stays there; `undefined` at the end. */
  async peek(): Promise<number | undefined> {
    return (await this.#has(1)) ? this.#chunks[0]?.[0] : undefined;
  }

  /** The first message of a connection; `undefined` when the client went away. */
  async startup(): Promise<FrontendMessage | undefined> {
    return await this.#message('', maxStartupBytes);
  }

  /**
   * The next message; `undefined` when the client went away.
   *
   * @throws {LakesteadError} `SQL_SYNTAX` for one that is longer than allowed: the connection cannot go on
   */
  async next(): Promise<FrontendMessage | undefined> {
    if (!(await this.#has(1))) return undefined;
    const type = String.fromCodePoint(this.#take(1)[0] ?? 0);
    return await this.#message(type, longTypes.has(type) ? this.#maxMessageBytes : maxShortBytes);
  }

  async #message(type: string, maxBytes: number): Promise<FrontendMessage | undefined> {
    if (!(await this.#has(4))) return undefined;
    const length = this.#take(4).readInt32BE() - 4;
    if (length < 0 || length > maxBytes) {
      throw new LakesteadError('PROTOCOL_VIOLATION', `a message of ${length} bytes was sent, where at most ${maxBytes} are taken`);
    }
    if (!(await this.#has(length))) return undefined;
    return { type, body: this.#take(length) };
  }

  async #has(count: number): Promise<boolean> {
    while (this.#waiting < count) {
      if (this.#hasEnded) return false;
      const { promise, resolve } = Promise.withResolvers<undefined>();
      this.#wake = () => resolve(undefined);
      if (this.#socket.isPaused()) this.#socket.resume();
      await promise;
      this.#wake = undefined;
    }
    return true;
  }

  #take(count: number): Buffer {
    let [first] = this.#chunks;
    if (first === undefined || first.length < count) {
      first = Buffer.concat(this.#chunks);
      this.#chunks = [first];
    }
    const taken = first.subarray(0, count);
    if (first.length === count) this.#chunks.shift();
    else this.#chunks[0] = first.subarray(count);
    this.#waiting -= count;
    if (this.#waiting <= maxWaiting && this.#socket.isPaused()) this.#socket.resume();
    return taken;
  }
}
