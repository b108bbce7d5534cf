import { LakesteadError } from '#core';

import type { Action, Metadata, Protocol } from './actions.ts';
import { alterTable } from './alter.ts';
import { writeCheckpoint } from './checkpoint-write.ts';
import { columnMappingOf } from './column-mapping.ts';
import { newCommitInfo } from './commit-actions.ts';
import { domainNames } from './domain-metadata.ts';
import { allFields, featuresOf, protocolOf } from './features.ts';
import { cleanLog } from './log-cleanup.ts';
import { optimizeTable } from './optimize.ts';
import { removeMapping } from './remove-mapping.ts';
import { constraintsOf } from './row-checks.ts';
import { formatSchema } from './schema.ts';
import { loadSnapshot, type Snapshot, type TableLocation } from './snapshot.ts';
import { nothingStaged } from './stage.ts';
import type { WriteOptions } from './table.ts';
import { finish, loadForWrite } from './write.ts';

export type DropFeatureOptions = Pick<WriteOptions, 'lease' | 'signal' | 'userMetadata'> & {
  /** Older versions go, so that no reader of them needs the feature; without it they are protected by a checkpoint. */
  readonly truncateHistory?: boolean | undefined;
};

/** What a feature leaves in a table, and how it is taken away. */
type Removal = {
  /** Properties that go. */
  readonly properties?: readonly string[];
  /** Its traces in data files: they are written anew. */
  readonly rewrites?: (snapshot: Snapshot) => boolean;
  /** What the user has to take away first, if anything. */
  readonly inUse?: (snapshot: Snapshot) => string | undefined;
  /** Notes of it at columns. */
  readonly fieldKeys?: readonly string[];
  /** Names under which the log keeps its facts. */
  readonly domains?: readonly string[];
  /** Older versions cannot be read without it. */
  readonly isInHistory?: boolean;
};

const usesField = (key: string, hint: string) => (snapshot: Snapshot) => {
  const field = [...allFields(snapshot.schema)].find(({ metadata }) => key in metadata);
  return field === undefined ? undefined : `the column ${field.name} ${hint}`;
};

const removals: Readonly<Record<string, Removal>> = {
  deletionVectors: {
    properties: ['delta.enableDeletionVectors'],
    rewrites: ({ files }) => files.deletionVectors.size > 0,
    isInHistory: true,
  },
  // Its traces are taken away before all else: {@link removeMapping}.
  columnMapping: { isInHistory: true },
  vacuumProtocolCheck: { isInHistory: true },
  v2Checkpoint: { properties: ['delta.checkpointPolicy'], isInHistory: true },
  timestampNtz: {
    inUse: ({ schema }) => {
      const field = [...allFields(schema)].find(({ type }) => JSON.stringify(type).includes('"timestamp_ntz"'));
      return field === undefined ? undefined : `the column ${field.name} is one`;
    },
    isInHistory: true,
  },
  checkConstraints: {
    inUse: ({ metadata }) => {
      const [name] = constraintsOf(metadata).keys();
      return name === undefined ? undefined : `the constraint ${name} is there: ALTER TABLE ... DROP CONSTRAINT takes it away`;
    },
  },
  changeDataFeed: { properties: ['delta.enableChangeDataFeed'] },
  appendOnly: { properties: ['delta.appendOnly'] },
  invariants: { inUse: usesField('delta.invariants', 'has one') },
  generatedColumns: { inUse: usesField('delta.generationExpression', 'is generated') },
  identityColumns: { inUse: usesField('delta.identity.start', 'numbers its rows') },
  allowColumnDefaults: { inUse: usesField('CURRENT_DEFAULT', 'has a default: ALTER COLUMN ... DROP DEFAULT takes it away') },
  inCommitTimestamp: {
    properties: [
      'delta.enableInCommitTimestamps',
      'delta.inCommitTimestampEnablementVersion',
      'delta.inCommitTimestampEnablementTimestamp',
    ],
  },
  clustering: { domains: [domainNames.clustering] },
  rowTracking: {
    properties: [
      'delta.enableRowTracking',
      'delta.rowTracking.materializedRowIdColumnName',
      'delta.rowTracking.materializedRowCommitVersionColumnName',
    ],
    domains: [domainNames.rowTracking],
  },
  domainMetadata: {
    inUse: ({ log }) => [...log.domains.values()].filter(({ removed }) => !removed).map(({ domain }) => `${domain} keeps facts in it`)[0],
  },
  checkpointProtection: { properties: ['delta.requireCheckpointProtectionBeforeVersion'] },
  materializePartitionColumns: { properties: ['delta.enableMaterializePartitionColumnsFeature'] },
  typeWidening: {
    properties: ['delta.enableTypeWidening'],
    fieldKeys: ['delta.typeChanges'],
    rewrites: ({ schema }) => [...allFields(schema)].some(({ metadata }) => 'delta.typeChanges' in metadata),
    isInHistory: true,
  },
};

