import { LakesteadError } from '#core';

import type { Metadata, Protocol } from './actions.ts';
import type { DeltaType, StructField, StructType } from './schema.ts';

/** One thing that a table may ask of its readers and writers. */
type Feature = {
  /** Readers must know it too. */
  readonly readers: boolean;
  /** The writer version of old that stands for it (with reader version 2 where readers must know it). */
  readonly since?: number;
  /** Features that come with it. */
  readonly needs?: readonly string[];
  /** The property that asks for it, and with which value; default `true`. */
  readonly property?: readonly [key: string, pattern: RegExp];
};

const on = /^true$/i;

/** The protocol's features as far as tables are written with them; names are the protocol's. */
const features: Readonly<Record<string, Feature>> = {
  appendOnly: { readers: false, since: 2, property: ['delta.appendOnly', on] },
  invariants: { readers: false, since: 2 },
  checkConstraints: { readers: false, since: 3 },
  changeDataFeed: { readers: false, since: 4, property: ['delta.enableChangeDataFeed', on] },
  generatedColumns: { readers: false, since: 4 },
  columnMapping: { readers: true, since: 5, property: ['delta.columnMapping.mode', /^(?:name|id)$/i] },
  identityColumns: { readers: false, since: 6 },
  allowColumnDefaults: { readers: false },
  deletionVectors: { readers: true, property: ['delta.enableDeletionVectors', on] },
  domainMetadata: { readers: false },
  rowTracking: { readers: false, needs: ['domainMetadata'], property: ['delta.enableRowTracking', on] },
  clustering: { readers: false, needs: ['domainMetadata'] },
  inCommitTimestamp: { readers: false, property: ['delta.enableInCommitTimestamps', on] },
  v2Checkpoint: { readers: true, property: ['delta.checkpointPolicy', /^v2$/i] },
  timestampNtz: { readers: true },
  typeWidening: { readers: true, property: ['delta.enableTypeWidening', on] },
  vacuumProtocolCheck: { readers: true },
  checkpointProtection: { readers: false },
  materializePartitionColumns: { readers: false, property: ['delta.enableMaterializePartitionColumnsFeature', on] },
};

/** Features that are read, and never written. */
const onlyRead = ['variantType', 'variantShredding'];

/** The features that a writer of ours keeps the rules of. */
export const isWritten = (name: string): boolean => Object.hasOwn(features, name);
/** The features that a reader must know and ours does. */
export const isRead = (name: string): boolean => features[name]?.readers === true || onlyRead.includes(name);

/** The features that the table names or that its version numbers stand for; `-preview` names count as the feature. */
export function featuresOf(protocol: Protocol): { readonly reader: readonly string[]; readonly writer: readonly string[] } {
  const bare = (names: readonly string[] | undefined) => (names ?? []).map((name) => name.replace(/-preview$/, ''));
  return {
    reader: protocol.minReaderVersion >= 3 ? bare(protocol.readerFeatures) : protocol.minReaderVersion === 2 ? ['columnMapping'] : [],
    writer: protocol.minWriterVersion >= 7 ? bare(protocol.writerFeatures) : impliedBy(protocol.minWriterVersion),
  };
}

/** What a writer version below 7 stands for. */
function impliedBy(writerVersion: number): readonly string[] {
  return Object.entries(features).flatMap(([name, { since = Infinity }]) => (since <= writerVersion ? [name] : []));
}

/** The features that a table's properties and columns ask for. */
export function askedFeatures({ configuration }: Pick<Metadata, 'configuration'>, schema: StructType): ReadonlySet<string> {
  const asked = new Set<string>();
  for (const [name, { property }] of Object.entries(features)) {
    if (property !== undefined && property[1].test(configuration[property[0]] ?? '')) asked.add(name);
  }
  for (const [key, value] of Object.entries(configuration)) {
    if (key.startsWith('delta.constraints.')) asked.add('checkConstraints');
    if (key === 'delta.requireCheckpointProtectionBeforeVersion' && value !== '0') asked.add('checkpointProtection');
  }
  for (const field of allFields(schema)) {
    for (const [key, feature] of fieldFeatures) if (key in field.metadata) asked.add(feature);
    if (hasType(field.type, 'timestamp_ntz')) asked.add('timestampNtz');
  }
  return asked;
}

const fieldFeatures: readonly (readonly [string, string])[] = [
  ['delta.invariants', 'invariants'],
  ['delta.generationExpression', 'generatedColumns'],
  ['delta.identity.start', 'identityColumns'],
  ['delta.identity.step', 'identityColumns'],
  ['CURRENT_DEFAULT', 'allowColumnDefaults'],
];

/**
 * The protocol with further features: by version numbers as long as one stands for exactly the features that are there, by
 * names otherwise, as Spark has it. The one that came in where nothing is new.
 *
 * @throws {LakesteadError} `DELTA_UNSUPPORTED` naming a feature that is not written
 */
export function upgradeProtocol(protocol: Protocol, asked: Iterable<string>, table: string): Protocol {
  const current = featuresOf(protocol);
  const all = new Set([...current.writer, ...current.reader]);
  const before = all.size;
  const add = (name: string): void => {
    const feature = features[name];
    if (feature === undefined)
      throw new LakesteadError('DELTA_UNSUPPORTED', `the feature ${name} of ${table} is not written; nothing was changed`, {
        hint: `features that are: ${Object.keys(features).join(', ')}`,
        data: { features: [name] },
      });
    all.add(name);
    feature.needs?.forEach(add);
  };
  for (const name of asked) add(name);
  return all.size === before ? protocol : protocolOf(all, protocol);
}

/** The lowest protocol that has exactly these features. */
export function protocolOf(all: ReadonlySet<string>, least?: Protocol): Protocol {
  const names = [...all];
  const byNumber = [1, 2, 3, 4, 5, 6].find((version) => {
    const implied = impliedBy(version);
    return implied.length === names.length && implied.every((name) => all.has(name));
  });
  const readers = names.filter((name) => features[name]?.readers ?? onlyRead.includes(name));
  const needsNames = readers.some((name) => features[name]?.since === undefined);
  const reader = needsNames || least?.minReaderVersion === 3 ? 3 : readers.length > 0 ? 2 : 1;
  if (byNumber !== undefined && reader < 3 && (least?.minWriterVersion ?? 0) < 7)
    return { minReaderVersion: reader, minWriterVersion: byNumber, readerFeatures: undefined, writerFeatures: undefined };
  return {
    minReaderVersion: reader,
    minWriterVersion: 7,
    readerFeatures: reader === 3 ? readers : undefined,
    writerFeatures: names,
  };
}

/** Every field of a schema, those inside others too. */
export function* allFields(type: DeltaType): Generator<StructField> {
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

/** Whether a type is, or holds at any depth outside of structs' fields, the primitive of that name. */
function hasType(type: DeltaType, name: string): boolean {
  if (typeof type === 'string') return type === name;
  if (type.type === 'array') return hasType(type.elementType, name);
  return type.type === 'map' && (hasType(type.keyType, name) || hasType(type.valueType, name));
}
