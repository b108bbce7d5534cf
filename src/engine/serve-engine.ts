import {
  type DuckDBAppender,
  type DuckDBConnection,
  DuckDBDataChunk,
  DuckDBInstance,
  type DuckDBResult,
  type DuckDBType,
  ResultReturnType,
  StatementType,
} from '@duckdb/node-api';

import { assertNever, describeError, LakesteadError } from '#core';
import type { SqlValue } from '#sql';

import { classifyDuckdbError } from './duckdb-error.ts';
import type { Column, StatementProgress, StatementShape, TableName } from './engine.ts';
import type { Answer, Call, CallKind, EnginePort, FromEngine, PlainBatch, PlainStatement, ToEngine } from './message.ts';
import { fetchVectors } from './read-vectors.ts';
import { decodeColumn, decodeValue, encodeColumn } from './value-codec.ts';

export type EngineSettings = {
  /** How much memory DuckDB may use, as it writes it: `512MB`, `4GB`. Default: 80 % of the machine's. */
  readonly memoryLimit?: string | undefined;
  /** Threads of one engine. Default: the machine's processors. */
  readonly threads?: number | undefined;
  /** Where what does not fit in memory goes. Default: nothing may spill. */
  readonly tempDirectory?: string | undefined;
};

/** How often the progress of a statement is told. */
const progressIntervalMs = 500;

/** How often a statement that has not ended yet is interrupted. */
const interruptIntervalMs = 50;

/** Rows of a chunk of DuckDB. */
const chunkRows = 2048;

/**
 * Opens an in-memory DuckDB, to which databases can be attached, and does with it what the port's messages ask for, until
 * one says `end` or the port closes.
 */
export async function serveEngine(port: EnginePort<FromEngine, ToEngine>, settings: EngineSettings = {}): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:', {
    ...(settings.memoryLimit === undefined ? {} : { memory_limit: settings.memoryLimit }),
    ...(settings.threads === undefined ? {} : { threads: String(settings.threads) }),
    ...(settings.tempDirectory === undefined ? {} : { temp_directory: settings.tempDirectory }),
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  const connection = await instance.connect();
  await connection.run("SET GLOBAL TimeZone = 'UTC'");
  connection.closeSync();
  const host = new EngineHost(instance, port);
  port.listen(
    (message) => host.receive(message),
    () => host.end(),
  );
}

/** A connection with what it is in the middle of: calls that run (`busy`), and a result or an append that goes on. */
type Held = {
  readonly connection: DuckDBConnection;
  open?: Open | undefined;
  busy: number;
  isClosed: boolean;
  interrupts?: NodeJS.Timeout | undefined;
};

type Open =
  | { readonly stream: number; readonly kind: 'result'; readonly result: DuckDBResult }
  | { readonly stream: number; readonly kind: 'append'; readonly appender: DuckDBAppender };

class EngineHost {
  readonly #instance: DuckDBInstance;
  readonly #port: EnginePort<FromEngine, ToEngine>;
  readonly #leases = new Map<number, Held>();

  constructor(instance: DuckDBInstance, port: EnginePort<FromEngine, ToEngine>) {
    this.#instance = instance;
    this.#port = port;
  }

  receive(message: ToEngine): void {
    if ('ask' in message) void this.#answer(message.id, message.lease, message.ask);
    else if ('interrupt' in message) interrupt(this.#leases.get(message.interrupt));
    else if ('forget' in message) this.#forget(message.forget, message.stream);
    else if ('close' in message) this.#close(message.close);
    else this.end();
  }

  end(): void {
    for (const lease of this.#leases.keys()) this.#close(lease);
    this.#instance.closeSync();
  }

  async #answer(id: number, lease: number, ask: Call): Promise<void> {
    try {
      const answer = await this.#perform(lease, ask, (progress) => this.#port.post({ id, progress }));
      this.#port.post({ id, answer });
    } catch (error) {
      this.#port.post({ id, error: describeError(classifyDuckdbError(error)) });
    }
  }

  async #perform(lease: number, ask: Call, tell: (progress: StatementProgress) => void): Promise<Answer<CallKind>> {
    if (ask.call === 'open') {
      this.#leases.set(lease, { connection: await this.#instance.connect(), busy: 0, isClosed: false });
      return null;
    }
    const held = this.#leases.get(lease);
    if (held === undefined) throw new LakesteadError('INTERNAL', 'a connection was used after it was given back');
    held.busy += 1;
    try {
      return await performOn(held, ask, tell);
    } finally {
      held.busy -= 1;
      if (held.busy === 0) {
        clearInterval(held.interrupts);
        held.interrupts = undefined;
      }
      if (held.isClosed && held.busy === 0) held.connection.closeSync();
    }
  }

  #forget(lease: number, stream: number): void {
    const held = this.#leases.get(lease);
    if (held?.open?.stream !== stream) return;
    if (held.open.kind === 'append') held.open.appender.clear();
    held.open = undefined;
  }

  #close(lease: number): void {
    const held = this.#leases.get(lease);
    if (held === undefined) return;
    this.#leases.delete(lease);
    held.isClosed = true;
    // A connection that is closed under a running statement locks up or crashes DuckDB: the statement ends first.
    if (held.busy > 0) interrupt(held);
    else held.connection.closeSync();
  }
}

/** Ends what the connection does. Again and again, since DuckDB forgets an interrupt that comes before its statement has begun. */
function interrupt(held: Held | undefined): void {
  if (held === undefined || held.busy === 0 || held.interrupts !== undefined) return;
  held.connection.interrupt();
  held.interrupts = setInterval(() => held.connection.interrupt(), interruptIntervalMs);
}

type PerformedOn = Exclude<Call, { readonly call: 'open' }>;

