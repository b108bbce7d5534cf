import { randomUUID } from 'node:crypto';

import type { Batch, Lease, StatementOptions } from '#engine';
import { ident, join, literal, type Sql, sql } from '#sql';

import { partitionKeys } from './column-mapping.ts';
import { encodeFilePath } from './file-path.ts';
import { checkpointPath, lastCheckpointPath } from './log-segment.ts';
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
};

/**
 * Writes a classic checkpoint of a snapshot in one file, and the hint at it. Rows go to DuckDB as JSON text and become
 * structs there.
 */
export async function writeCheckpoint(location: TableLocation, snapshot: Snapshot, lease: Lease, options: StatementOptions): Promise<void> {
  const { store, path } = location;
  const tombstones = await recentTombstones(location, snapshot, Date.now() - retentionOf(snapshot), lease, options);
  const rows = new CheckpointRows(snapshot, tombstones);
  const target = checkpointPath(path, snapshot.version);
  const staged = await store.stage(target);
  const table = `checkpoint_${randomUUID().replaceAll('-', '')}`;
  try {
    await lease.run(sql`CREATE TEMP TABLE ${ident(table)} (kind VARCHAR, json VARCHAR)`, options);
    try {
      await lease.append({ table }, rows.batches(), options);
      await lease.run(
        sql`COPY (SELECT ${columns()} FROM ${ident(table)}) TO ${literal(staged.localPath)} (FORMAT parquet, COMPRESSION snappy)`,
        options,
      );
    } finally {
      await lease.run(sql`DROP TABLE ${ident(table)}`);
    }
    const { sizeBytes } = await staged.publish();
    // The hint comes last: readers probe forward from it, so a lost hint costs one listing, a wrong one a whole table.
    const hint = { version: snapshot.version, size: rows.count, sizeInBytes: sizeBytes, numOfAddFiles: snapshot.files.count };
    await store.put(lastCheckpointPath(path), Buffer.from(JSON.stringify(hint)));
    // Hadoop keeps a checksum beside each file that it wrote, and would refuse the hint that we put in its place.
    await store.delete(`${path === '' ? '' : `${path}/`}_delta_log/._last_checkpoint.crc`);
  } catch (error) {
    await staged.discard().catch(() => undefined); // the first error says more
    throw error;
  }
}

function columns(): Sql {
  const parts = Object.entries(shapes).map(
    ([kind, shape]) => sql`CASE WHEN kind = ${literal(kind)} THEN from_json(json, ${literal(JSON.stringify(shape))}) END AS ${ident(kind)}`,
  );
  return join(parts);
}

class CheckpointRows {
  readonly #snapshot: Snapshot;
  readonly #tombstones: Snapshot['log']['tombstones'];
  count = 0;

  constructor(snapshot: Snapshot, tombstones: Snapshot['log']['tombstones']) {
    this.#snapshot = snapshot;
    this.#tombstones = tombstones;
  }

  async *batches(): AsyncGenerator<Batch> {
    let kinds: string[] = [];
    let texts: string[] = [];
    for (const [kind, action] of this.#rows()) {
      kinds.push(kind);
      texts.push(JSON.stringify(action));
      this.count += 1;
      if (kinds.length < rowsAtOnce) continue;
      yield await Promise.resolve({ rowCount: kinds.length, columns: [kinds, texts] });
      kinds = [];
      texts = [];
    }
    if (kinds.length > 0) yield { rowCount: kinds.length, columns: [kinds, texts] };
  }

  *#rows(): Generator<readonly [string, object]> {
    const { protocol, metadata, log, files } = this.#snapshot;
    yield ['protocol', protocol];
    yield ['metaData', { ...metadata, format: { ...metadata.format, options: metadata.format.options ?? {} } }];
    for (const txn of log.txns.values()) yield ['txn', txn];
    for (const domain of log.domains.values()) if (!domain.removed) yield ['domainMetadata', domain];
    for (const remove of this.#tombstones) yield ['remove', { ...remove, dataChange: false }];
    for (let index = 0; index < files.count; index += 1) {
      yield [
        'add',
        {
          path: files.spelledPaths.get(index) ?? encodeFilePath(files.paths[index] ?? ''),
          partitionValues: Object.fromEntries(
            partitionKeys(metadata).map((column, position) => [column, files.partitionValues[position]?.[index] ?? null]),
          ),
          size: files.sizes[index],
          modificationTime: files.modificationTimes[index],
          dataChange: false,
          stats: files.stats[index],
          deletionVector: files.deletionVectors.get(index),
          ...files.extras.get(index),
        },
      ];
    }
  }
}
