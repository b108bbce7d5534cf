import { LakesteadError, Limiter, reviveError } from '#core';
import { render, type Sql } from '#sql';

import { classifyDuckdbError } from './duckdb-error.ts';
import type {
  Batch,
  Engine,
  Lease,
  ResultStream,
  Row,
  StatementOptions,
  StatementProgress,
  StatementShape,
  TableName,
  VectorBatch,
  VectorStream,
} from './engine.ts';
import type { Answer, Call, CallKind, EnginePort, FromEngine, PlainStatement, ToEngine } from './message.ts';
import { decodeColumn, encodeColumn, encodeValue } from './value-codec.ts';

export type ConnectOptions = {
  /** Leases given out at a time; more wait in order. Default 8. */
  readonly maxLeases?: number | undefined;
};

const maxRows = 100_000;

/** How often the progress of an append is told. */
const progressIntervalMs = 500;

/** The engine at the other end of a port: see `serveEngine`. Should it end, whatever it was asked fails with `ENGINE_FAILED`. */
export function connectEngine(port: EnginePort<ToEngine, FromEngine>, { maxLeases = 8 }: ConnectOptions = {}): Engine {
  return new EngineClient(new Line(port), new Limiter(maxLeases));
}

type Pending = {
  readonly resolve: (answer: Answer<CallKind>) => void;
  readonly reject: (error: LakesteadError) => void;
  readonly onProgress: ((progress: StatementProgress) => void) | undefined;
};

/** Calls and their answers. */
class Line {
  readonly #port: EnginePort<ToEngine, FromEngine>;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;
  #isGone = false;

