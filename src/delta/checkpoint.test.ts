import { afterAll, beforeAll, expect, test } from 'vitest';

import { openTable, tableToSql, writeTable, type WriteMode } from '#delta';
import { type Engine, openDuckdbEngine } from '#engine';
import { type Sql, sql } from '#sql';
import { type ObjectStore, openMemoryStore } from '#storage';

let engine: Engine;
beforeAll(async () => {
  engine = await openDuckdbEngine({ threads: 2 });
});
afterAll(async () => await engine[Symbol.asyncDispose]());

async function write(store: ObjectStore, query: Sql, mode: WriteMode = 'append') {
  return await engine.withLease(
    async (lease) => await writeTable({ store, path: 't', engine, lease, query, mode, partitionBy: mode === 'error' ? ['p'] : undefined }),
  );
}

async function numbers(store: ObjectStore, version?: number): Promise<number[]> {
  const query = await tableToSql({ store, path: 't', engine }, { version });
  return (
    await engine.withLease(
      async (lease) => await lease.rows(sql`SELECT a FROM (${query}) AS t WHERE p IS NULL OR p = 'x ' || a ORDER BY a`),
    )
  ).map(({ a }) => Number(a));
}

const log = (version: number, rest = 'json') => `t/_delta_log/${String(version).padStart(20, '0')}.${rest}`;
const row = (value: number) =>
  sql`SELECT ${value}::INTEGER AS a, CASE WHEN ${value}::INTEGER % 4 = 0 THEN NULL ELSE 'x ' || ${value}::INTEGER END AS p`;
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

/** 12 versions, each with one row more; a copy, so that nothing is known of it. */
async function tableOfTwelve(): Promise<ObjectStore & AsyncDisposable> {
  const store = openMemoryStore();
  await write(store, row(0), 'error');
  for (let value = 1; value < 12; value += 1) expect(await write(store, row(value))).toMatchObject({ warnings: [] });
  return store;
}

/** The same objects in a store that nobody has read yet. */
async function copyOf(store: ObjectStore): Promise<ObjectStore & AsyncDisposable> {
  const copy = openMemoryStore();
  for await (const { path } of store.list('')) await copy.put(path, await store.get(path));
  return copy;
}

test('every tenth commit writes a checkpoint, from which the table reads the same without the commits before it', async () => {
  await using store = await tableOfTwelve();
  expect(JSON.parse(new TextDecoder().decode(await store.get('t/_delta_log/_last_checkpoint')))).toMatchObject({
    version: 10,
    numOfAddFiles: 11,
  });
  for (let version = 0; version <= 10; version += 1) await store.delete(log(version));
  await using copy = await copyOf(store);
  expect(await numbers(copy)).toEqual(upTo(12));
  expect(await numbers(copy, 10)).toEqual(upTo(11));
  const snapshot = await (await openTable({ store: copy, path: 't', engine })).snapshot();
  expect(snapshot).toMatchObject({ version: 11, checkpointVersion: 10, partitionColumns: ['p'] });
  expect(snapshot.files.stats.every((stats) => stats?.includes('"numRecords":1'))).toBe(true);
  await expect(numbers(copy, 9)).rejects.toMatchObject({ code: 'DELTA_VERSION_NOT_FOUND' });
  // The next checkpoint starts from this one.
  for (let value = 12; value < 21; value += 1) await write(copy, row(value));
  await using later = await copyOf(copy);
  for (let version = 11; version < 20; version += 1) await later.delete(log(version));
  expect(await numbers(later)).toEqual(upTo(21));
});

test('a missing, damaged or wrong hint costs nothing but a listing', async () => {
  await using store = await tableOfTwelve();
  for (const hint of [undefined, '', '{"version":', '{"version": 5}', '{"version": 99}', '[]', '{"version": "10"}']) {
    await using copy = await copyOf(store);
    if (hint === undefined) await copy.delete('t/_delta_log/_last_checkpoint');
    else await copy.put('t/_delta_log/_last_checkpoint', Buffer.from(hint));
    expect(await numbers(copy)).toEqual(upTo(12));
  }
});

test('a log with a gap, or with a damaged line, is DELTA_CORRUPT and names it', async () => {
  await using store = await tableOfTwelve();
  await store.delete(log(10, 'checkpoint.parquet'));
  await using gap = await copyOf(store);
  await gap.delete(log(4));
  await expect(numbers(gap)).rejects.toMatchObject({ code: 'DELTA_CORRUPT', data: { missingVersion: 4 } });
  expect(await numbers(gap, 3)).toEqual(upTo(4));
  await using cut = await copyOf(store);
  const commit = await cut.get(log(6));
  await cut.put(log(6), commit.slice(0, commit.length - 20));
  await expect(numbers(cut)).rejects.toMatchObject({
    code: 'DELTA_CORRUPT',
    message: expect.stringMatching(/00006\.json, line \d+ is no JSON/) as string,
  });
  await using foreign = await copyOf(store);
  await foreign.put(log(6), Buffer.from('{"add":{"path":7}}\n'));
  await expect(numbers(foreign)).rejects.toMatchObject({
    code: 'DELTA_CORRUPT',
    message: expect.stringMatching(/line 1 is no action/) as string,
  });
});

