import type { PlanSummary } from '#delta';
import type { Lease, ResultStream } from '#engine';
import type { Sql } from '#sql';

import type { LakeView } from './lake-view.ts';

/** Who reads. The owner of the project is the only one until identities come. */
export type Principal = { readonly kind: 'owner'; readonly name: string };

/** The user whose project it is. */
export const ownerPrincipal: Principal = { kind: 'owner', name: 'owner' };

/** A table that a statement reads, as it was resolved. */
export type ReadTable = {
  readonly address: string;
  /** `database` for a table or view of a warehouse database, by its name; `folder` for the names of what is in one. */
  readonly format: 'delta' | 'parquet' | 'csv' | 'json' | 'binary' | 'database' | 'folder';
  readonly version?: number;
};

/** A statement of a person or a program in the lake's dialect: one SELECT of DuckDB over `layer.folder.table`. */
export type ReadStatement = {
  readonly principal: Principal;
  readonly dialect: 'duckdb';
  readonly text: string;
  /** For {@link Gateway.compile}: the connection that will run it. Tables of databases need it. */
  readonly lease?: Lease | undefined;
  readonly signal?: AbortSignal | undefined;
};

/** Expressions of a person or a program, for {@link Gateway.compileExpressions}. `lease` is the connection that will run them. */
export type ReadExpressions = {
  readonly principal: Principal;
  readonly texts: readonly string[];
  readonly lease: Lease;
  readonly signal?: AbortSignal | undefined;
};

/** A checked statement in which every table is a snapshot: ready for the engine. */
export type EngineQuery = { readonly sql: Sql; readonly tables: readonly ReadTable[] };

/** What somebody wants to read of the lake by its address: `gold/SalesLT/Address`, `https://account.dfs.../gold/...`. */
export type LakeRead = {
  readonly principal: Principal;
  /** May hold the wildcards of `OPENROWSET` where `format` is not `delta` or `binary`. */
  readonly address: string;
  /** `binary` is one file by its exact name, as bytes: its path is for the file system, not for SQL. */
  readonly format: 'delta' | 'parquet' | 'csv' | 'json' | 'binary';
  /** Of a Delta table: the version, or the newest one not after the timestamp. Default the newest. */
  readonly version?: number | undefined;
  readonly timestamp?: Date | undefined;
  /** Of a Delta table: its change feed from one version to another, both included, instead of its rows. */
  readonly changes?: { readonly from?: number | undefined; readonly to?: number | undefined } | undefined;
  /** Of a Delta table: a condition that rows fulfil. Columns stand bare or behind `t`. */
  readonly where?: Sql | undefined;
  /** Of a Delta table with row tracking: adds `row_id` and `row_commit_version`. */
  readonly rowIds?: boolean | undefined;
  /** The caller's connection, when it holds one: waiting for a second could last. */
  readonly lease?: Lease | undefined;
  /** Lets go of local copies of remote files when it ends; the lease where it is not given. */
  readonly scope?: Pick<Lease, 'defer'> | undefined;
  readonly signal?: AbortSignal | undefined;
};

/**
 * What an address leads to at this moment. A Delta table is a SELECT of its snapshot; files are a list of paths
 * that the engine can read, for the caller's own reader function and options.
 */
export type LakeRelation =
  | { readonly kind: 'delta'; readonly sql: Sql; readonly version: number; readonly plan?: PlanSummary }
  | {
      readonly kind: 'files';
      readonly paths: readonly string[];
      readonly names: readonly string[];
      /** The files as whoever asked would address them. */
      readonly addresses: readonly string[];
    };

/** The result of a read. It owns its connection until its batches end or it is disposed. */
export type GatewayResult = ResultStream & AsyncDisposable & { readonly tables: readonly ReadTable[] };

/** Everything that a person or a program reads passes here. */
export type Gateway = {
  /** Checks a statement and puts snapshots in the place of its tables. Runs nothing of it. */
  compile(statement: ReadStatement): Promise<EngineQuery>;
  /** {@link Gateway.compile}, then runs it. */
  read(statement: ReadStatement): Promise<GatewayResult>;
  /**
   * Conditions and values of a statement that changes a table, in the lake's dialect: each as SQL for the engine. Their columns
   * stay as they are written; their subqueries are checked and read as {@link Gateway.compile} reads.
   */
  compileExpressions(request: ReadExpressions): Promise<readonly Sql[]>;
  /** For the T-SQL sessions: what an address leads to, as this principal may see it. */
  resolveLake(read: LakeRead): Promise<LakeRelation>;
  /** What may be known of the lake without its rows: names, sizes, schemas, histories. */
  look(principal: Principal): LakeView;
};
