import type { Lease, StatementOptions } from '#engine';

import type { RemoveFile } from './actions.ts';
import { readTombstones } from './checkpoint-read.ts';
import { findLogSegment } from './log-segment.ts';
import { parseInterval } from './properties.ts';
import { readCommits } from './read-commits.ts';
import { deletionVectorId, replayCommits } from './replay.ts';
import type { Snapshot, TableLocation } from './snapshot.ts';

const defaultRetentionMs = 7 * 24 * 3600 * 1000;

/** For how many milliseconds removed files are kept for readers of older versions: `delta.deletedFileRetentionDuration`, else a week. */
export function retentionOf({ metadata }: Snapshot): number {
  return parseInterval(metadata.configuration['delta.deletedFileRetentionDuration']) ?? defaultRetentionMs;
}

/** The files that were removed after an instant (milliseconds since 1970) and did not come back. */
export async function recentTombstones(
  location: TableLocation,
  snapshot: Snapshot,
  since: number,
  lease: Lease,
  options: StatementOptions,
): Promise<readonly RemoveFile[]> {
  const segment = await findLogSegment(location.store, location.path, snapshot.version);
  const { checkpoint, commits = [] } = segment ?? {};
  const before = checkpoint === undefined ? [] : await readTombstones(location.store, checkpoint, lease, options);
  const state = replayCommits({ ...snapshot.log, tombstones: before }, await readCommits(location.store, commits));
  const live = new Set(
    snapshot.files.paths.map((path, index) => `${path}\0${deletionVectorId(snapshot.files.deletionVectors.get(index))}`),
  );
  return state.tombstones.filter(
    (remove) => (remove.deletionTimestamp ?? 0) > since && !live.has(`${remove.path}\0${deletionVectorId(remove.deletionVector)}`),
  );
}
