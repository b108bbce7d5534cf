import type { DeltaTable, OptimizeResult } from '#delta';
import type { DeltaStatement } from '#delta-sql';
import { literal, sql } from '#sql';

import { changed, compileExpressions, type Context, instantOf, openNamed, rowsOf, type StatementRows, text } from './lake-context.ts';

type Verb<K extends DeltaStatement['kind']> = Extract<DeltaStatement, { kind: K }>;

/** `OPTIMIZE`, with the table's path and what was done, as Spark gives it. */
export async function optimize(statement: Verb<'optimize'>, context: Context): Promise<StatementRows> {
  const { table: name, where, zorderBy, isFull } = statement;
  const table = await openNamed(name, context);
  const { lease, signal } = context;
  const condition = where === undefined ? undefined : (await compileExpressions([where], context))[0];
  const columns = zorderBy.map(({ parts }) => parts.join('.'));
  const result = await table.optimize({ where: condition, whereText: where?.text.trim(), zorderBy: columns, isFull, lease, signal });
  return optimized(table, result);
}

/** `REORG TABLE ... APPLY (PURGE)`: deleted rows leave their files. */
export async function reorg({ table: name, where }: Verb<'reorg'>, context: Context): Promise<StatementRows> {
  const table = await openNamed(name, context);
  const { lease, signal } = context;
  const condition = where === undefined ? undefined : (await compileExpressions([where], context))[0];
  return optimized(table, await table.optimize({ where: condition, whereText: where?.text.trim(), purge: true, lease, signal }));
}

function optimized(table: DeltaTable, result: OptimizeResult): StatementRows {
  const metrics = sql`{'numFilesAdded': ${literal(result.filesAdded)}::BIGINT, 'numFilesRemoved': ${literal(result.filesRemoved)}::BIGINT,
    'numBytesAdded': ${literal(result.bytesAdded)}::BIGINT, 'numBytesRemoved': ${literal(result.bytesRemoved)}::BIGINT}`;
  return rowsOf(['path', 'metrics'], [[text(`${table.store.root}/${table.path}`), metrics]]);
}

/** `VACUUM`: the table's path, or with DRY RUN the files that would go. */
export async function vacuum({ table: name, retainHours, dryRun, mode }: Verb<'vacuum'>, context: Context): Promise<StatementRows> {
  const table = await openNamed(name, context);
  const { lease, signal } = context;
  const { files } = await table.vacuum({ retainHours, dryRun, lite: mode === 'lite', lease, signal });
  const root = `${table.store.root}/${table.path}`;
  return rowsOf(['path'], dryRun ? files.map((file) => [text(`${root}/${file}`)]) : [[text(root)]]);
}

/** `RESTORE TABLE ... TO VERSION | TIMESTAMP AS OF`, with Spark's counts. */
export async function restore({ table: name, at }: Verb<'restore'>, context: Context): Promise<StatementRows> {
  const table = await openNamed(name, context);
  const { lease, signal } = context;
  const when = 'version' in at ? { version: at.version } : { timestamp: await instantOf(at.timestamp, context) };
  const result = await table.restore({ ...when, lease, signal });
  const { files } = await table.snapshot({ lease, signal });
  return changed({
    table_size_after_restore: files.totalBytes,
    num_of_files_after_restore: files.count,
    num_removed_files: result.filesRemoved,
    num_restored_files: result.filesRestored,
    removed_files_size: result.bytesRemoved,
    restored_files_size: result.bytesRestored,
  });
}
