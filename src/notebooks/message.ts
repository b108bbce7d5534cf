import type { SqlValue } from '#sql';

/** A piece of SQL as data: how a notebook's `sql` crosses from its worker to the engine. */
export type SqlPart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'value'; readonly value: SqlValue }
  | { readonly kind: 'ident'; readonly names: readonly string[] }
  /** Something that `lake.read` gave: the relation's number in this run of the notebook. */
  | { readonly kind: 'relation'; readonly relation: number };

export type RelationColumn = { readonly name: string; readonly type: string };

/** How `lake.write` treats a table that is there. */
export type NotebookWriteMode = 'overwrite' | 'append' | 'error' | 'ignore';

export type NotebookWriteOptions = {
  readonly mode?: NotebookWriteMode;
  readonly partitionBy?: readonly string[];
  readonly mergeSchema?: boolean;
};

export type NotebookWriteResult = { readonly rows: number; readonly bytes: number; readonly version: number };

/** What a notebook asks of the process that runs it. */
export type NotebookCall =
  | { readonly call: 'tables'; readonly path: string }
  | { readonly call: 'read'; readonly path: string }
  | { readonly call: 'write'; readonly path: string; readonly query: readonly SqlPart[]; readonly options: NotebookWriteOptions }
  | { readonly call: 'query'; readonly query: readonly SqlPart[] };

/** From the worker. */
export type WorkerMessage =
  | { readonly type: 'call'; readonly id: number; readonly request: NotebookCall }
  | { readonly type: 'log'; readonly text: string }
  | { readonly type: 'done'; readonly exitValue: unknown }
  | { readonly type: 'failed'; readonly message: string; readonly stack: string };

/** To the worker. */
export type RunnerMessage =
  | { readonly type: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly type: 'refusal'; readonly id: number; readonly message: string };

/** The first message to the worker: what it runs. */
export type WorkerStart = { readonly file: string; readonly parameters: Readonly<Record<string, unknown>> };
