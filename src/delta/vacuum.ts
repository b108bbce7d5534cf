import { LakesteadError } from '#core';
import type { Lease, StatementOptions } from '#engine';

import { decodeFilePath } from './file-path.ts';
import { loadSnapshot, type TableLocation } from './snapshot.ts';
import { recentTombstones, retentionOf } from './tombstones.ts';
import { checkWritable } from './protocol-support.ts';

/** What is vacuumed, and how. */
export type VacuumOptions = Pick<StatementOptions, 'signal'> & {
  readonly lease: Lease;
  /** Files that left the table this long ago go. Default: `delta.deletedFileRetentionDuration`, else 168. */
  readonly retainHours?: number | undefined;
  /** Only says what would go. */
  readonly dryRun?: boolean | undefined;
  /** Takes fewer hours than the table's retention: files that a running reader or writer needs may go. */
  readonly force?: boolean | undefined;
};

/** Files that went, or would: their paths below the table's folder, sorted, and their bytes. */
export type VacuumResult = { readonly files: readonly string[]; readonly bytes: number };

/** How many files are removed at a time. */
const atATime = 16;

/**
 * Removes files from a table's folder that no version within the retention needs: see {@link DeltaTable.vacuum}. Names that
 * begin with `_` or `.` are left alone, as are files younger than the retention: a writer may be about to commit them.
 *
 * @throws {LakesteadError} `USAGE` for a retention below the table's own without `force`
 */
export async function vacuumTable(location: TableLocation, options: VacuumOptions): Promise<VacuumResult> {
  const { lease, signal, dryRun = false, force = false } = options;
  const { store, path: folder } = location;
  const snapshot = await loadSnapshot(location, { lease, signal });
  checkWritable(snapshot.protocol, snapshot.metadata, snapshot.schema, snapshot.table, false);
  const retention = retentionOf(snapshot);
  const kept = options.retainHours === undefined ? retention : options.retainHours * 3_600_000;
  if (!(kept >= 0)) throw new LakesteadError('USAGE', 'a retention is a number of hours, 0 or more');
  if (kept < retention && !force)
    throw new LakesteadError(
      'USAGE',
      `${snapshot.table} keeps removed files for ${retention / 3_600_000} hours, and ${kept / 3_600_000} were asked for; nothing was removed`,
      {
        hint: 'readers of older versions and running writers may need them: set delta.deletedFileRetentionDuration, or say that you know (force)',
      },
    );
  const cutoff = Date.now() - kept;
  const needed = new Set(snapshot.files.paths);
  for (const { path } of await recentTombstones(location, snapshot, cutoff, lease, { signal }))
    needed.add(decodeFilePath(path, snapshot.table));
  const prefix = folder === '' ? '' : `${folder}/`;
  const files: string[] = [];
  let bytes = 0;
  for await (const { path, sizeBytes, modifiedAt } of store.list(folder, { signal })) {
    const name = path.slice(prefix.length);
    const isHidden = name.split('/').some((part) => /^[_.]/.test(part) && !part.includes('='));
    if (isHidden || needed.has(name) || modifiedAt.getTime() > cutoff) continue;
    files.push(name);
    bytes += sizeBytes;
  }
  if (!dryRun) {
    for (let start = 0; start < files.length; start += atATime) {
      signal?.throwIfAborted();
      await Promise.all(files.slice(start, start + atATime).map(async (name) => await removeFile(location, `${prefix}${name}`)));
    }
  }
  return { files, bytes };
}

/** With the check sum that Hadoop keeps beside each file on a local folder. */
async function removeFile({ store }: TableLocation, path: string): Promise<void> {
  await store.delete(path);
  if (store.traffic !== undefined) return; // a store of Azure's has none
  const slash = path.lastIndexOf('/') + 1;
  await store.delete(`${path.slice(0, slash)}.${path.slice(slash)}.crc`);
}
