import type { Sql, SqlValue } from '#sql';

import type { Name, OpenRowset } from './ast.ts';
import type { SqlServerType } from './types.ts';

/** A column of a table, view or result. The name is '' where the statement gives none. */
export type BoundColumn = { readonly name: string; readonly type: SqlServerType; readonly nullable: boolean };

/** Something with rows: `FROM (<sql>) AS t`. The SQL's columns stand in the order of `columns`, under those names. */
export type Relation = {
  readonly columns: readonly BoundColumn[];
  readonly sql: Sql;
  /** Set for files whose rows say where they are from: the SQL then has {@link filePathColumn} behind its columns. */
  readonly files?: RelationFiles;
};

/** The addresses that OPENROWSET was given, with their wildcards. */
export type RelationFiles = { readonly patterns: readonly string[] };

/** The column of the address of the file that a row is from. */
export const filePathColumn = '$file';

/** A table that rows can be written to: `target` is its name in the engine, as INSERT INTO takes it. */
export type TargetTable = Relation & {
  readonly target: Sql;
  readonly identity?: string | undefined;
  /** Columns whose values come from an expression of T-SQL over the others: whoever changes those changes them too. */
  readonly computed?: readonly { readonly name: string; readonly expression: string }[] | undefined;
};

/** A value with its type, as a variable holds it: null for NULL, else as the engine gives values of `engineType(type)`. */
export type TypedValue = { readonly type: SqlServerType; readonly value: SqlValue };

/** What surrounds a statement while it is bound: the session hands it in. Names are as written; they compare without case. */
export type BindScope = {
  /** The text that the spans count in, for the places of errors. */
  readonly text: string;
  /** A table, view, catalog view or `#temporary` table at this moment; undefined when there is none. */
  findTable(name: Name): Promise<Relation | undefined>;
  /** A table for INSERT, UPDATE, DELETE and TRUNCATE; undefined when there is none. */
  findTarget(name: Name): Promise<TargetTable | undefined>;
  /** A table variable `@t`. */
  findTableVariable(name: string): Promise<TargetTable | undefined>;
  /** The files that OPENROWSET leads to, at this moment. */
  openRowset(rowset: OpenRowset): Promise<Relation>;
  /** A declared variable, with its `@`. */
  findVariable(name: string): TypedValue | undefined;
  /**
   * What the session knows: `@@ROWCOUNT`, `@@TRANCOUNT` ..., `ERROR_MESSAGE` ..., `DB_NAME`, `SCOPE_IDENTITY`, `USER_NAME`,
   * by upper-case name without parentheses; `OBJECT_ID`, `SCHEMA_ID` and their like take their argument's value.
   */
  sessionValue(name: string, args: readonly SqlValue[]): Promise<TypedValue | undefined>;
  /** The time of the statement: GETDATE() is the same all through it. */
  readonly now: Date;
};
