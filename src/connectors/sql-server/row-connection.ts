import { Connection, type ConnectionConfiguration, Request } from 'tedious';
import { RequestTokenHandler, type TokenHandler } from 'tedious/lib/token/handler.js';
import type { Parser as TokenStream } from 'tedious/lib/token/token-stream-parser.js';

import type { Batch } from '#engine';

import type { SourceColumn } from '../connector.ts';
import { RowChannel } from './row-channel.ts';
import { type RowSink, RowTokenStream, type WireMessage } from './token-stream.ts';

/** The answer to a statement: its first result, or no columns when it has none. */
export type Answer = {
  readonly columns: readonly SourceColumn[];
  /** Ends when the statement has ended, and throws what went wrong. Leaving it early cancels the statement. */
  readonly batches: AsyncGenerator<Batch>;
  readonly bytesRead: () => number;
  /** Cancels the statement when it still runs, and resolves when the connection is free. */
  readonly stop: () => Promise<void>;
};

/**
 * A connection of the driver whose rows are read by us. The driver rounds decimals and money to floats, cuts datetime2 and
 * time to milliseconds and loses the offset of a datetimeoffset; here is the one place where its reader is replaced.
 */
export class RowConnection extends Connection {
  #sink: RowSink | undefined;

  constructor(config: ConnectionConfiguration) {
    super(config);
    // An error outside of a statement shows in the next one; without a listener it would end the process.
    this.on('error', () => {});
  }

  override createTokenStreamParser(message: WireMessage, handler: TokenHandler): TokenStream {
    const sink = this.#sink;
    if (sink === undefined || !(handler instanceof RequestTokenHandler)) return super.createTokenStreamParser(message, handler);
    // It has the events and methods of a TokenStream that the driver uses.
    return new RowTokenStream(message, handler, this.config.options, sink) as unknown as TokenStream;
  }

  override close(): void {
    if (this.#sink !== undefined) this.#sink.isClosed = true;
    super.close();
  }

  /**
   * Sends a statement and waits until its columns are known. Rows wait on the server until they are taken.
   *
   * @param send hands the request to the driver: as a batch, or as a call of a procedure
   * @param signal cancels the statement on the server, also while its rows are read
   */
  async ask(text: string, send: (request: Request) => void, signal: AbortSignal | undefined): Promise<Answer> {
    signal?.throwIfAborted();
    const channel = new RowChannel();
    const started = Promise.withResolvers<readonly SourceColumn[]>();
    const ended = Promise.withResolvers<void>();
    let readError: unknown;
    const sink: RowSink = { channel, bytesRead: 0, isClosed: false, onColumns: started.resolve, onError: (error) => (readError = error) };
    const cancel = () => {
      channel.discard();
      request.cancel();
    };
    const request = new Request(text, (error) => {
      signal?.removeEventListener('abort', cancel);
      this.#sink = undefined;
      // What our reader found says more than the closed connection that follows from it.
      const reason: unknown = signal?.aborted === true ? signal.reason : (readError ?? error ?? undefined);
      channel.end(reason);
      if (reason === undefined) started.resolve([]);
      else started.reject(reason);
      ended.resolve();
    });
    signal?.addEventListener('abort', cancel, { once: true });
    this.#sink = sink;
    send(request);
    const columns = await started.promise;
    // The connection is free for the next statement only after the server has answered.
    const stop = async () => {
      cancel();
      await ended.promise;
    };
    const batches = async function* (): AsyncGenerator<Batch> {
      let isDone = false;
      try {
        for (let batch = await channel.take(); batch !== undefined; batch = await channel.take()) yield batch;
        isDone = true;
      } finally {
        if (!isDone) await stop();
      }
    };
    return { columns, batches: batches(), bytesRead: () => sink.bytesRead, stop };
  }
}
