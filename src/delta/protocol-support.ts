import { LakesteadError } from '#core';

import type { Metadata, Protocol } from './actions.ts';
import { columnMappingOf } from './column-mapping.ts';
import { type DeltaType, parseSchema, type StructField, type StructType } from './schema.ts';

/** Features that a reader must know, and that this one does. */
const readFeatures = new Set([
  'timestampNtz',
  'columnMapping',
  'deletionVectors',
  'vacuumProtocolCheck',
  'v2Checkpoint',
  'typeWidening',
  'variantType',
  'variantShredding',
]);
/** Features that a writer must know and that ask nothing of what we write, unless a property or the schema switches them on. */
const dormantWriteFeatures = new Set([
  'appendOnly',
  'invariants',
  'checkConstraints',
  'generatedColumns',
  'changeDataFeed',
  'columnMapping',
  'identityColumns',
]);
/** What the numbers below 7 (for readers 3) stand for. */
const legacyWriteFeatures: readonly (readonly [number, readonly string[]])[] = [
  [2, ['appendOnly', 'invariants']],
  [3, ['checkConstraints']],
  [4, ['changeDataFeed', 'generatedColumns']],
  [5, ['columnMapping']],
  [6, ['identityColumns']],
];

/** The features that the table names or that its version numbers stand for; `-preview` names count as the feature. */
export function featuresOf(protocol: Protocol): { readonly reader: readonly string[]; readonly writer: readonly string[] } {
  const bare = (names: readonly string[] | undefined) => (names ?? []).map((name) => name.replace(/-preview$/, ''));
  const legacy = legacyWriteFeatures.flatMap(([version, names]) =>
    protocol.minWriterVersion < 7 && protocol.minWriterVersion >= version ? names : [],
  );
  return {
    reader: protocol.minReaderVersion >= 3 ? bare(protocol.readerFeatures) : protocol.minReaderVersion === 2 ? ['columnMapping'] : [],
    writer: protocol.minWriterVersion >= 7 ? bare(protocol.writerFeatures) : legacy,
  };
}

/**
 * Refuses a table that cannot be read correctly.
 *
 * @throws {LakesteadError} `DELTA_UNSUPPORTED` naming the features
 */
export function checkReadable(protocol: Protocol, table: string): void {
  if (protocol.minReaderVersion > 3)
    throw unsupported('read', `reader version ${protocol.minReaderVersion} of ${table}`, [`minReaderVersion ${protocol.minReaderVersion}`]);
  const missing = featuresOf(protocol).reader.filter((name) => !readFeatures.has(name));
  if (missing.length > 0) throw unsupported('read', `${missing.join(', ')} of ${table}`, missing);
}

/**
 * Refuses a table whose rules for writers we do not keep, by name.
 *
 * @param removesData whether the write takes rows away
 * @throws {LakesteadError} `DELTA_UNSUPPORTED` naming the features
 */
export function checkWritable(protocol: Protocol, metadata: Metadata, schema: StructType, table: string, removesData: boolean): void {
  if (protocol.minWriterVersion > 7)
    throw unsupported('write', `writer version ${protocol.minWriterVersion} of ${table}`, [
      `minWriterVersion ${protocol.minWriterVersion}`,
    ]);
  const configuration = metadata.configuration;
  const isOn = (key: string) => configuration[key]?.toLowerCase() === 'true';
  const features = featuresOf(protocol);
  const active = new Set([...features.writer, ...features.reader].filter((name) => !dormantWriteFeatures.has(name)));
  if (isOn('delta.enableChangeDataFeed')) active.add('changeDataFeed');
  if (columnMappingOf(metadata) !== 'none') active.add('columnMapping');
  if (Object.keys(configuration).some((key) => key.startsWith('delta.constraints.'))) active.add('checkConstraints');
  for (const field of allFields(schema)) {
    for (const [key, feature] of fieldFeatures) {
      if (key in field.metadata) active.add(feature);
    }
  }
  if (removesData && isOn('delta.appendOnly')) active.add('appendOnly');
  if (active.size > 0) throw unsupported('write', `${[...active].join(', ')} of ${table}`, [...active]);
}

const fieldFeatures: readonly (readonly [string, string])[] = [
  ['delta.invariants', 'invariants'],
  ['delta.generationExpression', 'generatedColumns'],
  ['delta.identity.start', 'identityColumns'],
  ['delta.identity.step', 'identityColumns'],
];

/** Refuses properties of a new table that need a feature we do not write. */
export function checkProperties(properties: Readonly<Record<string, string>>, table: string): void {
  const plain = [
    'delta.checkpointInterval',
    'delta.logRetentionDuration',
    'delta.deletedFileRetentionDuration',
    'delta.dataSkippingNumIndexedCols',
    'delta.appendOnly',
    'delta.isolationLevel',
    'delta.targetFileSize',
  ];
  const refused = Object.keys(properties).filter((key) => key.startsWith('delta.') && !plain.includes(key));
  if (refused.length > 0) throw unsupported('create', `the properties ${refused.join(', ')} of ${table}`, refused);
}

function* allFields(type: DeltaType): Generator<StructField> {
  if (typeof type === 'string') return;
  switch (type.type) {
    case 'array':
      yield* allFields(type.elementType);
      return;
    case 'map':
      yield* allFields(type.keyType);
      yield* allFields(type.valueType);
      return;
    case 'struct':
      for (const field of type.fields) {
        yield field;
        yield* allFields(field.type);
      }
  }
}

/** The checked schema of a table's metadata. */
export function schemaOf(metadata: Metadata, table: string): StructType {
  if (metadata.format.provider !== 'parquet')
    throw unsupported('read', `the file format ${metadata.format.provider} of ${table}`, [metadata.format.provider]);
  return parseSchema(metadata.schemaString, `the metadata of ${table}`);
}

function unsupported(verb: 'read' | 'write' | 'create', what: string, features: readonly string[]): LakesteadError {
  const hints = {
    read: 'nothing was read; the engine that wrote the table can read it, or can drop the feature from it',
    write: 'nothing was written; the table can still be read here, and written by the engine that it belongs to',
    create: 'nothing was written; leave the property out',
  };
  return new LakesteadError(
    'DELTA_UNSUPPORTED',
    `${verb === 'read' ? 'reading' : verb === 'write' ? 'writing' : 'creating'} is not supported for ${what}`,
    {
      hint: hints[verb],
      data: { features },
    },
  );
}
