import { checkCancelled } from './cancel.ts';
import { listCommits } from './log-segment.ts';
import { readCommits } from './read-commits.ts';
import type { TableLocation } from './snapshot.ts';

/** One commit, as `DESCRIBE HISTORY` shows it. */
export type HistoryEntry = {
  readonly version: number;
  readonly timestamp: Date;
  readonly operation: string | undefined;
  readonly operationParameters: Readonly<Record<string, unknown>>;
  readonly operationMetrics: Readonly<Record<string, unknown>>;
  readonly readVersion: number | undefined;
  readonly isBlindAppend: boolean | undefined;
  readonly engineInfo: string | undefined;
  readonly userMetadata: string | undefined;
};

/** The history of a table, newest first: what its JSON commits still say. */
export async function readHistory(
  location: TableLocation,
  options: { readonly limit?: number | undefined; readonly signal?: AbortSignal | undefined } = {},
): Promise<readonly HistoryEntry[]> {
  const commits = (await listCommits(location.store, location.path)).toReversed().slice(0, options.limit);
  const entries: HistoryEntry[] = [];
  for (const { actions, commit } of await readCommits(location.store, commits)) {
    checkCancelled(options.signal);
    const info = actions.find((action) => action.commitInfo)?.commitInfo;
    const time = info?.inCommitTimestamp ?? commit.modifiedAt.getTime();
    entries.push({
      version: commit.version,
      timestamp: new Date(time),
      operation: info?.operation,
      operationParameters: info?.operationParameters ?? {},
      operationMetrics: info?.operationMetrics ?? {},
      readVersion: info?.readVersion,
      isBlindAppend: info?.isBlindAppend,
      engineInfo: info?.engineInfo,
      userMetadata: info?.userMetadata,
    });
  }
  return entries;
}
