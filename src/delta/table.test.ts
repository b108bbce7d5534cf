import { afterAll, beforeAll, expect, test } from 'vitest';

import {
  createTable,
  describeTable,
  openTable,
  planToSql,
  type SnapshotOptions,
  tableToSql,
  writeTable,
  type WriteTableOptions,
} from '#delta';
import { type Engine, openDuckdbEngine } from '#engine';
import { type Sql, sql } from '#sql';
import { type ObjectStore, openMemoryStore } from '#storage';

let engine: Engine;
beforeAll(async () => {
  engine = await openDuckdbEngine({ threads: 2 });
});
afterAll(async () => await engine[Symbol.asyncDispose]());

type Write = Partial<Pick<WriteTableOptions, 'mode' | 'partitionBy' | 'schemaMode' | 'userMetadata'>>;

async function write(store: ObjectStore, query: Sql, options: Write = {}) {
  return await engine.withLease(async (lease) => await writeTable({ store, path: 't', engine, lease, query, mode: 'append', ...options }));
}

async function rows(store: ObjectStore, options: SnapshotOptions = {}, path = 't') {
  const query = await tableToSql({ store, path, engine }, options);
  return await engine.withLease(async (lease) => await lease.rows(sql`SELECT * FROM (${query}) AS t ORDER BY ALL`));
}

async function paths(store: ObjectStore): Promise<string[]> {
  const found: string[] = [];
  for await (const { path } of store.list('')) found.push(path);
  return found;
}

const schema = {
  type: 'struct' as const,
  fields: [
    { name: 'id', type: 'long', nullable: false, metadata: {} },
    { name: 'note', type: 'string', nullable: true, metadata: { comment: 'anything' } },
  ],
};

