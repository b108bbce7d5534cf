import { LakesteadError } from '#core';
import { convertTable, forgetSnapshot, openTable, type TableLocation } from '#delta';
import type { DeltaStatement, Name } from '#delta-sql';
import type { LakePlace } from '#storage';

import { typeOf } from './column-definition.ts';
import { changed, type Context, deltaTable, findNamed, instantOf, type StatementRows } from './lake-context.ts';

type Verb<K extends DeltaStatement['kind']> = Extract<DeltaStatement, { kind: K }>;

/** `CREATE TABLE ... SHALLOW CLONE`, with Spark's counts. */
export async function clone(statement: Verb<'clone'>, place: LakePlace | undefined, context: Context): Promise<StatementRows> {
  const { table: name, source: from, at, isShallow, properties, location } = statement;
  const refuse = (what: string) => new LakesteadError('SQL_NOT_SUPPORTED', `${what} is not supported; nothing was changed`);
  if (!isShallow) throw refuse('DEEP CLONE: CREATE TABLE ... AS SELECT copies the rows');
  if (location !== undefined) throw refuse('LOCATION of a clone: its name says where it is');
  const found = await findNamed(name, context);
  if (found !== undefined && statement.ifNotExists) return changed({ source_num_of_files: 0, num_copied_files: 0 });
  if (found !== undefined && !statement.replace)
    throw new LakesteadError('STORAGE_EXISTS', `there is a table ${name.parts.join('.')} already; nothing was written`);
  const { lease, signal } = context;
  const engine = await context.project.engine();
  const source = await sourceOf(from, context);
  const when = at === undefined ? {} : 'version' in at ? { version: at.version } : { timestamp: await instantOf(at.timestamp, context) };
  const to = found ?? place;
  if (to === undefined) throw refuse(`the name ${name.parts.join('.')}`);
  const target = { store: to.store, path: to.path, engine };
  const table = await openTable(source, { signal });
  const { files } = await table.snapshot({ ...when, lease, signal });
  await table.clone({ target, ...when, properties, replace: statement.replace, lease, signal });
  return changed({
    source_table_size: files.totalBytes,
    source_num_of_files: files.count,
    num_removed_files: 0,
    num_copied_files: 0,
    removed_files_size: 0,
    copied_files_size: 0,
  });
}

/** A table of the lake by its name, or by its place as `delta` and a path. */
async function sourceOf(name: Name, context: Context): Promise<TableLocation> {
  const engine = await context.project.engine();
  const [format, path, ...rest] = name.parts;
  if (format?.toLowerCase() === 'delta' && path !== undefined && rest.length === 0 && path.includes('/')) {
    const { open, lake } = context.project;
    const place = open === undefined ? await lake.resolve(path) : await open(path);
    return { store: place.store, path: place.path, engine };
  }
  const { store, path: folder } = await deltaTable(name, context);
  return { store, path: folder, engine };
}

/** `CONVERT TO DELTA`: a folder of Parquet files, by its name or as `parquet` and a path, becomes a table. */
export async function convert(
  statement: Verb<'convert'>,
  place: (name: Name) => Promise<LakePlace>,
  context: Context,
): Promise<StatementRows> {
  const { source, partitions, withStatistics } = statement;
  const { lease, signal } = context;
  const [format, path, ...rest] = source.parts;
  const isPath = format?.toLowerCase() === 'parquet' && path !== undefined && rest.length === 0;
  const parts = isPath ? path.split('/').filter((part) => part !== '') : source.parts;
  const { store, path: folder } = await place({ ...source, parts });
  const partitionTypes = Object.fromEntries(partitions.map(({ name, type }) => [name, typeOf(type.text)]));
  const engine = await context.project.engine();
  await convertTable({ store, path: folder, engine }, { partitionTypes, withStatistics, lease, signal });
  return changed({ num_affected_rows: 0 });
}

/** `DROP TABLE`: the table's folder with all of it. The log goes first, so that what is left of a drop that broke off is no table. */
export async function dropTable({ table: name, ifExists }: Verb<'dropTable'>, context: Context): Promise<StatementRows> {
  if (ifExists && (await findNamed(name, context)) === undefined) return changed({ num_affected_rows: 0 });
  const { store, path } = await deltaTable(name, context);
  await store.deleteFolder(`${path}/_delta_log`, { signal: context.signal });
  await store.deleteFolder(path, { signal: context.signal });
  forgetSnapshot({ store, path });
  return changed({ num_affected_rows: 0 });
}