test('an incomplete checkpoint of several parts is passed over', async () => {
  await using store = await tableOfTwelve();
  await using copy = await copyOf(store);
  await copy.put(log(11, 'checkpoint.0000000001.0000000002.parquet'), await store.get(log(10, 'checkpoint.parquet')));
  await copy.put('t/_delta_log/_last_checkpoint', Buffer.from('{"version":11,"size":1,"parts":2}'));
  expect(await numbers(copy)).toEqual(upTo(12));
});

test('a checkpoint lists the files that an overwrite removed, without their rows', async () => {
  await using store = await tableOfTwelve();
  await write(store, row(50), 'overwrite');
  const table = await openTable({ store, path: 't', engine });
  expect(await table.checkpoint()).toEqual({ version: 12 });
  await using copy = await copyOf(store);
  for (let version = 0; version <= 12; version += 1) await copy.delete(log(version));
  expect(await numbers(copy)).toEqual([50]);
  const file = await copy.readable(log(12, 'checkpoint.parquet'));
  const [found] = await engine.withLease(
    async (lease) =>
      await lease.rows(
        sql`SELECT count("remove".path)::INTEGER AS removes, count("add".path)::INTEGER AS adds, count(metaData.id)::INTEGER AS metadata FROM read_parquet(${file})`,
      ),
  );
  expect(found).toEqual({ removes: 12, adds: 1, metadata: 1 });
});

test('a table with a feature that we do not write is refused for writing by name, and still read', async () => {
  await using store = await tableOfTwelve();
  const features = ['changeDataFeed', 'icebergCompatV1', 'collations-preview'];
  await store.put(
    log(12),
    Buffer.from(`{"protocol":{"minReaderVersion":1,"minWriterVersion":7,"writerFeatures":${JSON.stringify(features)}}}\n`),
  );
  expect(await numbers(store)).toEqual(upTo(12));
  await expect(write(store, row(1))).rejects.toMatchObject({
    code: 'DELTA_UNSUPPORTED',
    data: { features: ['icebergCompatV1', 'collations'] },
  });
  await store.put(
    log(13),
    Buffer.from('{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["wormhole"],"writerFeatures":["wormhole"]}}\n'),
  );
  await expect(numbers(store)).rejects.toMatchObject({ code: 'DELTA_UNSUPPORTED', data: { features: ['wormhole'] } });
});

test('log compaction files stand for commits that are gone', async () => {
  await using store = await tableOfTwelve();
  for (let version = 10; version < 12; version += 1) await write(store, row(100 + version), version === 10 ? 'overwrite' : 'append');
  await using copy = await copyOf(store);
  for await (const { path } of store.list('t/_delta_log')) if (/checkpoint|crc/.test(path)) await copy.delete(path);
  const lines = async (version: number) =>
    new TextDecoder()
      .decode(await store.get(log(version)))
      .trim()
      .split('\n');
  const compact = async (from: number, to: number, skip: (line: string) => boolean) => {
    const all = (await Promise.all(upTo(to - from + 1).map(async (index) => await lines(from + index)))).flat();
    await copy.put(log(from, `${String(to).padStart(20, '0')}.compacted.json`), Buffer.from(all.filter((line) => !/"commitInfo"/.test(line) && !skip(line)).join('\n')));
  }; // prettier-ignore
  await compact(2, 4, () => false);
  await compact(2, 6, () => false);
  // Adds that a remove of the same file follows are left out of a compaction; the remove stays.
  const removed = new Set((await lines(12)).flatMap((line) => /"remove":\{"path":"([^"]+)"/.exec(line)?.[1] ?? []));
  await compact(7, 13, (line) => /"add"/.test(line) && removed.has(/"path":"([^"]+)"/.exec(line)?.[1] ?? ''));
  for (const version of [2, 3, 4, 5, 6, 8, 12]) await copy.delete(log(version));
  expect(await numbers(copy)).toEqual([110, 111]);
  expect(await numbers(copy, 7)).toEqual(upTo(8));
  const whole = await (await openTable({ store, path: 't', engine })).snapshot();
  const opened = await (await openTable({ store: copy, path: 't', engine })).snapshot();
  expect(opened.version).toBe(13);
  expect(opened.files.paths.toSorted()).toEqual(whole.files.paths.toSorted());
  // In the middle of what is compacted nothing says what the table was.
  await expect(numbers(copy, 9)).rejects.toMatchObject({ code: 'DELTA_CORRUPT', data: { missingVersion: 8 } });
  expect(await write(copy, row(200))).toMatchObject({ version: 14 });
  // One that contradicts itself is passed over where the commits are there, and refused where they are not.
  await using odd = await copyOf(store);
  for await (const { path } of store.list('t/_delta_log')) if (/checkpoint|crc/.test(path)) await odd.delete(path);
  const both = [...(await lines(12)), ...(await lines(3))].filter((line) => !/"commitInfo"/.test(line));
  await odd.put(log(3, `${String(12).padStart(20, '0')}.compacted.json`), Buffer.from(both.join('\n')));
  expect(await numbers(odd)).toEqual([110, 111]);
  await odd.delete(log(5));
  await using cold = await copyOf(odd);
  await expect(numbers(cold)).rejects.toMatchObject({ code: 'DELTA_CORRUPT' });
  expect(await numbers(copy)).toEqual([110, 111, 200]);
});
