import type { Sql } from '#sql';

import type { Action } from './actions.ts';
import { clusteringAction } from './clustering.ts';
import { adds, newCommitInfo, removes, writeMetrics } from './commit-actions.ts';
import { domainNames } from './domain-metadata.ts';
import { writtenType } from './duckdb-types.ts';
import { featuresOf, upgradeProtocol } from './features.ts';
import { checkPartitioning } from './partitioning.ts';
import type { StructType } from './schema.ts';
import type { Snapshot, TableLocation } from './snapshot.ts';
import { nothingStaged } from './stage.ts';
import type { CommitResult, CreateOptions, WriteOptions } from './table.ts';
import { checkSchemaNames, planWrite } from './write-plan.ts';
import { columnsOf, finish, isMapped, loadForWrite, newDefinition, numberedDefinition, stage } from './write.ts';

/** A table in the place of one that is there: defined anew, with a query's rows or none. */
export type ReplaceTableOptions = Omit<CreateOptions, keyof TableLocation | 'schema'> &
  Pick<WriteOptions, 'lease' | 'userMetadata'> & {
    readonly schema?: StructType | undefined;
    readonly query?: Sql | undefined;
    readonly operation: string;
  };

/**
 * Defines a table anew and replaces all its rows, in one commit: older versions stay. The protocol never goes back.
 *
 * @throws {LakesteadError} `DELTA_CONFLICT` when another writer got between
 */
export async function replaceTable(location: TableLocation, options: ReplaceTableOptions): Promise<CommitResult> {
  const { query, partitionBy = [], properties = {}, name, description, clusterBy } = options;
  const snapshot = await loadForWrite(location, options, true);
  const plan =
    query === undefined
      ? undefined
      : planWrite(query, await columnsOf(query, options), options.schema, 'strict', snapshot.table, isMapped({ ...snapshot.metadata, configuration: { ...properties } })); // prettier-ignore
  const schema = plan?.schema ?? options.schema ?? snapshot.schema;
  const partitionColumns = checkPartitioning(schema, partitionBy, snapshot.table);
  const features = [...(options.features ?? []), ...(clusterBy === undefined ? [] : ['clustering'])];
  const fresh = newDefinition({ schema, partitionColumns, properties, name, description, features }, snapshot.table);
  checkSchemaNames(fresh.schema, snapshot.table, isMapped(fresh.metadata));
  for (const { type } of fresh.schema.fields) writtenType(type); // refuses what could not be read again
  const { reader, writer } = featuresOf(fresh.protocol);
  const protocol = upgradeProtocol(snapshot.protocol, [...reader, ...writer], snapshot.table);
  const metadata = { ...fresh.metadata, id: snapshot.metadata.id };
  const definition = {
    ...fresh,
    protocol,
    metadata,
    actions: [...(protocol === snapshot.protocol ? [] : [{ protocol }]), { metaData: metadata }],
  };
  const staged = plan === undefined ? nothingStaged : await stage(location, plan.query, { ...definition, partitionColumns }, options);
  const partition = JSON.stringify(partitionColumns);
  const parameters = {
    isManaged: 'false',
    description: description ?? null,
    partitionBy: partition,
    properties: JSON.stringify(metadata.configuration),
  };
  const info = newCommitInfo(options.operation, parameters, snapshot.version, false, writeMetrics(staged, snapshot.files.count), options);
  const actions = [
    ...numberedDefinition(snapshot, definition, plan?.given ?? new Set(), staged.rowCount),
    ...clusteringActions(snapshot, clusterBy === undefined ? undefined : clusteringAction(clusterBy, definition, snapshot.table)),
    ...adds(staged),
    ...removes(snapshot),
  ];
  const transaction = { readVersion: snapshot.version, actions, commitInfo: info, reads: 'table' as const };
  return await finish(location, staged, transaction, snapshot.files.count, snapshot, options);
}

/** The new table's columns of clustering, or that it has none any more. */
function clusteringActions({ log }: Snapshot, clustering: Action | undefined): readonly Action[] {
  if (clustering !== undefined) return [clustering];
  const before = log.domains.get(domainNames.clustering);
  return before === undefined || before.removed ? [] : [{ domainMetadata: { ...before, removed: true } }];
}
