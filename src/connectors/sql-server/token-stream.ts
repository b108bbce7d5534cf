import { EventEmitter } from 'node:events';

import type { ColumnMetadata } from 'tedious/lib/token/colmetadata-token-parser.js';
import { ColMetadataToken, type Token, TYPE } from 'tedious/lib/token/token.js';
import type { TokenHandler } from 'tedious/lib/token/handler.js';
import type { Connection } from 'tedious';
import tokenParser, { type ParserOptions } from 'tedious/lib/token/stream-parser.js';

import type { RowChannel } from './row-channel.ts';
import { RowReader } from './row-reader.ts';

/** One message of the server, as the driver hands it to a parser. */
export type WireMessage = Parameters<Connection['createTokenStreamParser']>[0];

const rowsPerBatch = 2048;
const bytesPerBatch = 4 * 1024 * 1024;

// The module's value is the class itself, though its declaration says that it has the class as `default`.
const TokenParser = tokenParser as unknown as typeof tokenParser.default;

/** What an answer with rows tells: the columns of its first result, its rows, and how many bytes came. */
export type RowSink = {
  readonly channel: RowChannel;
  readonly onColumns: (columns: RowReader['columns']) => void;
  readonly onError: (error: unknown) => void;
  bytesRead: number;
  /** The connection was closed: the driver has forgotten the statement and must not hear of its end. */
  isClosed: boolean;
};

/** The driver's parser of tokens, with our reader for rows: they become columns, no token and no object each. */
class RowTokenParser extends TokenParser {
  rows: RowReader | undefined;

  override readToken(): Token | undefined {
    const type = this.buffer[this.position];
    if (this.rows === undefined || (type !== TYPE.ROW && type !== TYPE.NBCROW)) return super.readToken();
    const { rows } = this;
    const read = (): Token | undefined => {
      rows.read(this, type === TYPE.NBCROW);
      return undefined;
    };
    // A reader that gives no token: the parser goes on with the next, as after a token that it skips.
    return this.startTokenReader({ read: read as () => Token });
  }
}

/**
 * The answer to one statement: its rows go into the sink, everything else to the driver's handler. It stands in the
 * place of the driver's TokenStreamParser and emits the same events, `end` and `error`.
 */
export class RowTokenStream extends EventEmitter {
  readonly #sink: RowSink;
  readonly #parser: RowTokenParser;
  #results = 0;

  constructor(message: WireMessage, handler: TokenHandler, options: ParserOptions, sink: RowSink) {
    super();
    this.#sink = sink;
    this.#parser = new RowTokenParser(options);
    this.#run(message, handler).then(
      () => process.nextTick(() => sink.isClosed || this.emit('end')),
      (error: unknown) => {
        sink.onError(error);
        process.nextTick(() => sink.isClosed || this.emit('error', error));
      },
    );
  }

  async #run(message: WireMessage, handler: TokenHandler): Promise<void> {
    let bytes = 0;
    // By hand: `for await` would destroy the message when parsing fails, and with it what the driver says then.
    const chunks: AsyncIterator<Buffer> = message[Symbol.asyncIterator]();
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
      const chunk = next.value;
      this.#sink.bytesRead += chunk.length;
      bytes += chunk.length;
      this.#parser.write(chunk);
      for (let token = this.#parser.read(); token !== undefined; token = this.#parser.read()) {
        if (token instanceof ColMetadataToken) await this.#startResult(token.columns);
        // Each token names the method that takes it.
        (handler[token.handlerName] as (token: Token) => void).call(handler, token);
      }
      const rows = this.#parser.rows;
      if (rows === undefined || (rows.rowCount < rowsPerBatch && bytes < bytesPerBatch)) continue;
      bytes = 0;
      await this.#deliver(rows);
    }
    this.#parser.end();
    await this.#deliver(this.#parser.rows);
  }

  async #startResult(metadata: readonly ColumnMetadata[]): Promise<void> {
    await this.#deliver(this.#parser.rows);
    this.#parser.rows = new RowReader(metadata);
    this.#results += 1;
    if (this.#results === 1) this.#sink.onColumns(this.#parser.rows.columns);
  }

  async #deliver(rows: RowReader | undefined): Promise<void> {
    if (rows === undefined || rows.rowCount === 0) return;
    const batch = rows.take();
    // Of several results the first is the answer, as in Data Factory; the others are read to their end, for their errors.
    if (this.#results === 1) await this.#sink.channel.put(batch);
  }

  // The driver asks for these when a request is paused. We never pause one: who takes the rows sets the pace.
  pause(): void {}
  resume(): void {}
}
