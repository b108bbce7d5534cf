import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import {
  checkTable,
  convertTable,
  createTable,
  describeTable,
  type DeltaTable,
  forgetSnapshot,
  openTable,
  planToSql,
  repairTable,
  type StructField,
  type StructType,
  writeTable,
} from '#delta';
import { type Engine, type Lease, openDuckdbEngine } from '#engine';
import { literal, type Sql, sql } from '#sql';
import { type ObjectStore, openMemoryStore } from '#storage';

import { cleanLog } from './log-cleanup.ts';
import { formatRoaringArray, parseRoaringArray } from './roaring.ts';
import { decodeZ85, encodeZ85 } from './z85.ts';

let engine: Engine;
let lease: Lease;
beforeAll(async () => {
  engine = await openDuckdbEngine({ threads: 2 });
  lease = await engine.lease();
});
afterAll(async () => {
  await lease[Symbol.asyncDispose]();
  await engine[Symbol.asyncDispose]();
});

const field = (name: string, type: StructField['type'], metadata: StructField['metadata'] = {}): StructField => ({
  name,
  type,
  nullable: true,
  metadata,
});
const numbers: StructType = { type: 'struct', fields: [field('id', 'integer'), field('p', 'string')] };
const range = (from: number, to: number): Sql =>
  sql`SELECT i::INTEGER AS id, 'p' || (i % 2) AS p FROM range(${literal(from)}, ${literal(to)}) r(i)`;

async function make(store: ObjectStore, properties: Readonly<Record<string, string>>, schema = numbers): Promise<DeltaTable> {
  return await createTable({ store, path: 't', engine, schema, properties });
}

async function rowsOf(table: DeltaTable, rowIds = false): Promise<readonly string[]> {
  const query = await planToSql((await table.snapshot()).scan(), table.store, { rowIds });
  const rows = await lease.rows(sql`SELECT (q)::VARCHAR AS row FROM (${query}) AS q`);
  return rows.map((row) => String(row['row'])).toSorted();
}

/** As a process that knew nothing of the table would. */
const reopen = async (store: ObjectStore): Promise<DeltaTable> => {
  forgetSnapshot({ store, path: 't' });
  return await openTable({ store, path: 't', engine });
};

const idsOf = async (table: DeltaTable): Promise<readonly number[]> => {
  const query = await planToSql((await table.snapshot()).scan({ columns: ['id'] }), table.store);
  return (await lease.rows(sql`SELECT id FROM (${query}) ORDER BY id`)).map((row) => Number(row['id']));
};

test('sets of row numbers are the same after writing and reading, few and many, far apart', () => {
  for (const values of [
    [],
    [0],
    [1, 5, 65_535, 65_536, 131_071],
    [2 ** 32 - 1, 2 ** 32, 2 ** 33 + 7],
    Array.from({ length: 200_000 }, (_, index) => index * 3),
  ])
    expect(parseRoaringArray(formatRoaringArray(values), 'here')).toEqual(values);
});

test('Z85 as its specification has it', () => {
  const bytes = Uint8Array.of(0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b);
  expect(encodeZ85(bytes)).toBe('HelloWorld');
  expect(Uint8Array.from(decodeZ85('HelloWorld', 'here'))).toEqual(bytes);
});

