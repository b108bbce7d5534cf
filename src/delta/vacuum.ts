import { LakesteadError } from '#core';
import type { Lease, StatementOptions } from '#engine';

import type { RemoveFile } from './actions.ts';
import { clonedFiles } from './clone.ts';
import { vectorPath } from './deletion-vector.ts';
import { decodeFilePath, isAbsolutePath } from './file-path.ts';
import { pinnedFiles } from './pinned-files.ts';
import { loadSnapshot, type Snapshot, type TableLocation } from './snapshot.ts';
import { recentTombstones, retentionOf } from './tombstones.ts';
import { checkWritable } from './protocol-support.ts';

/** What is vacuumed, and how. */
export type VacuumOptions = Pick<StatementOptions, 'signal'> & {
  readonly lease: Lease;
  /** Files that left the table this long ago go. Default: `delta.deletedFileRetentionDuration`, else 168. */
  readonly retainHours?: number | undefined;
  /** Only looks for files that the log says were removed, and leaves out those that no version ever named: without listing the folder. */
  readonly lite?: boolean | undefined;
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
  const { path: folder } = location;
  const snapshot = await loadSnapshot(location, { lease, signal });
  checkWritable(snapshot.protocol, snapshot.metadata, snapshot.table, false);
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
  const removed = await recentTombstones(location, snapshot, cutoff, lease, { signal });
  const needed = new Set([
    ...snapshot.files.paths,
    ...removed.map(({ path }) => decodeFilePath(path, snapshot.table)),
    ...vectorsOf(snapshot, removed),
    ...(await clonedFiles(location)),
    ...pinnedFiles(location),
  ]);
  const prefix = folder === '' ? '' : `${folder}/`;
  const { files, bytes } = options.lite === true
    ? await removedFiles(location, snapshot, needed, { lease, signal })
    : await unneededFiles(location, needed, cutoff, signal); // prettier-ignore
  if (!dryRun) {
    for (let start = 0; start < files.length; start += atATime) {
      signal?.throwIfAborted();
      await Promise.all(files.slice(start, start + atATime).map(async (name) => await removeFile(location, `${prefix}${name}`)));
    }
  }
  return { files, bytes };
}

/** Everything in the folder that is not needed and not hidden, and older than the cutoff. Change files go like data. */
async function unneededFiles(
  { store, path: folder }: TableLocation,
  needed: ReadonlySet<string>,
  cutoff: number,
  signal: AbortSignal | undefined,
): Promise<Files> {
  const prefix = folder === '' ? '' : `${folder}/`;
  const files: string[] = [];
  let bytes = 0;
  for await (const { path, sizeBytes, modifiedAt } of store.list(folder, { signal })) {
    const name = path.slice(prefix.length);
    const shown = name.startsWith('_change_data/') ? name.slice('_change_data/'.length) : name;
    const isHidden = shown.split('/').some((part) => /^[_.]/.test(part) && !part.includes('='));
    if (isHidden || needed.has(name) || modifiedAt.getTime() > cutoff) continue;
    files.push(name);
    bytes += sizeBytes;
  }
  return { files, bytes };
}

type Files = { readonly files: readonly string[]; readonly bytes: number };

/** What the log says was removed, as far as it is still there. */
async function removedFiles(
  location: TableLocation,
  snapshot: Snapshot,
  needed: ReadonlySet<string>,
  { lease, signal }: Pick<VacuumOptions, 'lease' | 'signal'>,
): Promise<Files> {
  const files: string[] = [];
  let bytes = 0;
  for (const { path } of await recentTombstones(location, snapshot, 0, lease, { signal })) {
    const name = decodeFilePath(path, snapshot.table);
    if (needed.has(name) || isAbsolutePath(name) || files.includes(name)) continue;
    const info = await location.store.find(location.path === '' ? name : `${location.path}/${name}`);
    if (info === undefined) continue;
    files.push(name);
    bytes += info.sizeBytes;
  }
  return { files: files.toSorted(), bytes };
}

/** The files of deletion vectors that live files, or those removed of late, have. */
function vectorsOf({ files }: Snapshot, removed: readonly RemoveFile[]): readonly string[] {
  const vectors = [...files.deletionVectors.values(), ...removed.flatMap(({ deletionVector }) => deletionVector ?? [])];
  return vectors.flatMap((vector) => vectorPath(vector) ?? []);
}

/** With the check sum that Hadoop keeps beside each file on a local folder. */
async function removeFile({ store }: TableLocation, path: string): Promise<void> {
  await store.delete(path);
  if (store.traffic !== undefined) return; // a store of Azure's has none
  const slash = path.lastIndexOf('/') + 1;
  await store.delete(`${path.slice(0, slash)}.${path.slice(slash)}.crc`);
}
