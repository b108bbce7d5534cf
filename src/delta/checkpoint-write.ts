import { randomUUID } from 'node:crypto';

import type { Batch, Lease, StatementOptions } from '#engine';
import { ident, join, literal, type Sql, sql } from '#sql';
import type { ObjectStore } from '#storage';

import { addOf } from './commit-actions.ts';
import { featuresOf } from './features.ts';
import { checkpointPath, lastCheckpointPath, logFolder, v2CheckpointPath } from './log-segment.ts';
import type { Snapshot, TableLocation } from './snapshot.ts';
import { recentTombstones, retentionOf } from './tombstones.ts';

const rowsAtOnce = 2048;

const stringMap = 'MAP(VARCHAR, VARCHAR)';
const vectorShape = { storageType: 'VARCHAR', pathOrInlineDv: 'VARCHAR', offset: 'INTEGER', sizeInBytes: 'INTEGER', cardinality: 'BIGINT' };
const rowIdShape = { baseRowId: 'BIGINT', defaultRowCommitVersion: 'BIGINT' };
// The protocol's checkpoint schema. Each of these is a column of the file; each row has one that is not null.
const shapes = {
  txn: { appId: 'VARCHAR', version: 'BIGINT', lastUpdated: 'BIGINT' },
  add: {
    path: 'VARCHAR',
    partitionValues: stringMap,
    size: 'BIGINT',
    modificationTime: 'BIGINT',
    dataChange: 'BOOLEAN',
    stats: 'VARCHAR',
    tags: stringMap,
    deletionVector: vectorShape,
    ...rowIdShape,
    clusteringProvider: 'VARCHAR',
  },
  remove: {
    path: 'VARCHAR',
    deletionTimestamp: 'BIGINT',
    dataChange: 'BOOLEAN',
    extendedFileMetadata: 'BOOLEAN',
    partitionValues: stringMap,
    size: 'BIGINT',
    deletionVector: vectorShape,
    ...rowIdShape,
  },
  metaData: {
    id: 'VARCHAR',
    name: 'VARCHAR',
    description: 'VARCHAR',
    format: { provider: 'VARCHAR', options: stringMap },
    schemaString: 'VARCHAR',
    partitionColumns: ['VARCHAR'],
    configuration: stringMap,
    createdTime: 'BIGINT',
  },
  protocol: { minReaderVersion: 'INTEGER', minWriterVersion: 'INTEGER', readerFeatures: ['VARCHAR'], writerFeatures: ['VARCHAR'] },
  domainMetadata: { domain: 'VARCHAR', configuration: 'VARCHAR', removed: 'BOOLEAN' },
  checkpointMetadata: { version: 'BIGINT', tags: stringMap },
  sidecar: { path: 'VARCHAR', sizeInBytes: 'BIGINT', modificationTime: 'BIGINT', tags: stringMap },
};
type Kind = keyof typeof shapes;

/**
 * Writes a checkpoint of a snapshot, and the hint at it: a classic one in one file, or where the table's `delta.checkpointPolicy` is
 * v2 one whose files are listed beside it. Rows go to DuckDB as JSON text and become structs there.
 */
export async function writeCheckpoint(location: TableLocation, snapshot: Snapshot, lease: Lease, options: StatementOptions): Promise<void> {
  const { store, path } = location;
  const tombstones = await recentTombstones(location, snapshot, Date.now() - retentionOf(snapshot), lease, options);
  const rows = new CheckpointRows(snapshot, tombstones);
  const write = async (target: string, kinds: readonly Kind[], actions: Iterable<readonly [Kind, object]>): Promise<number> =>
    await writeActions(store, target, kinds, actions, lease, options);
  let sizeBytes: number;
  let count: number;
  if (isV2(snapshot)) {
    const name = `${randomUUID()}.parquet`;
    const files = [...rows.files()];
    const listed = await write(`${logFolder(path)}/_sidecars/${name}`, ['add', 'remove'], files);
    const top: readonly (readonly [Kind, object])[] = [
      ['checkpointMetadata', { version: snapshot.version }],
      ...rows.facts(),
      ['sidecar', { path: name, sizeInBytes: listed, modificationTime: Date.now() }],
    ];
    const kinds: readonly Kind[] = ['checkpointMetadata', 'protocol', 'metaData', 'txn', 'domainMetadata', 'sidecar', 'add', 'remove'];
    sizeBytes = await write(v2CheckpointPath(path, snapshot.version, randomUUID()), kinds, top);
    count = top.length + files.length;
  } else {
    const all = [...rows.facts(), ...rows.files()];
    sizeBytes = await write(
      checkpointPath(path, snapshot.version),
      ['protocol', 'metaData', 'txn', 'domainMetadata', 'add', 'remove'],
      all,
    );
    count = all.length;
  }
  // The hint comes last: readers probe forward from it, so a lost hint costs one listing, a wrong one a whole table.
  const hint = { version: snapshot.version, size: count, sizeInBytes: sizeBytes, numOfAddFiles: snapshot.files.count };
  await store.put(lastCheckpointPath(path), Buffer.from(JSON.stringify(hint)));
  // Hadoop keeps a checksum beside each file that it wrote, and would refuse the hint that we put in its place.
  await store.delete(`${path === '' ? '' : `${path}/`}_delta_log/._last_checkpoint.crc`);
}