test('a remote log leads to no file of this machine', async () => {
  await using store = openMemoryStore();
  await write(store, sql`SELECT 1 AS id`);
  const [, added] = new TextDecoder()
    .decode(await store.get('t/_delta_log/00000000000000000000.json'))
    .split('\n')
    .filter((line) => line.includes('"add"') || line.includes('"metaData"'));
  await store.put(
    't/_delta_log/00000000000000000001.json',
    new TextEncoder().encode(String(added).replace(/"path":"[^"]+"/, '"path":"/etc/hostname"')),
  );
  const remote: ObjectStore = Object.assign(store, { traffic: { requests: 0, bytesRead: 0, bytesWritten: 0 } });
  await expect(rows(remote)).rejects.toMatchObject({
    code: 'STORAGE_UNMAPPED',
    message: expect.stringContaining('/etc/hostname') as string,
  });
});

test('the change feed is refused across a change of the partitioning', async () => {
  await using store = openMemoryStore();
  await write(store, sql`SELECT 1 AS a, 'x' AS p`);
  const log = (version: number) => `t/_delta_log/${String(version).padStart(20, '0')}.json`;
  const lines = new TextDecoder().decode(await store.get(log(0))).split('\n');
  const withFeed = lines.map((line) => line.replace('"configuration":{}', '"configuration":{"delta.enableChangeDataFeed":"true"}'));
  await store.put(log(0), new TextEncoder().encode(withFeed.join('\n')));
  const metadata = String(withFeed.find((line) => line.includes('"metaData"')));
  await store.put(log(1), new TextEncoder().encode(metadata.replace('"partitionColumns":[]', '"partitionColumns":["p"]')));
  const table = await openTable({ store, path: 't', engine });
  await expect(table.changes({ from: 0, to: 0 })).resolves.toBeDefined();
  await expect(table.changes({ from: 0 })).rejects.toMatchObject({
    code: 'DELTA_UNSUPPORTED',
    message: expect.stringContaining('partitioning') as string,
  });
});

test('a new table is empty, of reader version 1 and writer version 2', async () => {
  await using store = openMemoryStore();
  const table = await createTable({ store, path: 't', engine, schema, name: 'notes', properties: { 'delta.checkpointInterval': '5' } });
  expect(await rows(store)).toEqual([]);
  const found = describeTable(await table.snapshot());
  expect(found).toMatchObject({ version: 0, name: 'notes', files: 0, rows: 0, protocol: { minReaderVersion: 1, minWriterVersion: 2 } });
  expect(found.columns).toEqual([
    { name: 'id', type: 'long', nullable: false },
    { name: 'note', type: 'string', nullable: true, comment: 'anything' },
  ]);
  await expect(createTable({ store, path: 't', engine, schema })).rejects.toMatchObject({ code: 'DELTA_CONFLICT' });
  await expect(
    createTable({ store, path: 'u', engine, schema, properties: { 'delta.universalFormat.enabledFormats': 'iceberg' } }),
  ).rejects.toMatchObject({ code: 'DELTA_UNSUPPORTED' });
  const field = { name: 'x', type: 'long', nullable: true, metadata: {} };
  const odd = (changes: object) =>
    createTable({ store, path: 'u', engine, schema: { type: 'struct', fields: [field, { ...field, ...changes }] } });
  await expect(odd({ name: 'X' })).rejects.toMatchObject({ code: 'DELTA_SCHEMA_MISMATCH' });
  await expect(odd({ name: 'a b' })).rejects.toMatchObject({ code: 'DELTA_SCHEMA_MISMATCH' });
  await expect(odd({ name: 'y', type: 'money' })).rejects.toMatchObject({ code: 'DELTA_UNSUPPORTED' });
  await expect(openTable({ store, path: 'u', engine })).rejects.toMatchObject({ code: 'DELTA_NOT_A_TABLE' });
});

test('appends add, overwrites replace, and every version and instant can still be read', async () => {
  await using store = openMemoryStore({ clock: { now: () => new Date((time += 1000)), elapsedMs: () => time } });
  let time = Date.UTC(2026, 0, 1);
  const first = await write(store, sql`SELECT 1 AS a`, { userMetadata: 'first' });
  expect(first).toMatchObject({ version: 0, rowsWritten: 1, filesAdded: 1, filesRemoved: 0, warnings: [] });
  await write(store, sql`SELECT 2 AS a`);
  expect(await write(store, sql`SELECT 3 AS a`, { mode: 'overwrite' })).toMatchObject({ version: 2, filesAdded: 1, filesRemoved: 2 });
  expect(await rows(store)).toEqual([{ a: 3 }]);
  expect(await rows(store, { version: 1 })).toEqual([{ a: 1 }, { a: 2 }]);
  expect(await rows(store, { version: 0 })).toEqual([{ a: 1 }]);
  const table = await openTable({ store, path: 't', engine });
  const history = await table.history();
  expect(history.map(({ version, operation, operationParameters }) => [version, operation, operationParameters['mode']])).toEqual([
    [2, 'WRITE', 'Overwrite'],
    [1, 'WRITE', 'Append'],
    [0, 'WRITE', 'Append'],
  ]);
  expect(history.at(-1)?.userMetadata).toBe('first');
  expect(history[0]?.operationMetrics).toMatchObject({ numOutputRows: '1', numFiles: '1', numRemovedFiles: '2' });
  expect(await table.history({ limit: 1 })).toHaveLength(1);
  for (const { version, timestamp } of history) {
    expect((await table.snapshot({ timestamp })).version).toBe(version);
    expect((await table.snapshot({ timestamp: new Date(timestamp.getTime() + 1) })).version).toBe(version);
  }
  await expect(table.snapshot({ timestamp: new Date(0) })).rejects.toMatchObject({ code: 'DELTA_VERSION_NOT_FOUND' });
  await expect(table.snapshot({ version: 3 })).rejects.toMatchObject({ code: 'DELTA_VERSION_NOT_FOUND' });
});

test('where commits carry their own times, those count', async () => {
  await using store = openMemoryStore();
  await write(store, sql`SELECT 1 AS a`);
  const table = await openTable({ store, path: 't', engine });
  const { metadata } = await table.snapshot();
  const configuration = { 'delta.enableInCommitTimestamps': 'true' };
  const commit = (version: number, time: string, action = {}) =>
    store.put(
      `t/_delta_log/${String(version).padStart(20, '0')}.json`,
      Buffer.from(`${JSON.stringify({ commitInfo: { inCommitTimestamp: Date.parse(time) } })}\n${JSON.stringify(action)}\n`),
    );
  await commit(1, '2090-01-01', { metaData: { ...metadata, configuration } });
  await commit(2, '2091-01-01');
  expect((await table.snapshot({ timestamp: new Date('2090-06-01') })).version).toBe(1);
  expect((await table.snapshot({ timestamp: new Date('2092-06-01') })).version).toBe(2);
  expect((await table.snapshot({ timestamp: new Date('2080-06-01') })).version).toBe(0);
  expect((await table.snapshot()).timestamp.toISOString()).toBe('2091-01-01T00:00:00.000Z');
  expect((await table.history())[0]?.timestamp.toISOString()).toBe('2091-01-01T00:00:00.000Z');
});

test('a query that does not fit is refused, names every column, and leaves nothing', async () => {
  await using store = openMemoryStore();
  await write(store, sql`SELECT 1::INTEGER AS a, 'x' AS b`);
  const before = await paths(store);
  const wrong = write(store, sql`SELECT 'text' AS a, 1 AS c`);
  await expect(wrong).rejects.toMatchObject({
    code: 'DELTA_SCHEMA_MISMATCH',
    message: expect.stringMatching(/a is string in the query and integer in the table.*c integer is not in the table/s) as string,
  });
  await expect(write(store, sql`SELECT 1::BIGINT AS a, 'x' AS b`)).rejects.toMatchObject({ code: 'DELTA_SCHEMA_MISMATCH' });
  await expect(write(store, sql`SELECT 1 AS a, 'x' AS b`, { partitionBy: ['b'] })).rejects.toMatchObject({ code: 'DELTA_SCHEMA_MISMATCH' });
  expect(await paths(store)).toEqual(before);
});

test('columns are matched by name without case, narrower ones are widened, missing ones are NULL', async () => {
  await using store = openMemoryStore();
  await write(store, sql`SELECT 1::BIGINT AS Id, 'x' AS note, 1.50::DECIMAL(19,4) AS amount`);
  await write(store, sql`SELECT 2.5::DECIMAL(5,2) AS AMOUNT, 2::SMALLINT AS ID`);
  const found = await engine.withLease(
    async (lease) =>
      await lease.rows(
        sql`SELECT Id::INTEGER AS id, note, amount::VARCHAR AS amount FROM (${await tableToSql({ store, path: 't', engine })}) AS t ORDER BY 1`,
      ),
  );
  expect(found).toEqual([
    { id: 1, note: 'x', amount: '1.5000' },
    { id: 2, note: null, amount: '2.5000' },
  ]);
});

test('schemaMode merge adds columns, also inside older files; overwrite replaces the schema and the partitioning', async () => {
  await using store = openMemoryStore();
  await write(store, sql`SELECT 1 AS a`);
  await write(store, sql`SELECT 2 AS a, 'new' AS b, {'x': 1} AS s`, { schemaMode: 'merge' });
  expect(await rows(store)).toEqual([expect.objectContaining({ a: 1, b: null, s: null }), expect.objectContaining({ a: 2, b: 'new' })]);
  await write(store, sql`SELECT DATE '2026-01-01' AS day, 'x' AS c`, { mode: 'overwrite', schemaMode: 'overwrite', partitionBy: ['day'] });
  const table = await openTable({ store, path: 't', engine });
  expect((await table.snapshot()).partitionColumns).toEqual(['day']);
  expect((await rows(store)).map((row) => Object.keys(row))).toEqual([['day', 'c']]);
  expect(await rows(store, { version: 0 })).toEqual([{ a: 1 }]);
});

test('what Delta does not have is refused by name, with the cast to write', async () => {
  await using store = openMemoryStore();
  const refused: readonly (readonly [Sql, RegExp])[] = [
    [sql`SELECT 1::UTINYINT AS x`, /UTINYINT/],
    [sql`SELECT uuid() AS x`, /UUID/],
    [sql`SELECT TIME '10:00:00' AS x`, /TIME/],
    [sql`SELECT 1::HUGEINT AS x`, /HUGEINT/],
    [sql`SELECT [{'a': 1::UBIGINT}] AS x`, /UBIGINT/],
    [sql`SELECT INTERVAL 1 DAY AS x`, /INTERVAL/],
    [sql`SELECT 1 AS "a b"`, /a b/],
    [sql`SELECT 1 AS a, 2 AS "A"`, /stands twice/],
    [sql`SELECT DATE 'infinity' AS x`, /infinity/],
  ];
  for (const [query, message] of refused) {
    await expect(write(store, query)).rejects.toMatchObject({
      code: 'DELTA_SCHEMA_MISMATCH',
      message: expect.stringMatching(message) as string,
      hint: expect.any(String) as string,
    });
  }
  expect(await paths(store)).toEqual([]);
});

test('a column that may not be null keeps nulls out', async () => {
  await using store = openMemoryStore();
  await createTable({ store, path: 't', engine, schema });
  await write(store, sql`SELECT 1::BIGINT AS id, NULL::VARCHAR AS note`);
  await expect(write(store, sql`SELECT NULL::BIGINT AS id, 'x' AS note`)).rejects.toMatchObject({ code: 'DELTA_SCHEMA_MISMATCH' });
  await expect(write(store, sql`SELECT 'x' AS note`)).rejects.toMatchObject({ code: 'DELTA_SCHEMA_MISMATCH' });
  expect(await rows(store)).toEqual([{ id: 1n, note: null }]);
});

test('a query without rows makes a version without files', async () => {
  await using store = openMemoryStore();
  expect(await write(store, sql`SELECT 1 AS a WHERE false`)).toMatchObject({ version: 0, filesAdded: 0 });
  expect(await rows(store)).toEqual([]);
  await write(store, sql`SELECT 1 AS a`);
  expect(await write(store, sql`SELECT 1 AS a WHERE false`, { mode: 'overwrite' })).toMatchObject({ filesAdded: 0, filesRemoved: 1 });
  expect(await rows(store)).toEqual([]);
});

test('a query may end in a comment, and begin with WITH', async () => {
  await using store = openMemoryStore();
  await write(store, sql`WITH x AS (SELECT 1 AS a) SELECT a FROM x -- all of it`);
  expect(await rows(store)).toEqual([{ a: 1 }]);
});

test('modes error and ignore leave a table that is there as it is', async () => {
  await using store = openMemoryStore();
  await write(store, sql`SELECT 1 AS a`, { mode: 'error' });
  await expect(write(store, sql`SELECT 2 AS a`, { mode: 'error' })).rejects.toMatchObject({ code: 'STORAGE_EXISTS' });
  expect(await write(store, sql`SELECT 2 AS a`, { mode: 'ignore' })).toMatchObject({ version: 0, rowsWritten: 0 });
  expect(await rows(store)).toEqual([{ a: 1 }]);
});

test('partitions are pruned, and more than a few still give the right values', async () => {
  await using store = openMemoryStore();
  await write(store, sql`SELECT i::INTEGER AS i, CASE WHEN i % 50 = 0 THEN NULL ELSE 'p' || (i % 50) END AS p FROM range(200) r(i)`, {
    partitionBy: ['p'],
  });
  const snapshot = await (await openTable({ store, path: 't', engine })).snapshot();
  expect(snapshot.files.count).toBe(50);
  const one = snapshot.scan({ filter: [{ column: 'p', op: '=', value: 'p7' }] });
  expect(one).toMatchObject({ skipped: { byPartition: 49, byStatistics: 0 } });
  const answer = async (query: Sql) =>
    await engine.withLease(
      async (lease) =>
        await lease.rows(sql`SELECT p, list(i ORDER BY i)::VARCHAR AS i FROM (${query}) AS t GROUP BY p ORDER BY p NULLS FIRST`),
    );
  expect(await answer(await planToSql(one, store))).toEqual([{ p: 'p7', i: '[7, 57, 107, 157]' }]);
  const all = await answer(await planToSql(snapshot.scan({ columns: ['p', 'i'] }), store));
  expect(all).toHaveLength(50);
  for (const { p, i } of all) expect(String(i)).toMatch(p === null ? /^\[0, 50,/ : new RegExp(`^\\[${String(p).slice(1)}, `));
});

test('the columns asked for come in the order asked for; one that is not there is named', async () => {
  await using store = openMemoryStore();
  await write(store, sql`SELECT 1 AS a, 2 AS b, 3 AS c`);
  const snapshot = await (await openTable({ store, path: 't', engine })).snapshot();
  const query = await planToSql(snapshot.scan({ columns: ['C', 'a'] }), store);
  expect(await engine.withLease(async (lease) => await lease.rows(query))).toEqual([{ c: 3, a: 1 }]);
  expect(() => snapshot.scan({ columns: ['nope'] })).toThrow(
    expect.objectContaining({ code: 'DELTA_SCHEMA_MISMATCH', message: expect.stringContaining('nope') as string }),
  );
});

test("a path and a column with DuckDB's special characters are taken as they are", async () => {
  await using store = openMemoryStore();
  const path = "odd [x]*?'%20/t";
  await engine.withLease(
    async (lease) =>
      await writeTable({
        store,
        path,
        engine,
        lease,
        query: sql`SELECT 1 AS "it's", 'v' AS "sel""ect"`,
        mode: 'append',
        partitionBy: ['sel"ect'],
      }),
  );
  expect(await rows(store, {}, path)).toEqual([{ "it's": 1, 'sel"ect': 'v' }]);
});
