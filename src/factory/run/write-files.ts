import { randomUUID } from 'node:crypto';

import { LakesteadError } from '#core';
import type { Lease, StatementProgress } from '#engine';
import { literal, sql, type Sql } from '#sql';
import type { StagedFile } from '#storage';

import { isObject, type Value, type ValueObject } from '../expression/index.ts';
import { fileWriter, type FileWriter } from './file-format.ts';
import { printValues } from './print-values.ts';
import { describe } from './read-source.ts';
import { refuseOthers } from './refuse-options.ts';
import { type BoundDataset, fileLocation } from './resolve-dataset.ts';
import type { ActivityScope } from './activity-scope.ts';

/** What was written. Bytes and files are not known of a database; `uncompressedBytes` is known of Parquet. */
export type Written = {
  readonly rows: number;
  readonly bytes?: number;
  readonly files?: number;
  readonly uncompressedBytes?: number | undefined;
};

/** The rows of one file of the source, by its path below the source's folder. */
type Part = { readonly relativePath: string; query(): Promise<Sql> };

/** What goes to the sink: everything as one query, and by file where the source is of files. */
export type RowsToWrite = {
  readonly query: Sql;
  readonly parts: readonly Part[] | undefined;
  readonly translator: Value | undefined;
  readonly onProgress: (progress: StatementProgress) => void;
};

/** One file to write; `path` is below the sink's folder. */
type Target = { readonly path: string; readonly query: () => Promise<Sql> };

/**
 * Writes files: one by the name that the dataset gives, else as many as the source has, or as `maxRowsPerFile` asks. Each
 * appears whole, and none before all are written.
 */
export async function writeFiles(
  sink: ValueObject,
  dataset: BoundDataset,
  rows: RowsToWrite,
  lease: Lease,
  scope: ActivityScope,
): Promise<Written> {
  refuseOthers(sink, String(sink['type']), 'a sink of files');
  refuseOthers(sink['storeSettings'], 'AzureBlobFSWriteSettings', 'storeSettings');
  const settings = isObject(sink['formatSettings']) ? sink['formatSettings'] : {};
  const { folder, file } = fileLocation(dataset);
  const writer = fileWriter(dataset, settings);
  const behavior = copyBehavior(sink['storeSettings']);
  const maxRows = maxRowsPerFile(settings, file);
  const targets = maxRows === undefined ? planFiles(rows, behavior, file, writer.extension) : undefined;
  await using staging = openStaging(folder, scope);
  let written = { rows: 0, uncompressedBytes: 0 };
  const add = async (target: Target) => {
    const staged = await staging.stage(target.path);
    const one = await writeOne(await target.query(), staged, dataset, writer, rows, lease, scope);
    written = { rows: written.rows + one.rows, uncompressedBytes: written.uncompressedBytes + one.uncompressedBytes };
  };
  if (targets !== undefined) for (const target of targets) await add(target);
  else await splitRows(rows, { maxRows: maxRows ?? 1, settings, extension: writer.extension, lease, scope, add });
  const { files, bytes } = await staging.publish();
  return { rows: written.rows, bytes, files, uncompressedBytes: dataset.type === 'Parquet' ? written.uncompressedBytes : undefined };
}

/** `copyBehavior` of `storeSettings`; PreserveHierarchy is the default. */
export function copyBehavior(storeSettings: Value | undefined): 'PreserveHierarchy' | 'FlattenHierarchy' | 'MergeFiles' {
  const given = isObject(storeSettings) ? String(storeSettings['copyBehavior'] ?? '') : '';
  if (given === '' || given === 'PreserveHierarchy') return 'PreserveHierarchy';
  if (given === 'FlattenHierarchy' || given === 'MergeFiles') return given;
  throw new LakesteadError('FACTORY_UNSUPPORTED', `copyBehavior ${given} is not supported`, {
    hint: 'supported: PreserveHierarchy, FlattenHierarchy, MergeFiles',
  });
}

/** A name that nobody has given, and nobody else gets. */
export function generatedName(extension: string): string {
  return `data_${randomUUID()}${extension}`;
}

function maxRowsPerFile(settings: ValueObject, file: string): number | undefined {
  const given = settings['maxRowsPerFile'];
  if (given === undefined || given === null) return undefined;
  const maxRows = Number(given);
  if (!Number.isSafeInteger(maxRows) || maxRows < 1)
    throw new LakesteadError('FACTORY_INVALID', 'maxRowsPerFile must be a whole number of at least 1');
  if (file !== '')
    throw new LakesteadError('FACTORY_INVALID', `maxRowsPerFile needs a folder as the sink, and its dataset names the file ${file}`, {
      hint: 'take fileName out of the dataset; fileNamePrefix names the files',
    });
  return maxRows;
}

