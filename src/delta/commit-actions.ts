import { randomUUID } from 'node:crypto';

import { LakesteadError } from '#core';

import type { Action, AddFile, CommitInfo, Metadata } from './actions.ts';
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

/** The add action of a file of a snapshot, as its log has it. */
export function addOf({ files, metadata }: Snapshot, index: number): AddFile {
  return {
    tags: undefined,
    baseRowId: undefined,
    defaultRowCommitVersion: undefined,
    clusteringProvider: undefined,
    ...files.extras.get(index),
    path: files.spelledPaths.get(index) ?? encodeFilePath(files.paths[index] ?? ''),
    partitionValues: Object.fromEntries(
      partitionKeys(metadata).map((column, position) => [column, files.partitionValues[position]?.[index] ?? null]),
    ),
    size: files.sizes[index] ?? 0,
    modificationTime: files.modificationTimes[index] ?? 0,
    dataChange: false,
    stats: files.stats[index] ?? undefined,
    deletionVector: files.deletionVectors.get(index),
  };
}

/** What takes files of a snapshot out of the table: all, or those whose paths are given. */
export function removes(snapshot: Snapshot, only?: ReadonlySet<string>): Action[] {
  const deletionTimestamp = Date.now();
  const removed = [...snapshot.files.paths.entries()].filter(([, path]) => only === undefined || only.has(path));
  return removed.map(([index]) => {
    const { path, partitionValues, size, deletionVector, baseRowId, defaultRowCommitVersion } = addOf(snapshot, index);
    return {
      remove: {
        path,
        deletionTimestamp,
        dataChange: true,
        extendedFileMetadata: true,
        partitionValues,
        size,
        stats: undefined,
        tags: undefined,
        deletionVector,
        baseRowId,
        defaultRowCommitVersion,
      },
    };
  });
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