  constructor(port: EnginePort<ToEngine, FromEngine>) {
    this.#port = port;
    port.listen(
      (message) => this.#receive(message),
      () => {
        this.#isGone = true;
        for (const { reject } of this.#pending.values()) reject(engineIsGone());
        this.#pending.clear();
      },
    );
  }

  post(message: ToEngine): void {
    if (!this.#isGone) this.#port.post(message);
  }

  /** A number that no call and no lease had yet. */
  nextId(): number {
    return (this.#lastId += 1);
  }

  /** Asks and waits. The signal interrupts what the lease does, and then decides what is thrown. */
  async ask<A extends Call>(lease: number, ask: A, { signal, onProgress }: StatementOptions = {}): Promise<Answer<A['call']>> {
    throwIfAborted(signal);
    if (this.#isGone) throw engineIsGone();
    const interrupt = () => this.post({ interrupt: lease });
    signal?.addEventListener('abort', interrupt, { once: true });
    try {
      return await new Promise((resolve, reject) => {
        const id = this.nextId();
        this.#pending.set(id, { resolve, reject, onProgress });
        this.#port.post({ id, lease, ask });
      });
    } catch (error) {
      throw classifyDuckdbError(error, signal);
    } finally {
      signal?.removeEventListener('abort', interrupt);
    }
  }

  #receive(message: FromEngine): void {
    const pending = this.#pending.get(message.id);
    if ('progress' in message) {
      pending?.onProgress?.(message.progress);
      return;
    }
    this.#pending.delete(message.id);
    if ('error' in message) pending?.reject(reviveError(message.error));
    else pending?.resolve(message.answer);
  }
}

class EngineClient implements Engine {
  readonly #line: Line;
  readonly #places: Limiter;

  constructor(line: Line, places: Limiter) {
    this.#line = line;
    this.#places = places;
  }

  async lease(options: StatementOptions = {}): Promise<Lease> {
    await this.#places.acquire(options.signal, () => classifyDuckdbError(undefined, options.signal));
    const number = this.#line.nextId();
    try {
      await this.#line.ask(number, { call: 'open' }, options);
      return new EngineLease(this.#line, number, () => this.#places.release());
    } catch (error) {
      this.#line.post({ close: number });
      this.#places.release();
      throw error;
    }
  }

  async withLease<T>(work: (lease: Lease) => Promise<T>, options: StatementOptions = {}): Promise<T> {
    await using lease = await this.lease(options);
    return await work(lease);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#line.post({ end: true });
  }
}

class EngineLease implements Lease {
  readonly #line: Line;
  readonly #number: number;
  readonly #giveBack: () => void;
  readonly #deferred: (() => void)[] = [];
  #isClosed = false;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(line: Line, number: number, giveBack: () => void) {
    this.#line = line;
    this.#number = number;
    this.#giveBack = giveBack;
  }

  defer(release: () => void): void {
    this.#deferred.push(release);
  }

  async run(statement: Sql, options: StatementOptions = {}): Promise<{ readonly rowsChanged: number }> {
    return await this.#inTurn(async () => await this.#ask({ call: 'run', statement: plain(statement, options) }, options));
  }

  async rows(query: Sql, options: StatementOptions = {}): Promise<readonly Row[]> {
    return await this.#inTurn(async () => await this.#collect(query, options));
  }

  /** One after the other: on one connection a second statement would cut the first one's rows short. */
  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#turn;
    const mine = Promise.withResolvers<undefined>();
    this.#turn = mine.promise;
    await before;
    try {
      return await work();
    } finally {
      mine.resolve(undefined);
    }
  }

  async #collect(query: Sql, options: StatementOptions): Promise<readonly Row[]> {
    const { columns, batches } = await this.stream(query, options);
    const rows: Row[] = [];
    for await (const batch of batches) {
      if (rows.length + batch.rowCount > maxRows) {
        throw new LakesteadError('ENGINE_FAILED', `a result of more than ${maxRows} rows was asked for at once`);
      }
      for (let row = 0; row < batch.rowCount; row += 1) {
        rows.push(Object.fromEntries(columns.map((column, index) => [column.name, batch.columns[index]?.[row] ?? null])));
      }
    }
    return rows;
  }

  async stream(query: Sql, options: StatementOptions = {}): Promise<ResultStream> {
    const stream = this.#line.nextId();
    const { columns } = await this.#ask({ call: 'stream', stream, statement: plain(query, options) }, options);
    return { columns, batches: this.#batches(stream, options.signal) };
  }

  async *#batches(stream: number, signal: AbortSignal | undefined): AsyncGenerator<Batch> {
    try {
      for (;;) {
        const batch = await this.#ask({ call: 'fetch', stream }, { signal });
        if (batch === null) break;
        yield { rowCount: batch.rowCount, columns: batch.columns.map(decodeColumn) };
      }
    } finally {
      this.#line.post({ forget: this.#number, stream });
    }
    // An interrupted stream of DuckDB ends like a finished one.
    throwIfAborted(signal);
  }

  async vectors(query: Sql, options: StatementOptions = {}): Promise<VectorStream> {
    const stream = this.#line.nextId();
    const started = await this.#ask({ call: 'vectors', stream, statement: plain(query, options) }, options);
    return { ...started, batches: this.#vectorBatches(stream, options.signal) };
  }

  async *#vectorBatches(stream: number, signal: AbortSignal | undefined): AsyncGenerator<VectorBatch> {
    try {
      for (;;) {
        const batch = await this.#ask({ call: 'fetchVectors', stream }, { signal });
        if (batch === null) break;
        const columns = batch.columns.map((one) => (one.kind === 'values' ? { kind: one.kind, values: decodeColumn(one.values) } : one));
        yield { rowCount: batch.rowCount, columns };
      }
    } finally {
      this.#line.post({ forget: this.#number, stream });
    }
    throwIfAborted(signal);
  }

  async describe(text: Sql, options: StatementOptions = {}): Promise<StatementShape> {
    return await this.#inTurn(async () => await this.#ask({ call: 'describe', text: render(text).text }, options));
  }

  async append(table: TableName, batches: AsyncIterable<Batch>, options: StatementOptions = {}): Promise<{ readonly rowCount: number }> {
    const { signal, onProgress } = options;
    const stream = this.#line.nextId();
    await this.#ask({ call: 'append', stream, table }, { signal });
    let rowCount = 0;
    let toldAt = performance.now();
    try {
      for await (const { rowCount: size, columns } of batches) {
        if (onProgress !== undefined && performance.now() - toldAt > progressIntervalMs) {
          toldAt = performance.now();
          onProgress({ rows: rowCount });
        }
        await this.#ask({ call: 'rows', stream, batch: { rowCount: size, columns: columns.map(encodeColumn) } }, { signal });
        rowCount += size;
      }
      await this.#ask({ call: 'appended', stream }, { signal });
    } catch (error) {
      this.#line.post({ forget: this.#number, stream });
      throw classifyDuckdbError(error, signal);
    }
    return { rowCount };
  }

  async #ask<A extends Call>(ask: A, options: StatementOptions): Promise<Answer<A['call']>> {
    if (this.#isClosed) throw new LakesteadError('INTERNAL', 'a connection was used after it was given back');
    return await this.#line.ask(this.#number, ask, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#line.post({ close: this.#number });
    for (const release of this.#deferred.splice(0)) release();
    this.#giveBack();
  }
}

function plain(statement: Sql, { onProgress }: StatementOptions): PlainStatement {
  const { text, values } = render(statement);
  return { text, values: values.map(encodeValue), watch: onProgress !== undefined };
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw classifyDuckdbError(undefined, signal);
}

function engineIsGone(): LakesteadError {
  return new LakesteadError('ENGINE_FAILED', 'the engine has ended', { hint: 'run the same command again' });
}
