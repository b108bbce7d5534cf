import { LakesteadError } from '#core';

import { type Action, type AddFile, type CommitInfo, formatCommit, parseCommit, type RemoveFile } from './actions.ts';
import { checkCancelled, pause } from './cancel.ts';
import { afterCommit, applyRules, rulesOf } from './commit-rules.ts';
import { decodeFilePath } from './file-path.ts';
import { commitPath } from './log-segment.ts';
import { canHold, type Condition } from './scan-plan.ts';
import { describeLocation, type Snapshot, type TableLocation } from './snapshot.ts';

/** What a transaction wants to commit, and what it would not bear from others meanwhile. */
export type Transaction = {
  /** The version it was planned on; -1 for a table that is not there yet. */
  readonly readVersion: number;
  readonly actions: readonly Action[];
  readonly commitInfo: CommitInfo & { readonly txnId: string };
  /**
   * `nothing` for an append: others' appends and overwrites do not touch it. `table` for what replaces everything: any change
   * of data does. `rows` for what looked at all rows and changes some: others may append without looking, unless the table
   * wants everything serializable. `files` for what only writes files anew: nobody else may remove those.
   */
  readonly reads: 'nothing' | 'table' | 'rows' | 'files';
  /** What it looked at of `rows`: only files that may hold rows for which all of these are true. Default all. */
  readonly filter?: readonly Condition[] | undefined;
  /** The state it was planned on; none for a new table. */
  readonly snapshot?: Snapshot | undefined;
};

const maxAttempts = 1000;

/**
 * Commits by one put-if-absent of the next version. When another writer was first and nothing collides, the next
 * version after it is tried; a commit whose answer was lost is recognised by its `txnId`.
 *
 * @returns the version, and the actions as they were committed
 * @throws {LakesteadError} `DELTA_CONFLICT`: nothing of the transaction is visible then
 */
export async function commit(
  location: TableLocation,
  transaction: Transaction,
  signal?: AbortSignal,
): Promise<{ readonly version: number; readonly actions: readonly Action[] }> {
  const { commitInfo } = transaction;
  let rules = rulesOf(transaction.snapshot, transaction.actions);
  let version = transaction.readVersion + 1;
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    checkCancelled(signal);
    const path = commitPath(location.path, version);
    const actions = applyRules(rules, version, commitInfo, transaction.actions);
    try {
      await location.store.putIfAbsent(path, Buffer.from(formatCommit(actions)));
      return { version, actions };
    } catch (error) {
      const winner = await findCommit(location, version);
      if (winner?.some((action) => action.commitInfo?.txnId === commitInfo.txnId) === true) return { version, actions };
      if (winner === undefined || !(error instanceof LakesteadError) || error.code !== 'STORAGE_EXISTS') throw error;
      checkCompatible(location, transaction, version, winner);
      rules = afterCommit(rules, winner);
      version += 1;
      // Many writers at once: a little chance in time lets them pass one another.
      if (attempt > 2) await pause(Math.random() * Math.min(attempt, 20), signal);
    }
  }
  throw new LakesteadError(
    'DELTA_CONFLICT',
    `${describeLocation(location)}: other writers were first ${maxAttempts} times; nothing of this write is visible`,
    { retryable: true },
  );
}

async function findCommit(location: TableLocation, version: number): Promise<readonly Action[] | undefined> {
  const path = commitPath(location.path, version);
  try {
    return parseCommit(new TextDecoder().decode(await location.store.get(path)), path);
  } catch (error) {
    if (error instanceof LakesteadError && error.code === 'STORAGE_NOT_FOUND') return undefined;
    throw error;
  }
}

function checkCompatible(location: TableLocation, transaction: Transaction, version: number, winner: readonly Action[]): void {
  const reason = findConflict(transaction, winner);
  if (reason === undefined) return;
  throw new LakesteadError(
    'DELTA_CONFLICT',
    `version ${version} of ${describeLocation(location)} was committed by another writer: ${reason}; nothing of this write is visible`,
    {
      hint: 'run the write again: it then starts from the new version',
      retryable: true,
      data: { version, operation: winner.find((action) => action.commitInfo)?.commitInfo?.operation },
    },
  );
}

function findConflict(transaction: Transaction, winner: readonly Action[]): string | undefined {
  if (transaction.readVersion < 0) return 'it created the table';
  if (winner.some((action) => action.protocol)) return 'it changed the protocol';
  if (winner.some((action) => action.metaData)) return "it changed the table's schema or properties";
  const ours = transaction.actions.find(({ txn }) => txn)?.txn;
  if (ours && winner.some(({ txn }) => txn?.appId === ours.appId)) return `it was the same application's (${ours.appId})`;
  if (transaction.reads === 'nothing') return undefined;
  if (transaction.reads === 'rows' || transaction.reads === 'files') return findRowConflict(transaction, winner);
  if (winner.some((action) => action.remove)) return 'it removed data that this write replaces';
  if (winner.some((action) => action.add)) return 'it added data that this write would not have replaced';
  return undefined;
}

/** Delta's rules for a transaction that read rows: WriteSerializable lets appends pass that read nothing themselves. */
function findRowConflict({ actions, reads, filter = [], snapshot }: Transaction, winner: readonly Action[]): string | undefined {
  const ours = new Set(actions.flatMap(({ remove }) => (remove ? [decodeFilePath(remove.path, 'this write')] : [])));
  // Of a removed file the log no longer says what was in it; the version that was looked at does.
  const stats = ({ path, stats: own }: AddFile | RemoveFile) =>
    own ?? snapshot?.files.stats[snapshot.files.paths.indexOf(decodeFilePath(path, 'the other commit'))] ?? undefined;
  const isLookedAt = (file: AddFile | RemoveFile) =>
    snapshot === undefined || canHold(snapshot, filter, { partitionValues: file.partitionValues, stats: stats(file) });
  for (const { remove } of winner) {
    if (!remove) continue;
    const path = decodeFilePath(remove.path, 'the other commit');
    if (ours.has(path)) return `it rewrote or removed the file ${path}, which this write changes too`;
    if (remove.dataChange && reads === 'rows' && isLookedAt(remove))
      return `it removed rows of the file ${path}, which this write looked at`;
  }
  if (reads === 'files') return undefined;
  const isBlind = winner.find(({ commitInfo }) => commitInfo)?.commitInfo?.isBlindAppend === true;
  const isSerializable = snapshot?.metadata.configuration['delta.isolationLevel'] === 'Serializable';
  if (isBlind && !isSerializable) return undefined;
  const added = winner.find(({ add }) => add?.dataChange === true && isLookedAt(add))?.add;
  return added ? `it added rows (${added.path}${describePartition(added)}) that this write did not see` : undefined;
}

function describePartition({ partitionValues }: AddFile): string {
  const parts = Object.entries(partitionValues).map(([name, value]) => `${name} = ${value ?? 'NULL'}`);
  return parts.length === 0 ? '' : ` of ${parts.join(', ')}`;
}
