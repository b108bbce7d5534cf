import type { StatementOptions } from '#engine';

import { checkpointVersions, logFolder } from './log-segment.ts';
import { parseInterval } from './properties.ts';
import type { Snapshot, TableLocation } from './snapshot.ts';

const defaultRetentionMs = 30 * 24 * 3600 * 1000;
/** At most so many files go at a time: a commit should not wait for a long history. */
const maxFiles = 1000;

type Cleaning = Pick<StatementOptions, 'signal'> & {
  /** Only what is before this version, which has a checkpoint. */
  readonly before: number;
  /** Whatever the age. */
  readonly isForced?: boolean | undefined;
};

/**
 * Removes commits, checkpoints and check sums that are older than `delta.logRetentionDuration` (30 days), and that no version from
 * a checkpoint on needs. Versions before that checkpoint cannot be read any more.
 *
 * @returns how many files went
 */
export async function cleanLog(
  location: TableLocation,
  { metadata }: Snapshot,
  { before, isForced = false, signal }: Cleaning,
): Promise<number> {
  const { configuration } = metadata;
  if (!isForced && configuration['delta.enableExpiredLogCleanup']?.toLowerCase() === 'false') return 0;
  const retention = parseInterval(configuration['delta.logRetentionDuration']) ?? defaultRetentionMs;
  // Whole days, as Spark does it: a version that is in reach at noon is so in the evening.
  const cutoff = isForced ? Number.POSITIVE_INFINITY : Math.floor((Date.now() - retention) / 86_400_000) * 86_400_000;
  const guarded = Number(configuration['delta.requireCheckpointProtectionBeforeVersion'] ?? 0);
  const folder = logFolder(location.path);
  const files: { readonly path: string; readonly version: number; readonly isOld: boolean }[] = [];
  for await (const { path, modifiedAt } of location.store.list(folder, { signal })) {
    const name = path.slice(folder.length + 1);
    const version = /^(\d{20})\./.exec(name)?.[1];
    if (version === undefined || Number(version) > before) continue;
    files.push({ path, version: Number(version), isOld: modifiedAt.getTime() < cutoff });
  }
  // Everything before the newest checkpoint of which all that comes before is old.
  const firstYoung = Math.min(...files.filter(({ isOld }) => !isOld).map(({ version }) => version), before);
  const whole = checkpointVersions(files.map(({ path }) => path));
  const keep = Math.max(...whole.filter((version) => version <= firstYoung), -1);
  // Protected versions go all at once or not at all.
  if (guarded > 0 && keep < guarded && !isForced) return 0;
  const gone = files.filter(({ version }) => version < keep).slice(0, maxFiles);
  for (const { path } of gone) {
    signal?.throwIfAborted();
    await location.store.delete(path);
    const slash = path.lastIndexOf('/') + 1;
    if (location.store.traffic === undefined) await location.store.delete(`${path.slice(0, slash)}.${path.slice(slash)}.crc`);
  }
  return gone.length;
}
