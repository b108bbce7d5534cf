import { z } from 'zod';

import { LakesteadError } from '#core';
import type { ObjectStore } from '#storage';

import type { Action, AddFile } from './actions.ts';
import { decodeFilePath } from './file-path.ts';
import { totalOf } from './live-files.ts';
import { commitPath } from './log-segment.ts';
import type { LogState } from './replay.ts';

const checksumSchema = z.object({
  numFiles: z.int().nonnegative(),
  tableSizeBytes: z.int().nonnegative(),
  metadata: z.object({ id: z.string() }).nullish(),
});

/**
 * Compares what was replayed with what the writer of that version noted in `<version>.crc`, where that is there. One that
 * is no checksum proves nothing, and is passed over.
 *
 * @throws {LakesteadError} `DELTA_CORRUPT` when they differ: the log is not what its writer saw
 */
export async function verifyChecksum(store: ObjectStore, tablePath: string, version: number, log: LogState): Promise<void> {
  const path = commitPath(tablePath, version).replace(/json$/, 'crc');
  const noted = await loadChecksum(store, path);
  if (noted === undefined) return;
  const { files, bytes } = totalOf(log.files);
  const differences = [
    noted.numFiles === files ? undefined : `${noted.numFiles} files where the log has ${files}`,
    noted.tableSizeBytes === bytes ? undefined : `${noted.tableSizeBytes} bytes where the log has ${bytes}`,
    noted.metadata == null || noted.metadata.id === log.metadata?.id ? undefined : `the table ${noted.metadata.id}`,
  ].filter((difference) => difference !== undefined);
  if (differences.length === 0) return;
  throw new LakesteadError('DELTA_CORRUPT', `${path} says ${differences.join(' and ')}: the log is not what its writer saw`, {
    hint: 'a commit or a checkpoint was changed or replaced: restore _delta_log from a copy, or read an older version',
  });
}

/**
 * Notes what the table is after a commit in `<version>.crc`, so that readers can tell whether the log is what its writer saw.
 *
 * @param before the version that the commit was made on, which must be the one before
 */
export async function writeChecksum(
  store: ObjectStore,
  tablePath: string,
  version: number,
  before: Pick<LogState, 'protocol' | 'metadata' | 'files'>,
  actions: readonly Action[],
): Promise<void> {
  let [numFiles, tableSizeBytes] = [before.files.count, before.files.totalBytes];
  const isListedAgain = findListedAgain(before, actions);
  for (const { add, remove } of actions) {
    if (add && isListedAgain(add)) continue;
    numFiles += (add ? 1 : 0) - (remove ? 1 : 0);
    tableSizeBytes += (add?.size ?? 0) - (remove?.size ?? 0);
  }
  const info = actions.find(({ commitInfo }) => commitInfo)?.commitInfo;
  const checksum = {
    ...(info?.txnId === undefined ? {} : { txnId: info.txnId }),
    tableSizeBytes,
    numFiles,
    numMetadata: 1,
    numProtocol: 1,
    ...(info?.inCommitTimestamp === undefined ? {} : { inCommitTimestampOpt: info.inCommitTimestamp }),
    metadata: actions.findLast(({ metaData }) => metaData)?.metaData ?? before.metadata,
    protocol: actions.findLast(({ protocol }) => protocol)?.protocol ?? before.protocol,
  };
  await store.put(commitPath(tablePath, version).replace(/json$/, 'crc'), Buffer.from(JSON.stringify(checksum)));
}

/** Files that were in the table already and come into the log with other facts, such as ids for their rows. No data changes by that. */
function findListedAgain({ files }: Pick<LogState, 'files'>, actions: readonly Action[]): (add: AddFile) => boolean {
  if (!actions.some(({ add }) => add?.dataChange === false)) return () => false;
  const live = new Set(files.paths);
  for (const { remove } of actions) if (remove) live.delete(decodeFilePath(remove.path, 'this commit'));
  return ({ path }) => live.has(decodeFilePath(path, 'this commit'));
}

async function loadChecksum(store: ObjectStore, path: string): Promise<z.infer<typeof checksumSchema> | undefined> {
  let text: string;
  try {
    text = new TextDecoder().decode(await store.get(path));
  } catch (error) {
    if (error instanceof LakesteadError && error.code === 'STORAGE_NOT_FOUND') return undefined;
    throw error;
  }
  try {
    return checksumSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined; // a torn file: the log itself is what counts
  }
}