function planFiles(rows: RowsToWrite, behavior: string, file: string, extension: string): readonly Target[] {
  const { parts } = rows;
  const whole = async () => await Promise.resolve(rows.query);
  if (file !== '') return [{ path: file, query: whole }];
  if (parts === undefined || behavior === 'MergeFiles') return [{ path: generatedName(extension), query: whole }];
  const seen = new Map<string, string>();
  return parts.map((part): Target => {
    const path = behavior === 'FlattenHierarchy' ? generatedName(extension) : withExtension(part.relativePath, extension);
    const other = seen.get(path);
    if (other !== undefined)
      throw new LakesteadError('FACTORY_INVALID', `${other} and ${part.relativePath} would both become ${path}`, {
        hint: 'set copyBehavior to FlattenHierarchy or MergeFiles',
      });
    seen.set(path, part.relativePath);
    return { path, query: async () => await part.query() };
  });
}

/** The file's own name with the extension of what it becomes. */
function withExtension(path: string, extension: string): string {
  const [, stem = path] = /^(.*?[^/])(?:\.[A-Za-z]\w*)?$/.exec(path.replace(/\.(?:gz|gzip)$/i, '')) ?? [];
  return `${stem}${extension}`;
}

/** Files of so many rows each, `prefix_00000`, `prefix_00001` ... The rows are kept once, so that each file has its own. */
async function splitRows(
  rows: RowsToWrite,
  options: {
    readonly maxRows: number;
    readonly settings: ValueObject;
    readonly extension: string;
    readonly lease: Lease;
    readonly scope: ActivityScope;
    readonly add: (target: Target) => Promise<void>;
  },
): Promise<void> {
  const { maxRows, settings, extension, lease, scope, add } = options;
  const given = settings['fileNamePrefix'];
  // Without a prefix, and for a source of files, Data Factory names them itself.
  const prefix = typeof given === 'string' && given !== '' && rows.parts === undefined ? given : `data_${randomUUID()}`;
  const { signal } = scope;
  await lease.run(sql`CREATE OR REPLACE TEMP TABLE split AS ${rows.query}`, { signal, onProgress: rows.onProgress });
  try {
    const [found] = await lease.rows(sql`SELECT count(*)::BIGINT AS n FROM temp.split`, { signal });
    const count = Number(found?.['n'] ?? 0);
    for (let start = 0, index = 0; start < count || index === 0; start += maxRows, index += 1)
      await add({
        path: `${prefix}_${String(index).padStart(5, '0')}${extension}`,
        query: async () =>
          await Promise.resolve(
            sql`SELECT * FROM temp.split WHERE rowid >= ${literal(BigInt(start))} AND rowid < ${literal(BigInt(start + maxRows))}`,
          ),
      });
  } finally {
    await lease.run(sql`DROP TABLE IF EXISTS temp.split`);
  }
}

async function writeOne(
  query: Sql,
  staged: StagedFile,
  dataset: BoundDataset,
  { options, holdsTypes }: FileWriter,
  { translator, onProgress }: RowsToWrite,
  lease: Lease,
  scope: ActivityScope,
): Promise<{ readonly rows: number; readonly uncompressedBytes: number }> {
  const format = dataset.type === 'Json' ? 'Json' : 'DelimitedText';
  const rows = holdsTypes ? query : printValues(query, (await describe(lease, query, scope)).columns, format, translator);
  const copy = sql`COPY (${rows}) TO ${literal(staged.localPath)} (${options})`;
  const { rowsChanged } = await lease.run(copy, { signal: scope.signal, onProgress });
  return { rows: rowsChanged, uncompressedBytes: dataset.type === 'Parquet' ? await uncompressedSize(staged.localPath, lease) : 0 };
}

async function uncompressedSize(file: string, lease: Lease): Promise<number> {
  const [row] = await lease.rows(sql`SELECT coalesce(sum(total_uncompressed_size), 0)::BIGINT AS bytes FROM parquet_metadata(${file})`);
  return Number(row?.['bytes'] ?? 0);
}

/** Files that are being written for a folder of the lake. What was not published is gone when it closes. */
export function openStaging(
  folder: string,
  scope: ActivityScope,
): AsyncDisposable & { stage(path: string): Promise<StagedFile>; publish(): Promise<{ readonly files: number; readonly bytes: number }> } {
  const { signal, state } = scope;
  const waiting: StagedFile[] = [];
  return {
    stage: async (path) => {
      const target = await state.ports.lake.resolve(`${folder}/${path}`);
      const staged = await target.store.stage(target.path);
      waiting.push(staged);
      return staged;
    },
    publish: async () => {
      const files = waiting.length;
      let bytes = 0;
      signal.throwIfAborted();
      for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
        bytes += (await next.publish({ signal })).sizeBytes;
        waiting.shift();
      }
      return { files, bytes };
    },
    [Symbol.asyncDispose]: async () => {
      for (const staged of waiting) await staged.discard();
    },
  };
}