describe('features come into the protocol when they are asked for', () => {
  test.each([
    [{}, { minReaderVersion: 1, minWriterVersion: 2 }],
    [
      { 'delta.enableChangeDataFeed': 'true' },
      { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['appendOnly', 'invariants', 'changeDataFeed'] },
    ],
    [
      { 'delta.columnMapping.mode': 'name' },
      { minReaderVersion: 2, minWriterVersion: 7, writerFeatures: ['appendOnly', 'invariants', 'columnMapping'] },
    ],
    [
      { 'delta.enableDeletionVectors': 'true' },
      {
        minReaderVersion: 3,
        minWriterVersion: 7,
        readerFeatures: ['deletionVectors'],
        writerFeatures: ['appendOnly', 'invariants', 'deletionVectors'],
      },
    ],
    [
      { 'delta.minWriterVersion': '5', 'delta.minReaderVersion': '2' },
      { minReaderVersion: 2, minWriterVersion: 5 },
    ],
    [
      { 'delta.feature.domainMetadata': 'supported' },
      { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['appendOnly', 'invariants', 'domainMetadata'] },
    ],
  ])('%j', async (properties, protocol) => {
    await using store = openMemoryStore();
    const table = await make(store, properties);
    expect(describeTable(await table.snapshot()).protocol).toEqual(protocol);
  });

  test('what a named reader does not know is refused, at once and later', async () => {
    await using store = openMemoryStore();
    await expect(make(store, { 'delta.compatibility': 'synapse', 'delta.enableDeletionVectors': 'true' })).rejects.toMatchObject({
      code: 'DELTA_UNSUPPORTED',
      message: expect.stringContaining('deletionVectors') as string,
    });
    const table = await make(store, { 'delta.compatibility': 'synapse' });
    await expect(table.alter({ kind: 'setProperties', properties: { 'delta.columnMapping.mode': 'name' } })).rejects.toMatchObject({
      code: 'DELTA_UNSUPPORTED',
    });
    await table.alter({ kind: 'setProperties', properties: { 'delta.enableChangeDataFeed': 'true' } });
    expect(describeTable(await table.snapshot()).protocol).toMatchObject({ minReaderVersion: 1 });
  });
});

describe('row tracking', () => {
  test('an id stays with its row through updates, merges and optimize, and new rows get new ones', async () => {
    for (const properties of [{}, { 'delta.enableDeletionVectors': 'true' }, { 'delta.columnMapping.mode': 'name' }]) {
      await using store = openMemoryStore();
      const table = await make(store, { ...properties, 'delta.enableRowTracking': 'true' });
      await table.append(range(0, 5), { lease });
      await table.append(range(5, 8), { lease });
      const before = new Map((await rowIds(table)).map(([id, row]) => [id, row]));
      await table.delete(sql`id = 1`, { lease });
      await table.update({ p: sql`'new'` }, sql`id IN (2, 6)`, { lease });
      const source = range(3, 10);
      await table.merge({
        source,
        on: sql`t.id = s.id`,
        lease,
        clauses: [
          { when: 'matched', action: 'updateAll' },
          { when: 'notMatched', action: 'insertAll' },
        ],
      });
      await table.optimize({ lease });
      const after = await rowIds(table);
      expect(after.map(([id]) => id)).toEqual([0, 2, 3, 4, 5, 6, 7, 8, 9]);
      for (const [id, row] of after) if (before.has(id)) expect([id, row]).toEqual([id, before.get(id)]);
      expect(new Set(after.map(([, row]) => row)).size).toBe(after.length);
      expect(after.find(([id]) => id === 0)?.[2]).toBe(1);
      expect(after.find(([id]) => id === 2)?.[2]).toBe(4);
      expect(after.find(([id]) => id === 9)?.[2]).toBe(5);
    }
  });

  const rowIds = async (table: DeltaTable): Promise<readonly (readonly [number, number, number])[]> => {
    const query = await planToSql((await table.snapshot()).scan(), table.store, { rowIds: true });
    const rows = await lease.rows(sql`SELECT id, __lakestead_row_id AS r, __lakestead_row_version AS v FROM (${query}) ORDER BY id`);
    return rows.map((row) => [Number(row['id']), Number(row['r']), Number(row['v'])]);
  };

  test('a table that was there gets ids when tracking is switched on, and appends of two at once share none', async () => {
    await using store = openMemoryStore();
    const table = await make(store, {});
    await table.append(range(0, 3), { lease });
    await table.alter({ kind: 'setProperties', properties: { 'delta.enableRowTracking': 'true' } });
    await Promise.all(
      [10, 20, 30].map(
        async (from) => await engine.withLease(async (own) => await (await openTable(table)).append(range(from, from + 3), { lease: own })),
      ),
    );
    const ids = (await rowIds(await reopen(store))).map(([, row]) => row);
    expect(new Set(ids).size).toBe(12);
  });
});

