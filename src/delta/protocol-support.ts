import { LakesteadError } from '#core';

import type { Metadata, Protocol } from './actions.ts';
import { featuresOf, isRead, isWritten } from './features.ts';
import { isOn } from './properties.ts';
import { parseSchema, type StructType } from './schema.ts';

/**
 * Refuses a table that cannot be read correctly.
 *
 * @throws {LakesteadError} `DELTA_UNSUPPORTED` naming the features
 */
export function checkReadable(protocol: Protocol, table: string): void {
  if (protocol.minReaderVersion > 3)
    throw unsupported('read', `reader version ${protocol.minReaderVersion} of ${table}`, [`minReaderVersion ${protocol.minReaderVersion}`]);
  const missing = featuresOf(protocol).reader.filter((name) => !isRead(name));
  if (missing.length > 0) throw unsupported('read', `${missing.join(', ')} of ${table}`, missing);
}

/**
 * Refuses a table whose rules for writers we do not keep, by name.
 *
 * @param removesData whether the write takes rows away
 * @throws {LakesteadError} `DELTA_UNSUPPORTED` naming the features
 */
export function checkWritable(protocol: Protocol, metadata: Metadata, table: string, removesData: boolean): void {
  if (protocol.minWriterVersion > 7)
    throw unsupported('write', `writer version ${protocol.minWriterVersion} of ${table}`, [
      `minWriterVersion ${protocol.minWriterVersion}`,
    ]);
  const { reader, writer } = featuresOf(protocol);
  const missing = new Set([...writer, ...reader].filter((name) => !isWritten(name)));
  if (removesData && isOn(metadata.configuration, 'delta.appendOnly')) missing.add('appendOnly');
  if (missing.size > 0) throw unsupported('write', `${[...missing].join(', ')} of ${table}`, [...missing]);
}

/** Reader features that a target knows; the others it refuses, or reads wrongly. */
const targets: Readonly<Record<string, readonly string[]>> = {
  synapse: [],
  fabric: ['columnMapping', 'deletionVectors'],
  'delta-rs': ['columnMapping', 'deletionVectors', 'timestampNtz', 'v2Checkpoint'],
};

/**
 * Refuses a protocol that the reader named by `delta.compatibility` does not know.
 *
 * @throws {LakesteadError} `DELTA_UNSUPPORTED` naming the features
 */
export function checkCompatibility(protocol: Protocol, { configuration }: Pick<Metadata, 'configuration'>, table: string): void {
  const target = configuration['delta.compatibility']?.toLowerCase() ?? 'any';
  const read = targets[target];
  if (read === undefined) return;
  const unknown = featuresOf(protocol).reader.filter((name) => !read.includes(name));
  if (unknown.length === 0) return;
  throw new LakesteadError(
    'DELTA_UNSUPPORTED',
    `${table} is to stay readable by ${target} (delta.compatibility), which does not know ${unknown.join(', ')}; nothing was changed`,
    { hint: 'leave the feature out, or set delta.compatibility to any', data: { features: unknown } },
  );
}

/** The checked schema of a table's metadata. */
export function schemaOf(metadata: Metadata, table: string): StructType {
  if (metadata.format.provider !== 'parquet')
    throw unsupported('read', `the file format ${metadata.format.provider} of ${table}`, [metadata.format.provider]);
  return parseSchema(metadata.schemaString, `the metadata of ${table}`);
}

function unsupported(verb: 'read' | 'write', what: string, features: readonly string[]): LakesteadError {
  const hints = {
    read: 'nothing was read; the engine that wrote the table can read it, or can drop the feature from it',
    write: 'nothing was written; the table can still be read here, and written by the engine that it belongs to',
  };
  return new LakesteadError('DELTA_UNSUPPORTED', `${verb === 'read' ? 'reading' : 'writing'} is not supported for ${what}`, {
    hint: hints[verb],
    data: { features },
  });
}
