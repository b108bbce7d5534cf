import { LakesteadError } from '#core';
import { writeTable } from '#delta';
import type { Lease } from '#engine';

import { isArray, isObject, type Value, type ValueObject } from '../expression/index.ts';
import { deltaAddress } from './delta-source.ts';
import { refuseOthers } from './refuse-options.ts';
import type { BoundDataset } from './resolve-dataset.ts';
import type { ActivityScope } from './activity-scope.ts';
import type { RowsToWrite, Written } from './write-files.ts';

/** Writes the rows as one commit of a Delta table, by the sinks of Databricks and Fabric. A table that is not there is created. */
export async function writeDelta(
  sink: ValueObject,
  dataset: BoundDataset,
  { query, onProgress }: Pick<RowsToWrite, 'query' | 'onProgress'>,
  lease: Lease,
  scope: ActivityScope,
): Promise<Written> {
  refuseOthers(sink, String(sink['type']), 'a Delta sink');
  refuseOthers(sink['importSettings'], { acts: [], known: [] }, 'importSettings');
  const partitionBy = partitionsOf(sink);
  const mode = String(sink['tableActionOption'] ?? 'Append').toLowerCase();
  if (mode !== 'append' && mode !== 'overwrite')
    throw new LakesteadError('FACTORY_UNSUPPORTED', `tableActionOption ${mode} is not supported`, { hint: 'supported: Append, Overwrite' });
  const { store, path } = await scope.state.ports.lake.resolve(deltaAddress(dataset));
  const result = await writeTable({
    store,
    path,
    engine: scope.state.ports.engine,
    query,
    lease,
    mode,
    schemaMode: mode === 'overwrite' ? 'overwrite' : 'strict',
    signal: scope.signal,
    onProgress,
    ...(partitionBy === undefined ? {} : { partitionBy }),
  });
  return { rows: result.rowsWritten, bytes: result.bytesWritten, files: result.filesAdded };
}

/** `PartitionByKey` with names, plain or as `{ name }`. */
function partitionsOf(sink: ValueObject): readonly string[] | undefined {
  const option = sink['partitionOption'] ?? 'None';
  if (option === 'None' || option === '') return undefined;
  if (option !== 'PartitionByKey')
    throw new LakesteadError('FACTORY_UNSUPPORTED', `partitionOption ${String(option)} is not supported`, {
      hint: 'supported: None, PartitionByKey',
    });
  const nameOf = (one: Value) => (isObject(one) ? one['name'] : one);
  const list = isArray(sink['partitionNameList']) ? sink['partitionNameList'].map(nameOf) : [];
  const names = list.filter((name) => typeof name === 'string');
  if (names.length === 0 || names.length !== list.length)
    throw new LakesteadError('FACTORY_INVALID', 'partitionOption PartitionByKey needs partitionNameList: the names of columns');
  return names;
}