function isV2({ protocol, metadata }: Snapshot): boolean {
  return featuresOf(protocol).writer.includes('v2Checkpoint') && metadata.configuration['delta.checkpointPolicy']?.toLowerCase() === 'v2';
}

/** Writes actions as one Parquet file, with a column for each of their kinds; says its bytes. */
async function writeActions(
  store: ObjectStore,
  target: string,
  kinds: readonly Kind[],
  actions: Iterable<readonly [Kind, object]>,
  lease: Lease,
  options: StatementOptions,
): Promise<number> {
  const staged = await store.stage(target);
  const table = `checkpoint_${randomUUID().replaceAll('-', '')}`;
  try {
    await lease.run(sql`CREATE TEMP TABLE ${ident(table)} (kind VARCHAR, json VARCHAR)`, options);
    try {
      await lease.append({ table }, batchesOf(actions), options);
      await lease.run(
        sql`COPY (SELECT ${columns(kinds)} FROM ${ident(table)}) TO ${literal(staged.localPath)} (FORMAT parquet, COMPRESSION snappy)`,
        options,
      );
    } finally {
      await lease.run(sql`DROP TABLE ${ident(table)}`);
    }
    return (await staged.publish()).sizeBytes;
  } catch (error) {
    await staged.discard().catch(() => undefined); // the first error says more
    throw error;
  }
}

async function* batchesOf(actions: Iterable<readonly [Kind, object]>): AsyncGenerator<Batch> {
  let kinds: string[] = [];
  let texts: string[] = [];
  for (const [kind, action] of actions) {
    kinds.push(kind);
    texts.push(JSON.stringify(action));
    if (kinds.length < rowsAtOnce) continue;
    yield await Promise.resolve({ rowCount: kinds.length, columns: [kinds, texts] });
    kinds = [];
    texts = [];
  }
  if (kinds.length > 0) yield { rowCount: kinds.length, columns: [kinds, texts] };
}

function columns(kinds: readonly Kind[]): Sql {
  const parts = kinds.map(
    (kind) => sql`CASE WHEN kind = ${literal(kind)} THEN from_json(json, ${literal(JSON.stringify(shapes[kind]))}) END AS ${ident(kind)}`,
  );
  return join(parts);
}

/** What a checkpoint lists. */
class CheckpointRows {
  readonly #snapshot: Snapshot;
  readonly #tombstones: Snapshot['log']['tombstones'];

  constructor(snapshot: Snapshot, tombstones: Snapshot['log']['tombstones']) {
    this.#snapshot = snapshot;
    this.#tombstones = tombstones;
  }

  *facts(): Generator<readonly [Kind, object]> {
    const { protocol, metadata, log } = this.#snapshot;
    yield ['protocol', protocol];
    yield ['metaData', { ...metadata, format: { ...metadata.format, options: metadata.format.options ?? {} } }];
    for (const txn of log.txns.values()) yield ['txn', txn];
    for (const domain of log.domains.values()) if (!domain.removed) yield ['domainMetadata', domain];
  }

  *files(): Generator<readonly [Kind, object]> {
    const { files } = this.#snapshot;
    for (const remove of this.#tombstones) yield ['remove', { ...remove, dataChange: false }];
    for (let index = 0; index < files.count; index += 1) yield ['add', addOf(this.#snapshot, index)];
  }
}
