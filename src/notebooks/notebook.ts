import type { SqlValue } from '#sql';

import type { NotebookWriteOptions, NotebookWriteResult, RelationColumn, SqlPart } from './message.ts';

/** A piece of SQL in a notebook. Made by the `sql` tag only: values in it are bound and never become text. */
export type NotebookSql = { readonly parts: readonly SqlPart[] };

/** Something in the lake as it was when it was read: put it after FROM. */
export type NotebookRelation = NotebookSql & { readonly columns: readonly RelationColumn[] };

/** What can stand in a hole of the `sql` tag. */
export type NotebookHole = NotebookSql | SqlValue | Date;

export type NotebookSqlTag = {
  (strings: TemplateStringsArray, ...holes: readonly NotebookHole[]): NotebookSql;
  /** A name in double quotes; several are joined by dots. */
  ident(...names: readonly string[]): NotebookSql;
  /** Pieces with a separator between them (default `, `). */
  join(pieces: readonly NotebookSql[], separator?: string): NotebookSql;
};

export type NotebookLake = {
  /** The tables in a folder of the lake (`bronze/SalesLT`), sorted by name. */
  tables(path: string): Promise<readonly string[]>;
  /** A Delta table at its newest version, a Parquet file, or a folder of Parquet files. */
  read(path: string): Promise<NotebookRelation>;
  /** Writes a query's rows as one Delta commit; the data stays in the engine. */
  write(path: string, query: NotebookSql, options?: NotebookWriteOptions): Promise<NotebookWriteResult>;
  /** A small result (at most 10,000 rows) as objects. */
  query(query: NotebookSql): Promise<readonly Readonly<Record<string, SqlValue>>[]>;
};

export type NotebookContext = {
  readonly lake: NotebookLake;
  readonly sql: NotebookSqlTag;
  /** The activity's base parameters. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** A line of progress. */
  readonly log: (...values: readonly unknown[]) => void;
  /** Ends the notebook with a value, which the pipeline sees in the activity's output. */
  readonly exit: (value?: unknown) => never;
};

/** What a notebook file exports as its default. */
export type Notebook = (context: NotebookContext) => unknown;
