import { z } from 'zod';

import { LakesteadError } from '#core';
import { formatType, parseType, type SqlServerType } from '#tsql';

/** A column of a table of the embedded SQL Server. */
export type ColumnDescription = {
  readonly name: string;
  readonly type: SqlServerType;
  readonly nullable: boolean;
  readonly identity?: { readonly seed: number; readonly increment: number } | undefined;
  /** The T-SQL expression of a computed column. */
  readonly computed?: string | undefined;
};

/** A table as SQL Server would describe it. */
export type TableDescription = {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly ColumnDescription[];
  /** Empty when the table has none. */
  readonly primaryKey: readonly string[];
};

/** What a database holds. Views and procedures are with the definitions. */
export type DatabaseDescription = {
  readonly schemas: readonly string[];
  /** By schema and name. */
  readonly tables: readonly TableDescription[];
};

const commentSchema = z.object({
  columns: z.array(
    z.object({
      name: z.string(),
      type: z.string(),
      nullable: z.boolean(),
      identity: z.object({ seed: z.number(), increment: z.number() }).optional(),
      computed: z.string().optional(),
    }),
  ),
  primaryKey: z.array(z.string()),
});

/** The JSON that a table carries in its COMMENT. */
export function formatTableComment(table: Omit<TableDescription, 'schema' | 'name'>): string {
  const columns = table.columns.map((column) => ({ ...column, type: formatType(column.type) }));
  return JSON.stringify({ columns, primaryKey: table.primaryKey });
}

/**
 * The description of a table from its COMMENT.
 *
 * @throws CONNECT_DATABASE when the comment is not one of ours
 */
export function parseTableComment(schema: string, name: string, comment: string | null): TableDescription {
  const refuse = (cause?: unknown) =>
    new LakesteadError('CONNECT_DATABASE', `the table ${schema}.${name} does not say which SQL Server types its columns have`, {
      hint: 'a database file holds only tables that Lakestead made: load the source again',
      cause,
    });
  let json: unknown;
  try {
    json = JSON.parse(comment ?? '');
  } catch (error) {
    throw refuse(error);
  }
  const parsed = commentSchema.safeParse(json);
  if (!parsed.success) throw refuse(parsed.error);
  const columns = parsed.data.columns.map((column) => ({ ...column, type: parseType(column.type) }));
  return { schema, name, columns, primaryKey: parsed.data.primaryKey };
}
