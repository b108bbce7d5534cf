import { LakesteadError } from '#core';

import type { Action } from './actions.ts';
import { addOf, metadataAction, newCommitInfo, removes } from './commit-actions.ts';
import { isAbsolutePath } from './file-path.ts';
import { deletionVectorId } from './replay.ts';
import { loadSnapshot, type Snapshot, type SnapshotOptions, type TableLocation } from './snapshot.ts';
import { nothingStaged } from './stage.ts';
import type { CommitResult, WriteOptions } from './table.ts';
import { finish, loadForWrite } from './write.ts';

/** Which version a table goes back to: by number, or the newest one not after an instant. */
export type RestoreOptions = Pick<WriteOptions, 'lease' | 'signal' | 'userMetadata'> & Pick<SnapshotOptions, 'version' | 'timestamp'>;

/** How many files are looked up at a time. */
const lookupsAtATime = 32;

/** What a restore did: how many files came back and went, and their bytes. */
export type RestoreResult = CommitResult & {
  readonly filesRestored: number;
  readonly bytesRestored: number;
  readonly bytesRemoved: number;
};

/**
 * Makes an older version the newest one again, by one commit that takes back its files: see {@link DeltaTable.restore}.
 *
 * @throws {LakesteadError} `STORAGE_NOT_FOUND` when files of that version are gone, `DELTA_CONFLICT`
 */
export async function restoreTable(location: TableLocation, options: RestoreOptions): Promise<RestoreResult> {
  const { version, timestamp, lease, signal } = options;
  if ((version === undefined) === (timestamp === undefined))
    throw new LakesteadError('USAGE', 'a restore wants either a version or a timestamp');
  const now = await loadForWrite(location, { lease, signal }, true);
  const then = await loadSnapshot(location, { version, timestamp, lease, signal });
  const [back, gone] = [filesBeside(then, now), filesBeside(now, then)];
  await checkThere(location, then, back);
  const isSameMetadata = JSON.stringify(then.metadata) === JSON.stringify(now.metadata);
  const added = adds(then, back);
  const goneBytes = gone.reduce((sum, index) => sum + (now.files.sizes[index] ?? 0), 0);
  const bytesRestored = back.reduce((sum, index) => sum + (then.files.sizes[index] ?? 0), 0);
  const commitInfo = newCommitInfo(
    'RESTORE',
    { version: version === undefined ? null : String(version), timestamp: timestamp?.toISOString() ?? null },
    now.version,
    false,
    {
      numRestoredFiles: back.length,
      numRemovedFiles: gone.length,
      restoredFilesSize: bytesRestored,
      removedFilesSize: goneBytes,
      tableSizeAfterRestore: then.files.totalBytes,
      numOfFilesAfterRestore: then.files.count,
    },
    options,
  );
  const gonePaths = new Set(gone.map((index) => now.files.paths[index] ?? ''));
  const result = await finish(
    location,
    nothingStaged,
    {
      readVersion: now.version,
      actions: [...metadataAction(isSameMetadata ? undefined : then.metadata), ...added, ...removes(now, gonePaths)],
      commitInfo,
      reads: 'table',
    },
    gone.length,
    now,
    options,
  );
  return { ...result, filesAdded: back.length, filesRestored: back.length, bytesRestored, bytesRemoved: goneBytes };
}

/** The positions of the files of one version that are not in the other one. */
function filesBeside({ files }: Snapshot, other: Snapshot): readonly number[] {
  const key = ({ files: { paths, deletionVectors } }: Snapshot, index: number) =>
    `${paths[index] ?? ''}\0${deletionVectorId(deletionVectors.get(index))}`;
  const there = new Set(other.files.paths.map((_, index) => key(other, index)));
  return files.paths.flatMap((_, index) => (there.has(key({ ...other, files }, index)) ? [] : [index]));
}

/** A version whose files were vacuumed cannot come back. */
async function checkThere(
  { store, path: folder }: TableLocation,
  { files, table, version }: Snapshot,
  wanted: readonly number[],
): Promise<void> {
  const lost: string[] = [];
  for (let start = 0; start < wanted.length; start += lookupsAtATime) {
    const paths = wanted.slice(start, start + lookupsAtATime).map((index) => files.paths[index] ?? '');
    const isThere = await Promise.all(
      paths.map(async (path) => isAbsolutePath(path) || (await store.find(folder === '' ? path : `${folder}/${path}`)) !== undefined),
    );
    lost.push(...paths.filter((_, index) => isThere[index] !== true));
  }
  for (const path of lost) {
    throw new LakesteadError('STORAGE_NOT_FOUND', `the file ${path} of version ${version} of ${table} is gone; nothing was restored`, {
      hint: 'it was vacuumed: restore a newer version',
    });
  }
}

function adds(snapshot: Snapshot, wanted: readonly number[]): Action[] {
  return wanted.map((index) => ({ add: { ...addOf(snapshot, index), dataChange: true } }));
}