describe('rules for rows', () => {
  test('constraints are kept by every way of writing, NULL is no yes, and nothing is left of what was refused', async () => {
    await using store = openMemoryStore();
    const table = await make(store, {});
    await table.append(range(0, 3), { lease });
    await table.alter({ kind: 'addConstraint', name: 'Small', condition: '`id` < 100' });
    const broken = { code: 'DELTA_CONSTRAINT', message: expect.stringContaining('the constraint small') as string };
    await expect(table.append(range(98, 101), { lease })).rejects.toMatchObject(broken);
    await expect(table.append(sql`SELECT NULL::INTEGER AS id`, { lease })).rejects.toMatchObject(broken);
    await expect(table.update({ id: sql`id * 100` }, undefined, { lease })).rejects.toMatchObject(broken);
    await expect(table.overwrite(range(99, 101), { lease })).rejects.toMatchObject(broken);
    await expect(
      table.merge({ source: range(500, 501), on: sql`t.id = s.id`, lease, clauses: [{ when: 'notMatched', action: 'insertAll' }] }),
    ).rejects.toMatchObject(broken);
    await expect(table.alter({ kind: 'addConstraint', name: 'none', condition: 'id > 1' })).rejects.toMatchObject({
      code: 'DELTA_CONSTRAINT',
    });
    await expect(table.alter({ kind: 'addConstraint', name: 'odd', condition: 'rand() < 1' })).rejects.toMatchObject({
      code: 'DELTA_UNSUPPORTED',
    });
    expect(await idsOf(table)).toEqual([0, 1, 2]);
    const names: string[] = [];
    for await (const { path } of store.list('t')) names.push(path);
    expect(names.filter((name) => name.endsWith('.parquet'))).toHaveLength(1);
    await table.alter({ kind: 'dropConstraint', name: 'small' });
    await table.append(range(500, 501), { lease });
  });

  test('generated columns, defaults and identity fill what a write leaves out', async () => {
    await using store = openMemoryStore();
    const schema: StructType = {
      type: 'struct',
      fields: [
        field('key', 'long', { 'delta.identity.start': 10, 'delta.identity.step': 5, 'delta.identity.allowExplicitInsert': false }),
        field('at', 'timestamp'),
        field('day', 'date', { 'delta.generationExpression': 'CAST(at AS DATE)' }),
        field('city', 'string', { CURRENT_DEFAULT: "'Graz'" }),
      ],
    };
    const table = await createTable({ store, path: 't', engine, schema, partitionBy: ['day'] });
    await table.append(sql`SELECT TIMESTAMPTZ '2024-05-01 23:59:59+00' AS at`, { lease });
    await table.append(sql`SELECT NULL::TIMESTAMPTZ AS at, 'Wien' AS city FROM range(2)`, { lease });
    expect(await rowsOf(table)).toEqual([
      "{'key': 10, 'at': '2024-05-01 23:59:59+00', 'day': 2024-05-01, 'city': Graz}",
      "{'key': 15, 'at': NULL, 'day': NULL, 'city': Wien}",
      "{'key': 20, 'at': NULL, 'day': NULL, 'city': Wien}",
    ]);
    await table.update({ at: sql`TIMESTAMPTZ '2025-01-01 00:00:00+00'` }, sql`key = 20`, { lease });
    expect((await rowsOf(table)).at(-1)).toContain("'day': 2025-01-01");
    await expect(
      table.append(sql`SELECT TIMESTAMPTZ '2024-05-01 00:00:00+00' AS at, DATE '2024-05-02' AS day`, { lease }),
    ).rejects.toMatchObject({ code: 'DELTA_CONSTRAINT' });
    await expect(table.append(sql`SELECT 1 AS key`, { lease })).rejects.toMatchObject({ code: 'DELTA_SCHEMA_MISMATCH' });
    expect((await table.snapshot()).schema.fields[0]?.metadata['delta.identity.highWaterMark']).toBe(20);
  });
});

