import type { Batch, Lease } from '#engine';
import type { Sql, SqlValue } from '#sql';
import type { Relation, SqlServerType, TargetTable } from '#tsql';

/** A column of a result set, with SQL Server's type. */
export type ResultColumn = { readonly name: string; readonly type: SqlServerType; readonly nullable: boolean };

/** What a batch sends to its client, in order. */
export type SessionResult =
  /** Rows, read once; what is not read when the next result is asked for is thrown away. */
  | { readonly kind: 'rows'; readonly columns: readonly ResultColumn[]; readonly batches: AsyncIterable<Batch> }
  | { readonly kind: 'count'; readonly rowCount: number }
  /** PRINT, and RAISERROR of severity 10 and below. `line` counts in the batch or the procedure. */
  | { readonly kind: 'message'; readonly text: string; readonly number: number; readonly severity: number; readonly state: number };

/** A value for a parameter: a JavaScript value whose type is taken from the procedure, or said in T-SQL (`decimal(10,2)`). */
export type SessionParameter = { readonly name: string; readonly value: SqlValue; readonly type?: string | undefined };

export type ExecuteOptions = {
  readonly signal?: AbortSignal | undefined;
  /** Variables that the batch finds declared, as sp_executesql hands them in. */
  readonly parameters?: readonly SessionParameter[] | undefined;
};

/** What a stored procedure came to. Its result sets were read and thrown away. */
export type ProcedureOutcome = {
  readonly returnCode: number;
  readonly outputs: ReadonlyMap<string, SqlValue>;
  readonly messages: readonly string[];
};

/** One SELECT as a relation of the engine. Holds the newest commit of every table at the time of the call. */
export type CompiledQuery = { readonly columns: readonly ResultColumn[]; readonly sql: Sql };

/** A conversation with a database: variables end with the batch, temporary tables and USE with the session. */
export type Session = AsyncDisposable & {
  /** The current database: USE changes it. */
  readonly database: string;
  /** Runs a script; GO divides it into batches. An error ends the script, and what came before it stays done. */
  execute(script: string, options?: ExecuteOptions): AsyncGenerator<SessionResult, void>;
  /** Translates one SELECT and runs nothing of it. `lease` is the connection that will read it, when the caller holds one. */
  compile(query: string, options?: ExecuteOptions & { readonly lease?: Lease | undefined }): Promise<CompiledQuery>;
  /**
   * Runs a whole batch on the caller's connection and keeps its first result set there: `EXEC`, variables, several statements.
   * `release` drops the rows. @throws `SQL_TYPE` when it gives no result set
   */
  capture(script: string, options: ExecuteOptions & { readonly lease: Lease }): Promise<CompiledQuery & { readonly release: Sql }>;
  /**
   * Runs a script on the caller's connection that finds `rows` as `#incoming`, with the types of T-SQL. A transaction that the
   * script left open when it failed is rolled back.
   */
  load(script: string, options: ExecuteOptions & { readonly lease: Lease; readonly rows: Sql }): Promise<void>;
  callProcedure(
    name: string,
    parameters?: readonly SessionParameter[],
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<ProcedureOutcome>;
};

export type Warehouse = AsyncDisposable & {
  /** @throws `SQL_NAME_NOT_FOUND` for a database that the environment does not have */
  session(options: { readonly database: string }): Promise<Session>;
  /** The names of the databases. */
  readonly databases: readonly string[];
};

/** Who asks, where: every question about a database goes over the session's own connection. */
export type DatabaseAccess = { readonly lease: Lease; readonly signal?: AbortSignal | undefined };

/** One database as sessions see it: the embedded SQL Server's tables and the catalog views. Names compare without case. */
export type Database = {
  readonly name: string;
  readonly kind: 'embedded' | 'serverless';
  /** The schema of names without one. */
  readonly defaultSchema: string;
  findTable(schema: string, name: string, access: DatabaseAccess): Promise<TargetTable | undefined>;
  /** `sys.tables`, `INFORMATION_SCHEMA.COLUMNS` ...: views and procedures among the rows come from the definitions. */
  findCatalogView(schema: string, name: string, access: DatabaseAccess): Promise<Relation | undefined>;
  createSchema(name: string, access: DatabaseAccess): Promise<void>;
  createTable(schema: string, name: string, table: TableDefinition, access: DatabaseAccess): Promise<void>;
  /** False when there is none. */
  dropTable(schema: string, name: string, access: DatabaseAccess): Promise<boolean>;
};

/** A table to create. */
export type TableDefinition = {
  readonly columns: readonly (ResultColumn & {
    readonly identity?: { readonly seed: number; readonly increment: number } | undefined;
    /** In the engine's SQL. */
    readonly defaultValue?: Sql | undefined;
  })[];
  readonly primaryKey?: readonly string[] | undefined;
};

/** A view or procedure by its original text. */
export type StoredDefinition = {
  readonly database: string;
  readonly schema: string;
  readonly name: string;
  readonly kind: 'view' | 'procedure';
  readonly text: string;
};

/** Where views and procedures are kept: `State['definitions']` is one. Calls are durable when they return. */
export type DefinitionStore = {
  find(database: string, schema: string, name: string): StoredDefinition | undefined;
  list(database: string): readonly StoredDefinition[];
  save(definition: StoredDefinition): StoredDefinition;
  /** False when there is none. */
  remove(database: string, schema: string, name: string): boolean;
};