async function performOn(held: Held, ask: PerformedOn, tell: (progress: StatementProgress) => void): Promise<Answer<CallKind>> {
  switch (ask.call) {
    case 'run':
      return await watched(held.connection, ask.statement, tell, async (text, values) => {
        const { rowsChanged } = await held.connection.run(text, values);
        return { rowsChanged };
      });
    case 'stream': {
      // What comes after its first rows is counted by whoever reads it.
      const result = await watched(held.connection, ask.statement, tell, (text, values) => held.connection.stream(text, values));
      held.open = { stream: ask.stream, kind: 'result', result };
      return { columns: columnsOf(result) };
    }
    case 'vectors': {
      const result = await watched(held.connection, ask.statement, tell, (text, values) => held.connection.stream(text, values));
      held.open = { stream: ask.stream, kind: 'result', result };
      return { columns: columnsOf(result, true), ...describeResult(result) };
    }
    case 'fetchVectors':
      return await fetchVectors(opened(held, ask.stream, 'result').result);
    case 'describe':
      return await describeStatement(held.connection, ask.text);
    case 'fetch':
      return await fetchBatch(opened(held, ask.stream, 'result').result);
    case 'append':
      held.open = { stream: ask.stream, kind: 'append', appender: await openAppender(held.connection, ask.table) };
      return null;
    case 'rows':
      appendBatch(opened(held, ask.stream, 'append').appender, ask.batch);
      return null;
    case 'appended':
      opened(held, ask.stream, 'append').appender.closeSync();
      held.open = undefined;
      return null;
    default:
      return assertNever(ask);
  }
}

/** Runs a statement; where it is watched, its progress is told now and then until it is done or gives its first rows. */
async function watched<T>(
  connection: DuckDBConnection,
  { text, values, watch }: PlainStatement,
  tell: (progress: StatementProgress) => void,
  start: (text: string, values: SqlValue[]) => Promise<T>,
): Promise<T> {
  const bound = values.map(decodeValue);
  if (!watch) return await start(text, bound);
  // DuckDB counts only for whoever wants a progress bar.
  await connection.run('SET enable_progress_bar = true');
  await connection.run('SET enable_progress_bar_print = false');
  const timer = setInterval(() => {
    const { percentage, rows_processed: rows, total_rows_to_process: total } = connection.progress;
    if (percentage >= 0) tell({ rows: Number(rows), ...(total > 0n ? { totalRows: Number(total) } : {}) });
  }, progressIntervalMs);
  try {
    return await start(text, bound);
  } finally {
    clearInterval(timer);
  }
}

/** `asNamed`: JSON is said to be that, and not the text that it is kept as. */
function columnsOf(result: DuckDBResult, asNamed = false): readonly Column[] {
  const types = result.columnTypes();
  return result.columnNames().map((name, index) => ({ name, type: asNamed ? nameOf(types[index]) : String(types[index]) }));
}

function nameOf(type: DuckDBType | undefined): string {
  return type?.alias === 'JSON' ? 'JSON' : String(type);
}

function describeResult({ returnType, statementType, rowsChanged }: DuckDBResult) {
  const gives = returnType === ResultReturnType.QUERY_RESULT ? ('rows' as const) : returnType === ResultReturnType.CHANGED_ROWS ? ('count' as const) : ('nothing' as const); // prettier-ignore
  return { gives, statement: StatementType[statementType], rowsChanged: gives === 'count' ? rowsChanged : 0 };
}

async function describeStatement(connection: DuckDBConnection, text: string): Promise<StatementShape> {
  const prepared = await connection.prepare(text);
  try {
    const { parameterCount, columnCount, statementType } = prepared;
    return {
      parameters: Array.from({ length: parameterCount }, (_, index) => typeOf(() => prepared.parameterType(index + 1))),
      columns: Array.from({ length: columnCount }, (_, index) => ({ name: prepared.columnName(index), type: typeOf(() => prepared.columnType(index)) })),
      statement: StatementType[statementType],
    };
  } finally {
    prepared.destroySync();
  }
} // prettier-ignore

/** A type's text; `UNKNOWN` where the engine has not decided on one. */
function typeOf(read: () => DuckDBType): string {
  try {
    const text = nameOf(read());
    return /^(?:INVALID|ANY|UNKNOWN)/.test(text) ? 'UNKNOWN' : text;
  } catch {
    return 'UNKNOWN'; // the driver has no class for a type that is not decided
  }
}

/** What a connection has open under that number. */
function opened<K extends Open['kind']>({ open }: Held, stream: number, kind: K): Extract<Open, { kind: K }> {
  if (open?.stream === stream && open.kind === kind) return open as Extract<Open, { kind: K }>;
  throw new LakesteadError('INTERNAL', 'a result was read on after another statement of its connection had begun');
}

async function fetchBatch(result: DuckDBResult): Promise<PlainBatch | null> {
  const chunk = await result.fetchChunk();
  if (chunk === null || chunk.rowCount === 0) return null;
  return { rowCount: chunk.rowCount, columns: chunk.getColumns().map(encodeColumn) };
}

async function openAppender(connection: DuckDBConnection, { table, schema, database }: TableName): Promise<DuckDBAppender> {
  return await connection.createAppender(table, schema ?? null, database ?? null);
}

function appendBatch(appender: DuckDBAppender, { rowCount, columns }: PlainBatch): void {
  const types = Array.from({ length: appender.columnCount }, (_, index) => appender.columnType(index));
  const decoded = columns.map(decodeColumn);
  for (let start = 0; start < rowCount; start += chunkRows) {
    const size = Math.min(chunkRows, rowCount - start);
    const chunk = DuckDBDataChunk.create(types, size);
    chunk.setColumns(decoded.map((column) => column.slice(start, start + size)));
    appender.appendDataChunk(chunk);
  }
}
