import { columnMappingOf } from './column-mapping.ts';
import { featuresOf } from './features.ts';
import { parseStatistics } from './pruning.ts';
import { describeType } from './schema.ts';
import type { Snapshot } from './snapshot.ts';

/** A table as `lakestead delta show` prints it: plain data, ready for JSON. */
export type TableDescription = {
  readonly table: string;
  readonly version: number;
  readonly timestamp: string;
  readonly id: string;
  readonly name?: string;
  readonly description?: string;
  readonly protocol: {
    readonly minReaderVersion: number;
    readonly minWriterVersion: number;
    readonly readerFeatures?: readonly string[];
    readonly writerFeatures?: readonly string[];
  };
  /** The features that the protocol names or stands for. */
  readonly features: readonly string[];
  readonly columnMapping: 'none' | 'name' | 'id';
  readonly columns: readonly { readonly name: string; readonly type: string; readonly nullable: boolean; readonly comment?: string }[];
  readonly partitionColumns: readonly string[];
  readonly properties: Readonly<Record<string, string | null>>;
  readonly files: number;
  readonly bytes: number;
  /** From the statistics and deletion vectors; absent when a file has no statistics. */
  readonly rows?: number;
  readonly deletedRows: number;
  /** The version of the checkpoint that it was read from. */
  readonly checkpoint?: number;
  readonly createdTime?: string;
};

/** What the log says about a version of a table. Reads no data files. */
export function describeTable(snapshot: Snapshot): TableDescription {
  const { metadata, protocol, files } = snapshot;
  const { reader, writer } = featuresOf(protocol);
  const deletedRows = [...files.deletionVectors.values()].reduce((sum, { cardinality }) => sum + cardinality, 0);
  const rows = files.stats.reduce<number | undefined>((sum, stats) => {
    const count = parseStatistics(stats)?.numRecords;
    return sum === undefined || count === undefined ? undefined : sum + count;
  }, 0);
  return {
    table: snapshot.table,
    version: snapshot.version,
    timestamp: snapshot.timestamp.toISOString(),
    id: metadata.id,
    ...(metadata.name === undefined ? {} : { name: metadata.name }),
    ...(metadata.description === undefined ? {} : { description: metadata.description }),
    protocol: {
      minReaderVersion: protocol.minReaderVersion,
      minWriterVersion: protocol.minWriterVersion,
      ...(protocol.readerFeatures === undefined ? {} : { readerFeatures: protocol.readerFeatures }),
      ...(protocol.writerFeatures === undefined ? {} : { writerFeatures: protocol.writerFeatures }),
    },
    features: [...new Set([...reader, ...writer])].toSorted(),
    columnMapping: columnMappingOf(metadata),
    columns: snapshot.schema.fields.map(({ name, type, nullable, metadata: { comment } }) => ({
      name,
      type: describeType(type),
      nullable,
      ...(typeof comment === 'string' ? { comment } : {}),
    })),
    partitionColumns: snapshot.partitionColumns,
    properties: metadata.configuration,
    files: files.count,
    bytes: files.totalBytes,
    ...(rows === undefined ? {} : { rows: rows - deletedRows }),
    deletedRows,
    ...(snapshot.checkpointVersion === undefined ? {} : { checkpoint: snapshot.checkpointVersion }),
    ...(metadata.createdTime === undefined ? {} : { createdTime: new Date(metadata.createdTime).toISOString() }),
  };
}
