import { LakesteadError } from '#core';
import type { ObjectStore } from '#storage';

import { listCommits } from './log-segment.ts';
import { readCommits } from './read-commits.ts';

/**
 * The newest version committed at or before an instant: by the modification times of the log's files, as Spark has it,
 * or by what the commits say of themselves where the table keeps in-commit timestamps.
 *
 * @throws {LakesteadError} `DELTA_VERSION_NOT_FOUND` when all commits are later
 */
export async function findVersionAt(
  location: { readonly store: ObjectStore; readonly path: string },
  timestamp: Date,
  facts: { readonly table: string; readonly hasInCommitTimestamps: boolean },
): Promise<number> {
  let found: number | undefined;
  let first: number | undefined;
  let last = Number.NEGATIVE_INFINITY;
  for (const { version, time } of await commitTimes(location, facts.hasInCommitTimestamps)) {
    // Clocks go back now and then: versions are taken as at least a millisecond apart, as Spark does.
    last = Math.max(time, last + 1);
    first ??= last;
    if (last > timestamp.getTime()) break;
    found = version;
  }
  if (found !== undefined) return found;
  const oldest = first === undefined ? 'there is none' : `the oldest is of ${new Date(first).toISOString()}`;
  throw new LakesteadError('DELTA_VERSION_NOT_FOUND', `${facts.table} has no commit of ${timestamp.toISOString()} or before: ${oldest}`, {
    hint: 'lakestead delta history lists the versions with their times',
  });
}

/** When each commit was made that is still in the log, ascending by version. */
export async function commitTimes(
  location: { readonly store: ObjectStore; readonly path: string },
  hasInCommitTimestamps: boolean,
): Promise<readonly { readonly version: number; readonly time: number }[]> {
  const commits = await listCommits(location.store, location.path);
  if (!hasInCommitTimestamps) return commits.map(({ version, modifiedAt }) => ({ version, time: modifiedAt.getTime() }));
  // Commits from before the feature was switched on have no time of their own.
  return (await readCommits(location.store, commits)).map(({ actions, commit }) => ({
    version: commit.version,
    time: actions.find(({ commitInfo }) => commitInfo)?.commitInfo?.inCommitTimestamp ?? commit.modifiedAt.getTime(),
  }));
}
