import { randomUUID } from 'node:crypto';

import type { Action, CommitInfo, Metadata } from './actions.ts';
import { partitionKeys } from './column-mapping.ts';
import { encodeFilePath } from './file-path.ts';
import type { Snapshot } from './snapshot.ts';
import { nothingStaged, type StagedData } from './stage.ts';
import type { WriteOptions } from './table.ts';

const engineInfo = 'Lakestead';

/** The add actions of staged files. */
export function adds(staged: StagedData): Action[] {
  return staged.files.map((add) => ({ add }));
}

/** The metaData action, where there is something new to say. */
export function metadataAction(metaData: Metadata | undefined): Action[] {
  return metaData === undefined ? [] : [{ metaData }];
}

/** What takes every file of a snapshot out of the table. */
export function removes({ files, metadata }: Snapshot): Action[] {
  const deletionTimestamp = Date.now();
  return files.paths.map((path, index) => ({
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

/** The commitInfo of a write, in Spark's words, with the random `txnId` by which it is recognised. */
export function newCommitInfo(
  operation: string,
  operationParameters: Readonly<Record<string, string | null>>,
  readVersion: number | undefined,
  isBlindAppend: boolean,
  staged: StagedData,
  filesRemoved: number,
  options: Pick<WriteOptions, 'userMetadata'>,
): CommitInfo & { readonly txnId: string } {
  const metrics = {
    numFiles: String(staged.files.length),
    numOutputRows: String(staged.rowCount),
    numOutputBytes: String(staged.bytes),
    ...(filesRemoved === 0 ? {} : { numRemovedFiles: String(filesRemoved) }),
  };
  return {
    timestamp: Date.now(),
    inCommitTimestamp: undefined,
    operation,
    operationParameters: { ...operationParameters },
    operationMetrics: staged === nothingStaged && operation === 'CREATE TABLE' ? {} : metrics,
    readVersion,
    isolationLevel: 'Serializable',
    isBlindAppend,
    engineInfo,
    userMetadata: options.userMetadata,
    txnId: randomUUID(),
  };
}