describe('deletion vectors', () => {
  test('files stay where they are; what is deleted twice, restored or optimized comes out right', async () => {
    await using store = openMemoryStore();
    const table = await make(store, { 'delta.enableDeletionVectors': 'true' });
    await table.append(range(0, 100), { lease });
    const [path] = (await table.snapshot()).files.paths;
    await table.delete(sql`id % 10 = 0`, { lease });
    const second = await table.delete(sql`id % 10 = 1`, { lease });
    expect(second).toMatchObject({ filesMarked: 1, filesAdded: 0, filesRemoved: 0, rowsDeleted: 10, rowsCopied: 0 });
    expect((await table.snapshot()).files.paths).toEqual([path]);
    expect(describeTable(await table.snapshot())).toMatchObject({ rows: 80, deletedRows: 20 });
    expect((await table.history({ limit: 1 }))[0]?.operationMetrics).toMatchObject({
      numDeletionVectorsAdded: '1',
      numDeletionVectorsUpdated: '1',
    });
    await table.vacuum({ lease, retainHours: 0, force: true });
    expect(await idsOf(table)).toHaveLength(80);
    await table.restore({ version: 1, lease });
    expect(await idsOf(table)).toHaveLength(100);
    await table.delete(sql`id < 50`, { lease });
    await table.optimize({ lease, purge: true });
    expect(describeTable(await table.snapshot())).toMatchObject({ rows: 50, deletedRows: 0 });
    expect(await checkTable(table, { lease })).toMatchObject({ findings: [] });
    await table.delete(undefined, { lease });
    expect(await idsOf(table)).toEqual([]);
  });

  test('a file whose writer left out statistics is counted, since a vector needs its rows', async () => {
    await using store = openMemoryStore();
    const table = await make(store, { 'delta.enableDeletionVectors': 'true' });
    await table.append(range(0, 10), { lease });
    const log = 't/_delta_log/00000000000000000001.json';
    const text = new TextDecoder().decode(await store.get(log));
    await store.put(log, Buffer.from(text.replace(/,"stats":"(?:[^"\\]|\\.)*"/, '')));
    await store.delete('t/_delta_log/00000000000000000001.crc');
    const again = await reopen(store);
    await again.delete(sql`id = 3`, { lease });
    expect((await again.snapshot()).files.stats[0]).toBe('{"numRecords":10,"tightBounds":false}');
    expect(await idsOf(again)).toHaveLength(9);
  });
});

test('renamed and dropped columns leave files alone, and a name can be had again', async () => {
  await using store = openMemoryStore();
  const table = await make(store, { 'delta.columnMapping.mode': 'name' });
  await table.append(range(0, 2), { lease });
  await table.alter({ kind: 'renameColumn', column: ['p'], name: 'part of it' });
  await table.alter({ kind: 'dropColumns', columns: [['id']] });
  await table.alter({ kind: 'addColumns', columns: [{ field: field('id', 'string') }] });
  await table.append(sql`SELECT 'x' AS id, 'y' AS "part of it"`, { lease });
  expect(await rowsOf(table)).toEqual(["{'part of it': p0, 'id': NULL}", "{'part of it': p1, 'id': NULL}", "{'part of it': y, 'id': x}"]);
  expect(await checkTable(table, { lease })).toMatchObject({ findings: [] });
  await expect(table.alter({ kind: 'dropColumns', columns: [['id'], ['part of it']] })).rejects.toMatchObject({
    code: 'DELTA_UNSUPPORTED',
  });
});

test('clustering sorts what came since, and only that', async () => {
  await using store = openMemoryStore();
  const table = await createTable({ store, path: 't', engine, schema: numbers, clusterBy: ['id'] });
  await table.append(range(0, 50), { lease });
  await table.append(range(50, 100), { lease });
  expect(await table.optimize({ lease })).toMatchObject({ filesRemoved: 2, filesAdded: 1 });
  expect(await table.optimize({ lease })).toMatchObject({ version: undefined });
  await table.append(range(100, 110), { lease });
  expect(await table.optimize({ lease })).toMatchObject({ filesRemoved: 1, filesAdded: 1 });
  expect(await table.optimize({ lease, isFull: true })).toMatchObject({ filesRemoved: 2, filesAdded: 1 });
  expect(await idsOf(table)).toHaveLength(110);
});

test('times in commits only grow, also where the clock goes back', async () => {
  await using store = openMemoryStore();
  const table = await make(store, {});
  await table.append(range(0, 1), { lease });
  await table.alter({ kind: 'setProperties', properties: { 'delta.enableInCommitTimestamps': 'true' } });
  for (let count = 0; count < 5; count += 1) await table.append(range(count, count + 1), { lease });
  const times = (await table.history()).map(({ timestamp }) => timestamp.getTime());
  expect(times).toEqual(times.toSorted((a, b) => b - a));
  expect(new Set(times.slice(0, 6)).size).toBe(6);
  const { configuration } = (await table.snapshot()).metadata;
  expect(configuration['delta.inCommitTimestampEnablementVersion']).toBe('2');
});

test('v2 checkpoints are read without the commits before them, and old logs go', async () => {
  await using store = openMemoryStore({ clock: { now: () => new Date(Date.UTC(2020, 0, 1)), elapsedMs: () => 0 } });
  const table = await make(store, {
    'delta.checkpointPolicy': 'v2',
    'delta.checkpointInterval': '4',
    'delta.logRetentionDuration': 'interval 1 day',
  });
  for (let count = 0; count < 9; count += 1) await table.append(range(count, count + 1), { lease });
  const names: string[] = [];
  for await (const { path } of store.list('t/_delta_log')) names.push(path.slice('t/_delta_log/'.length));
  expect(names.filter((name) => /^\d{20}\.json$/.test(name))).toEqual(['00000000000000000008.json', '00000000000000000009.json']);
  expect(names.filter((name) => name.startsWith('_sidecars/'))).toHaveLength(2);
  const fresh = await reopen(store);
  expect(await idsOf(fresh)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  await expect(fresh.snapshot({ version: 3 })).rejects.toMatchObject({ code: 'DELTA_VERSION_NOT_FOUND' });
});

test('commits stay where the checkpoint after them has lost a part', async () => {
  await using store = openMemoryStore({ clock: { now: () => new Date(Date.UTC(2020, 0, 1)), elapsedMs: () => 0 } });
  const table = await make(store, { 'delta.checkpointInterval': '1000', 'delta.logRetentionDuration': 'interval 1 day' });
  for (let count = 0; count < 3; count += 1) await table.append(range(count, count + 1), { lease });
  const part = (number: number) => `t/_delta_log/00000000000000000003.checkpoint.000000000${number}.0000000002.parquet`;
  await store.put(part(1), Buffer.from('one of two'));
  expect(await cleanLog(table, await table.snapshot(), { before: 3, isForced: true })).toBe(0);
  await store.put(part(2), Buffer.from('the other'));
  expect(await cleanLog(table, await table.snapshot(), { before: 3, isForced: true })).toBeGreaterThan(3);
});

test('a column that names folders may not be null where the table says so', async () => {
  await using store = openMemoryStore();
  const schema: StructType = { type: 'struct', fields: [field('id', 'integer'), { ...field('p', 'string'), nullable: false }] };
  const table = await createTable({
    store,
    path: 't',
    engine,
    schema,
    partitionBy: ['p'],
    properties: { 'delta.columnMapping.mode': 'name' },
  });
  await expect(table.append(sql`SELECT 1::INTEGER AS id, NULL::VARCHAR AS p`, { lease })).rejects.toMatchObject({
    code: 'DELTA_CONSTRAINT',
  });
  await table.append(range(0, 2), { lease });
});

test('a dropped feature leaves nothing of itself, and older versions are protected or go', async () => {
  for (const truncateHistory of [false, true]) {
    await using store = openMemoryStore();
    const table = await make(store, { 'delta.enableDeletionVectors': 'true' });
    await table.append(range(0, 10), { lease });
    await table.delete(sql`id < 3`, { lease });
    await expect(table.dropFeature('rowTracking', { lease })).rejects.toMatchObject({ code: 'DELTA_UNSUPPORTED' });
    await table.dropFeature('deletionVectors', { lease, truncateHistory });
    const { protocol, properties } = describeTable(await table.snapshot());
    expect(protocol).toEqual(
      truncateHistory
        ? { minReaderVersion: 1, minWriterVersion: 2 }
        : { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['appendOnly', 'invariants', 'checkpointProtection'] },
    );
    expect(Object.keys(properties)).toEqual(truncateHistory ? [] : ['delta.requireCheckpointProtectionBeforeVersion']);
    expect(await idsOf(table)).toEqual([3, 4, 5, 6, 7, 8, 9]);
    const old = table.snapshot({ version: 1 });
    if (truncateHistory) await expect(old).rejects.toMatchObject({ code: 'DELTA_VERSION_NOT_FOUND' });
    else expect((await old).version).toBe(1);
  }
});

test('a clone reads the files of its source, changes alone, and a vacuum of the source leaves what it needs', async () => {
  await using store = openMemoryStore();
  const table = await make(store, { 'delta.enableDeletionVectors': 'true' });
  await table.append(range(0, 10), { lease });
  await table.delete(sql`id = 0`, { lease });
  await table.clone({ target: { store, path: 'copy', engine }, lease });
  const copy = await openTable({ store, path: 'copy', engine });
  expect(await idsOf(copy)).toHaveLength(9);
  await copy.delete(sql`id < 5`, { lease });
  await table.delete(undefined, { lease });
  await table.vacuum({ lease, retainHours: 0, force: true });
  expect(await idsOf(copy)).toEqual([5, 6, 7, 8, 9]);
  expect(await idsOf(table)).toEqual([]);
  await expect(table.clone({ target: { store, path: 'copy', engine }, lease })).rejects.toMatchObject({ code: 'DELTA_CONFLICT' });
  await store.deleteFolder('copy');
  expect((await table.vacuum({ lease, retainHours: 0, force: true })).files).toHaveLength(1);
});

test('a folder of Parquet files becomes a table with partitions and statistics', async () => {
  await using store = openMemoryStore();
  for (const [name, query] of [
    ['day=2024-01-01/a.parquet', range(0, 5)],
    ['day=__HIVE_DEFAULT_PARTITION__/b.parquet', range(5, 9)],
    ['_hidden/c.parquet', range(0, 1)],
  ] as const) {
    const staged = await store.stage(`raw/${name}`);
    await lease.run(sql`COPY (${query}) TO ${literal(staged.localPath)} (FORMAT parquet)`);
    await staged.publish();
  }
  const table = await convertTable({ store, path: 'raw', engine }, { lease });
  const snapshot = await table.snapshot();
  expect(snapshot.schema.fields.map(({ name, type }) => [name, type])).toEqual([
    ['id', 'integer'],
    ['p', 'string'],
    ['day', 'date'],
  ]);
  expect(snapshot.scan({ filter: [{ column: 'id', op: '>', value: 6 }] }).files).toHaveLength(1);
  expect(snapshot.scan({ filter: [{ column: 'day', op: 'is null' }] }).files).toHaveLength(1);
  expect(await checkTable(table, { lease })).toMatchObject({ files: 2, findings: [] });
  await expect(convertTable({ store, path: 'raw', engine }, { lease })).rejects.toMatchObject({ code: 'STORAGE_EXISTS' });
});

test('a repair takes out what is lost and statistics that are wrong, by one commit', async () => {
  await using store = openMemoryStore();
  await writeTable({ store, path: 't', engine, lease, mode: 'append', query: range(0, 5) });
  const table = await openTable({ store, path: 't', engine });
  await table.append(range(5, 10), { lease });
  const [, second = ''] = (await table.snapshot()).files.paths;
  const log = 't/_delta_log/00000000000000000000.json';
  const before = new TextDecoder().decode(await store.get(log));
  await store.put(log, Buffer.from(before.replace('\\"maxValues\\":{\\"id\\":4', '\\"maxValues\\":{\\"id\\":2')));
  await store.delete(`t/${second}`);
  const fresh = await reopen(store);
  expect(await repairTable(fresh, { lease })).toMatchObject({
    version: 2,
    repaired: [{ kind: 'statistics' }, { kind: 'file' }],
    findings: [],
  });
  expect(await checkTable(fresh, { lease })).toMatchObject({ files: 1, findings: [] });
  expect(await repairTable(fresh, { lease })).toMatchObject({ version: undefined, repaired: [] });
  // The check sum that the repair wrote says what a process finds that knew nothing of the table.
  expect(await idsOf(await reopen(store))).toEqual([0, 1, 2, 3, 4]);
});

test('a write keeps to the target file size, and a filter on a column leaves out partitions that are generated from it', async () => {
  await using store = openMemoryStore();
  const schema: StructType = {
    type: 'struct',
    fields: [field('at', 'timestamp'), field('day', 'date', { 'delta.generationExpression': 'CAST(at AS DATE)' })],
  };
  const table = await createTable({ store, path: 't', engine, schema, partitionBy: ['day'] });
  await table.append(sql`SELECT TIMESTAMPTZ '2024-01-01 12:00:00+00' + to_days(i::INTEGER) AS at FROM range(10) r(i)`, { lease });
  const snapshot = await table.snapshot();
  const filter = [{ column: 'at', op: '>=', value: '2024-01-08T00:00:00Z' }] as const;
  // One day more than there are rows of: another writer may have cut days in another zone.
  expect(snapshot.scan({ filter }).skipped).toEqual({ byPartition: 5, byStatistics: 2 });
  expect(snapshot.scan({ filter: [{ column: 'at', op: '=', value: '2024-01-05T12:00:00Z' }] }).skipped).toEqual({
    byPartition: 5,
    byStatistics: 4,
  });
  const large = await createTable({ store, path: 'large', engine, schema: numbers, properties: { 'delta.targetFileSize': '100kb' } });
  await large.append(sql`SELECT i::INTEGER AS id, md5(i::VARCHAR) AS p FROM range(500000) r(i)`, { lease });
  expect((await large.snapshot()).files.count).toBeGreaterThan(3);
  expect(describeTable(await large.snapshot()).rows).toBe(500_000);
  // With partitions too, whatever their values are, and by names of files' own.
  const parts = await createTable({
    store,
    path: 'parts',
    engine,
    schema: numbers,
    partitionBy: ['p'],
    properties: { 'delta.targetFileSize': '200kb', 'delta.columnMapping.mode': 'id' },
  });
  const query = sql`SELECT i::INTEGER AS id, CASE WHEN i < 400000 THEN 'a [1]/%' WHEN i < 400010 THEN NULL ELSE 'b' END AS p FROM range(500000) r(i)`;
  await parts.append(query, { lease });
  const { files } = await parts.snapshot();
  const byPartition = Map.groupBy(files.partitionValues[0] ?? [], (value) => value);
  expect([byPartition.get(null)?.length, (byPartition.get('a [1]/%')?.length ?? 0) > 2]).toEqual([1, true]);
  expect(describeTable(await parts.snapshot()).rows).toBe(500_000);
  expect(new Set(files.paths).size).toBe(files.count);
  const sums = sql`SELECT p, count(*)::INTEGER AS n, sum(id)::DOUBLE AS total FROM (${await (await parts.scan({ lease })).relation()}) AS t GROUP BY p ORDER BY p`;
  const plain = sql`SELECT p, count(*)::INTEGER AS n, sum(id)::DOUBLE AS total FROM (${query}) AS t GROUP BY p ORDER BY p`;
  expect(await lease.rows(sums)).toEqual(await lease.rows(plain));
  expect((await parts.scan({ lease, filter: sql`id = 250000` })).summary.files).toBeLessThan(files.count);
});
