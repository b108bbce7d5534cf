import type { ErrorDocument } from '#core';

import type { Column, StatementProgress, StatementShape, TableName, Vector, VectorStream } from './engine.ts';
import type { PlainColumn, PlainValue } from './value-codec.ts';

/** A statement as `render` gives it; `watch` asks for its progress. */
export type PlainStatement = { readonly text: string; readonly values: readonly PlainValue[]; readonly watch: boolean };

export type PlainBatch = { readonly rowCount: number; readonly columns: readonly PlainColumn[] };

export type PlainVector = Exclude<Vector, { kind: 'values' }> | { readonly kind: 'values'; readonly values: PlainColumn };

export type PlainVectorBatch = { readonly rowCount: number; readonly columns: readonly PlainVector[] };

/** What is asked of an engine, on the connection that has the number `lease`, and what it answers. */
type Calls = {
  readonly open: { readonly asks: object; readonly answers: null };
  readonly run: { readonly asks: { readonly statement: PlainStatement }; readonly answers: { readonly rowsChanged: number } };
  /** Begins a result, known by the number `stream`; a connection has one at a time. */
  readonly stream: {
    readonly asks: { readonly stream: number; readonly statement: PlainStatement };
    readonly answers: { readonly columns: readonly Column[] };
  };
  /** The next batch; null at its end. */
  readonly fetch: { readonly asks: { readonly stream: number }; readonly answers: PlainBatch | null };
  /** As `stream`; its batches are fetched as vectors. */
  readonly vectors: {
    readonly asks: { readonly stream: number; readonly statement: PlainStatement };
    readonly answers: Omit<VectorStream, 'batches'>;
  };
  readonly fetchVectors: { readonly asks: { readonly stream: number }; readonly answers: PlainVectorBatch | null };
  readonly describe: { readonly asks: { readonly text: string }; readonly answers: StatementShape };
  /** Begins to append to a table; `rows` follow, and `appended` makes them visible. */
  readonly append: { readonly asks: { readonly stream: number; readonly table: TableName }; readonly answers: null };
  readonly rows: { readonly asks: { readonly stream: number; readonly batch: PlainBatch }; readonly answers: null };
  readonly appended: { readonly asks: { readonly stream: number }; readonly answers: null };
};

export type CallKind = keyof Calls;

export type Call<K extends CallKind = CallKind> = { [Kind in K]: { readonly call: Kind } & Calls[Kind]['asks'] }[K];

export type Answer<K extends CallKind> = Calls[K]['answers'];

/** To the engine. A call gets one answer or error; the others get none. */
export type ToEngine =
  | { readonly id: number; readonly lease: number; readonly ask: Call }
  /** Ends what the connection does now: its call is answered by an error. */
  | { readonly interrupt: number }
  /** Lets go of what is left of a result, or of rows that were not made visible. */
  | { readonly forget: number; readonly stream: number }
  | { readonly close: number }
  | { readonly end: true };

/** From the engine. */
export type FromEngine =
  | { readonly id: number; readonly answer: Answer<CallKind> }
  | { readonly id: number; readonly error: ErrorDocument }
  | { readonly id: number; readonly progress: StatementProgress };

/** One end of the line between an engine and whoever gives it work: a `MessagePort` or a process with IPC can be one. */
export type EnginePort<Sent, Received> = {
  post(message: Sent): void;
  /** Called once. `closed` says that the other end is gone. */
  listen(receive: (message: Received) => void, closed: () => void): void;
};

/** A line within this process: what is posted at one end arrives at the other at once, as it is. */
export function makeLine(): { readonly client: EnginePort<ToEngine, FromEngine>; readonly host: EnginePort<FromEngine, ToEngine> } {
  let toClient: ((message: FromEngine) => void) | undefined;
  let toHost: ((message: ToEngine) => void) | undefined;
  return {
    client: {
      post: (message) => toHost?.(message),
      listen: (receive) => {
        toClient = receive;
      },
    },
    host: {
      post: (message) => toClient?.(message),
      listen: (receive) => {
        toHost = receive;
      },
    },
  };
}