/**
 * Takes a feature out of a table, with all that it left there: see {@link DeltaTable.dropFeature}.
 *
 * @throws {LakesteadError} `DELTA_UNSUPPORTED` for one that cannot be dropped, or that is still used
 */
export async function dropFeature(
  location: TableLocation,
  name: string,
  options: DropFeatureOptions,
): Promise<{ readonly version: number }> {
  const { lease, signal, userMetadata, truncateHistory = false } = options;
  const first = await loadForWrite(location, options, false);
  const { reader, writer } = featuresOf(first.protocol);
  const feature = [...writer, ...reader].find((one) => one.toLowerCase() === name.toLowerCase());
  const refuse = (why: string) => new LakesteadError('DELTA_UNSUPPORTED', `the feature ${name} of ${first.table} is not dropped: ${why}`, { data: { features: [name] } }); // prettier-ignore
  if (feature === undefined) throw refuse('the table does not have it');
  const removal = Object.hasOwn(removals, feature) ? removals[feature] : undefined;
  if (removal === undefined) throw refuse('that is not supported');
  const inUse = removal.inUse?.(first);
  if (inUse !== undefined) throw refuse(inUse);
  const keys = (removal.properties ?? []).filter((key) => Object.hasOwn(first.metadata.configuration, key));
  const switched = keys.filter((key) => key.startsWith('delta.enable') || key === 'delta.checkpointPolicy');
  if (feature === 'columnMapping' && columnMappingOf(first.metadata) !== 'none') await removeMapping(location, options);
  if (switched.length > 0) await alterTable(location, { kind: 'unsetProperties', keys: switched }, { lease, signal });
  if (removal.rewrites?.(first) === true)
    await optimizeTable(location, { lease, signal, purge: true, everyFile: feature === 'typeWidening' });
  const snapshot = await loadForWrite(location, options, false);
  if (removal.rewrites?.(snapshot) === true && feature === 'deletionVectors')
    throw refuse('another writer used it meanwhile: run it again');
  const left = new Set([...featuresOf(snapshot.protocol).writer, ...featuresOf(snapshot.protocol).reader].filter((one) => one !== feature));
  const isProtected = removal.isInHistory === true && !truncateHistory;
  if (isProtected) left.add('checkpointProtection');
  const protocol = lowest(left);
  const actions = [...dropped(snapshot, removal, protocol, isProtected)];
  const commitInfo = newCommitInfo('DROP FEATURE', { featureName: feature, truncateHistory: String(truncateHistory) }, snapshot.version, false, {}, { userMetadata }); // prettier-ignore
  const transaction = { readVersion: snapshot.version, actions, commitInfo, reads: 'table' as const };
  const { version } = await finish(location, nothingStaged, transaction, 0, snapshot, options);
  // Readers that do not know the feature begin at a checkpoint that has nothing of it.
  const now = await loadSnapshot(location, { lease, signal });
  await writeCheckpoint(location, now, lease, { signal });
  if (removal.isInHistory === true && truncateHistory) await cleanLog(location, now, { before: now.version, isForced: true, signal });
  return { version };
}

/** Version numbers again where they say exactly what is left. */
function lowest(features: ReadonlySet<string>): Protocol {
  return protocolOf(features);
}

function* dropped(snapshot: Snapshot, removal: Removal, protocol: Protocol, isProtected: boolean): Generator<Action> {
  yield { protocol };
  const { metadata, schema, log, version } = snapshot;
  const configuration = Object.fromEntries(
    Object.entries(metadata.configuration).filter(([key]) => removal.properties?.includes(key) !== true),
  );
  if (isProtected) configuration['delta.requireCheckpointProtectionBeforeVersion'] = String(version + 1);
  const keys = removal.fieldKeys ?? [];
  const schemaString =
    keys.length === 0 ? metadata.schemaString : formatSchema(JSON.parse(JSON.stringify(schema, (key, value: unknown) => (keys.includes(key) ? undefined : value))) as typeof schema); // prettier-ignore
  const changed: Metadata = { ...metadata, configuration, schemaString };
  if (JSON.stringify(changed) !== JSON.stringify(metadata)) yield { metaData: changed };
  for (const name of removal.domains ?? []) {
    const found = log.domains.get(name);
    if (found !== undefined && !found.removed) yield { domainMetadata: { ...found, removed: true } };
  }
}
