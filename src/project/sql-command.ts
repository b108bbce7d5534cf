import { z } from 'zod';

import { ownerPrincipal } from '#access';
import { LakesteadError } from '#core';
import { parseDeltaStatement } from '#delta-sql';

import { command, type CommandContext } from './command.ts';
import type { SqlDocument } from './documents.ts';
import { presentQuery, presentStream } from './present-query.ts';
import type { LakePorts } from './lake-context.ts';
import { performLakeStatement } from './lake-statement.ts';
import type { Project } from './project.ts';

const sqlArgs = z.object({
  query: z.string(),
  database: z.string().optional(),
  dialect: z.enum(['duckdb', 'tsql']).optional(),
  format: z.enum(['table', 'json', 'csv', 'ndjson', 'parquet']),
  output: z.string().optional(),
});
type SqlArgs = z.output<typeof sqlArgs>;

/** `sql`: asks the lake in DuckDB's dialect with Delta's statements, or a warehouse database in T-SQL. Every read passes the gateway. */
export const sqlCommand = command(sqlArgs, async (project, args, context): Promise<SqlDocument> => {
  const before = project.lake.traffic();
  const document = await ask(project, args, context);
  const after = project.lake.traffic();
  if (after === undefined) return document;
  const fetched = { requests: after.requests - (before?.requests ?? 0), bytes: after.bytesRead - (before?.bytesRead ?? 0) };
  return { ...document, fetched };
});

async function ask(project: Project, args: SqlArgs, context: CommandContext): Promise<SqlDocument> {
  const dialect = args.dialect ?? (args.database === undefined ? 'duckdb' : 'tsql');
  if (dialect === 'tsql') return await askDatabase(project, args, context);
  if (args.database !== undefined)
    throw new LakesteadError('USAGE', 'a warehouse database is asked in T-SQL', { hint: 'leave out --dialect duckdb' });
  return await askLake(project, args, context);
}

/** A statement of the lake's dialect, and how its rows are wanted. */
export type LakeQuestion = Pick<SqlArgs, 'query' | 'format' | 'output'>;

/** Answers a question of the lake's dialect: a query passes the gateway, other statements change a table. */
export async function askLake(
  project: LakePorts,
  args: LakeQuestion,
  context: Pick<CommandContext, 'signal' | 'emit'>,
): Promise<SqlDocument> {
  const parsed = parseDeltaStatement(args.query);
  if (parsed.kind !== 'query') {
    await using lease = await (await project.engine()).lease({ signal: context.signal });
    const rows = await performLakeStatement(project, parsed, lease, context.signal);
    return await presentQuery(lease, rows.sql, { ...context, format: args.format, output: args.output });
  }
  const gateway = await project.gateway();
  const statement = { principal: ownerPrincipal, dialect: 'duckdb', text: parsed.query.text, signal: context.signal } as const;
  if (args.format === 'parquet') {
    await using lease = await (await project.engine()).lease({ signal: context.signal });
    const { sql: query } = await gateway.compile({ ...statement, lease });
    return await presentQuery(lease, query, { ...context, format: args.format, output: args.output });
  }
  await using result = await gateway.read(statement);
  return await presentStream(result, { ...context, format: args.format, output: args.output });
}

async function askDatabase(project: Project, args: SqlArgs, context: CommandContext): Promise<SqlDocument> {
  const warehouse = await project.warehouse();
  const database = args.database ?? warehouse.databases[0];
  if (database === undefined)
    throw new LakesteadError('USAGE', 'this environment has no T-SQL database', {
      hint: 'name one in lakestead.yaml: environments.<name>.databases',
    });
  await using session = await warehouse.session({ database });
  const presentation = { ...context, format: args.format, output: args.output };
  if (args.format === 'parquet') {
    await using lease = await (await project.engine()).lease({ signal: context.signal });
    const { sql: query } = await session.compile(args.query, { lease, signal: context.signal });
    return await presentQuery(lease, query, presentation);
  }
  const started = performance.now();
  let rowCount = 0;
  let rowsAffected: number | undefined;
  let isFirst = true;
  for await (const result of session.execute(args.query, { signal: context.signal })) {
    if (result.kind === 'message') await context.emit({ kind: 'message', text: result.text });
    else if (result.kind === 'count') rowsAffected = (rowsAffected ?? 0) + result.rowCount;
    else if (args.format === 'json' && !isFirst)
      throw new LakesteadError('USAGE', 'the batch gives more than one result set, and JSON is one document', {
        hint: 'use --format table',
      });
    else {
      isFirst = false;
      const columns = result.columns.map(({ name, type }) => ({ name, type: type.name }));
      const document = await presentStream({ columns, batches: result.batches }, presentation, started);
      rowCount += document.rowCount;
      // As they come: a later statement may fail, and what came before it was asked for too.
      for (const table of document.tables) await context.emit({ kind: 'table', table });
    }
  }
  if (isFirst && args.format === 'json') await context.emit({ kind: 'text', text: '[]\n' });
  return {
    rowCount,
    durationMs: performance.now() - started,
    tables: [],
    ...(rowsAffected === undefined || !isFirst ? {} : { rowsAffected }),
  };
}
