import { randomUUID } from 'node:crypto';

import { LakesteadError } from '#core';

import type { Action, CommitInfo, Metadata } from './actions.ts';
import { partitionKeys } from './column-mapping.ts';
import { encodeFilePath } from './file-path.ts';
import type { Snapshot } from './snapshot.ts';
import type { StagedData } from './stage.ts';
import type { WriteOptions } from './table.ts';

const engineInfo = 'Lakestead';

/** The add actions of staged files. */
export function adds(staged: StagedData): Action[] {
  return staged.files.map((add) => ({ add }));
}

/** What an application that writes again after a crash says, so that nothing is written twice: `version` only grows. */
export type AppTransaction = { readonly appId: string; readonly version: number };

/** Whether the application has committed this version, or a later one, already. */
export function isCommitted({ log }: Snapshot, txn: AppTransaction | undefined): boolean {
  if (txn === undefined) return false;
  if (!Number.isSafeInteger(txn.version) || txn.version < 0 || txn.appId === '')
    throw new LakesteadError('USAGE', `a transaction of an application has an id and a whole number, not ${JSON.stringify(txn)}`);
  return (log.txns.get(txn.appId)?.version ?? -1) >= txn.version;
}

/** The txn action, where the writer says which one of its own it is. */
export function txnAction(txn: AppTransaction | undefined): Action[] {
  return txn === undefined ? [] : [{ txn: { ...txn, lastUpdated: Date.now() } }];
}

/** The metaData action, where there is something new to say. */
export function metadataAction(metaData: Metadata | undefined): Action[] {
  return metaData === undefined ? [] : [{ metaData }];
}

/** What takes files of a snapshot out of the table: all, or those whose paths are given. */
export function removes({ files, metadata }: Snapshot, only?: ReadonlySet<string>): Action[] {
  const deletionTimestamp = Date.now();
  const removed = [...files.paths.entries()].filter(([, path]) => only === undefined || only.has(path));
  return removed.map(([index, path]) => ({
    remove: {
      path: files.spelledPaths.get(index) ?? encodeFilePath(path),
      deletionTimestamp,
      dataChange: true,
      extendedFileMetadata: true,
      partitionValues: Object.fromEntries(
        partitionKeys(metadata).map((column, position) => [column, files.partitionValues[position]?.[index] ?? null]),
      ),
      size: files.sizes[index],
      stats: undefined,
      tags: undefined,
      deletionVector: files.deletionVectors.get(index),
      baseRowId: undefined,
      defaultRowCommitVersion: undefined,
    },
  }));
}

/** The metrics of a write. */
export function writeMetrics(staged: StagedData, filesRemoved: number): Readonly<Record<string, number>> {
  return {
    numFiles: staged.files.length,
    numOutputRows: staged.rowCount,
    numOutputBytes: staged.bytes,
    ...(filesRemoved === 0 ? {} : { numRemovedFiles: filesRemoved }),
  };
}

/** The commitInfo of a write, in Spark's words, with the random `txnId` by which it is recognised. */
export function newCommitInfo(
  operation: string,
  operationParameters: Readonly<Record<string, string | null>>,
  readVersion: number | undefined,
  isBlindAppend: boolean,
  metrics: Readonly<Record<string, number>>,
  options: Pick<WriteOptions, 'userMetadata'>,
): CommitInfo & { readonly txnId: string } {
  return {
    timestamp: Date.now(),
    inCommitTimestamp: undefined,
    operation,
    operationParameters: { ...operationParameters },
    operationMetrics: Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, String(value)])),
    readVersion,
    isolationLevel: 'Serializable',
    isBlindAppend,
    engineInfo,
    userMetadata: options.userMetadata,
    txnId: randomUUID(),
  };
}
