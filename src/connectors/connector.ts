import type { Batch, Lease } from '#engine';
import type { Sql } from '#sql';

/** One column of what a source delivers. */
export type SourceColumn = {
  readonly name: string;
  /** The source's own words: `decimal(19,4)`, `nvarchar(60)`, `timestamptz`. */
  readonly sourceType: string;
  /** DuckDB's type of the same values in the lake: money is `DECIMAL(19,4)`, uniqueidentifier `VARCHAR`. */
  readonly lakeType: string;
  readonly nullable: boolean;
};

/** What to read. `text` is in the source's own SQL. */
export type SourceQuery =
  | { readonly kind: 'query'; readonly text: string }
  | { readonly kind: 'table'; readonly schema?: string; readonly table: string };

/** Where the rows are: already in the engine as a relation (`FROM <sql>`), or coming over the wire in batches that are read once. */
export type SourceRows =
  | {
      readonly kind: 'relation';
      readonly sql: Sql;
      /** Drops what was kept on the connection for it. */
      readonly release?: Sql;
    }
  | { readonly kind: 'batches'; readonly batches: AsyncIterable<Batch>; readonly bytesRead: () => number };

export type SourceResult = { readonly columns: readonly SourceColumn[]; readonly rows: SourceRows };

export type ReadOptions = {
  /** The connection in which a relation will be read. */
  readonly lease: Lease;
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
};

/** A table or view of a source. */
export type SourceTable = { readonly schema: string; readonly table: string; readonly kind: 'table' | 'view' };

/** What `check` found. It throws one of the `CONNECT_*` codes when the source cannot be used. */
export type SourceCheck = { readonly server: string; readonly version: string; readonly database: string; readonly user: string };

/** How rows go into a table: added, or by keys replacing those that are there. Without keys the primary key counts. */
export type TableWrite = {
  readonly schema: string;
  readonly table: string;
  /** The rows' columns: their names are those of the table. */
  readonly columns: readonly Pick<SourceColumn, 'name' | 'lakeType'>[];
  readonly behavior: { readonly kind: 'insert' } | { readonly kind: 'upsert'; readonly keys: readonly string[] };
  /** In the target's own SQL; runs before the rows come, in their transaction. */
  readonly preCopyScript?: string | undefined;
  /** Makes a table that is not there. */
  readonly autoCreate: boolean;
};

/** A value of a stored procedure's parameter, with the type that Data Factory gives it (`String`, `Int32`, `Datetime` ...). */
export type ProcedureParameter = { readonly name: string; readonly value: unknown; readonly type?: string };

/** One open source. Closing it ends what it still runs. */
export type Connector = AsyncDisposable & {
  check(options?: { readonly signal?: AbortSignal }): Promise<SourceCheck>;
  tables(options?: { readonly signal?: AbortSignal }): Promise<readonly SourceTable[]>;
  read(query: SourceQuery, options: ReadOptions): Promise<SourceResult>;
  /** Writes rows that are in the engine, in one transaction: all or none. Absent where only reading is supported. */
  write?(rows: Sql, into: TableWrite, options: ReadOptions): Promise<void>;
  /** Runs a stored procedure for its effect. Sources without procedures refuse with `FACTORY_UNSUPPORTED`. */
  call(
    procedure: string,
    parameters: readonly ProcedureParameter[],
    options?: { readonly signal?: AbortSignal; readonly timeoutMs?: number },
  ): Promise<void>;
};
