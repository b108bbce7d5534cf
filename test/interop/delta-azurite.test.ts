import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type LakesteadError, Secret } from '#core';
import { type DeltaTable, openTable, planToSql, writeTable } from '#delta';
import { type Engine, openDuckdbEngine } from '#engine';
import { sql, unsafeSql } from '#sql';
import { type ObjectStore, openAzureStore, RemoteCache } from '#storage';

import { type Azurite, findAzurite, startAzurite } from '../services/azurite.ts';

const writers = 8;
const commitsEach = 5;

describe.runIf(findAzurite())('a Delta table on Azurite', () => {
  let azurite: Azurite;
  let engine: Engine;
  const caches: RemoteCache[] = [];
  beforeAll(async () => {
    azurite = await startAzurite();
    engine = await openDuckdbEngine({ maxLeases: 16 });
  });
  afterAll(async () => {
    for (const cache of caches) await cache[Symbol.asyncDispose]();
    await engine[Symbol.asyncDispose]();
    await azurite[Symbol.asyncDispose]();
  });

  /** A client of its own: what one writer knows, another does not. */
  const client = async (): Promise<ObjectStore> => {
    const cache = await RemoteCache.open();
    caches.push(cache);
    const key = new Secret(azurite.accountKey, 'test');
    const settings = { account: azurite.account, endpoint: azurite.endpoint, container: 'delta' };
    return await openAzureStore({ ...settings, credential: { kind: 'accountKey', key } }, cache);
  };
  const rowsOf = async (table: DeltaTable, options: { version?: number; columns?: string[] } = {}) =>
    await engine.withLease(async (lease) => {
      const { columns, ...at } = options;
      const query = await planToSql((await table.snapshot({ ...at, lease })).scan({ columns }), table.store, { scope: lease });
      return await lease.rows(sql`SELECT * FROM (${query}) ORDER BY ALL`);
    });

  test('is created, appended to, overwritten, checkpointed and read at every version, by another client too', async () => {
    const location = { store: await client(), path: 'sales/t', engine };
    const query = (from: number, to: number) => sql`SELECT range::INTEGER AS id, 'p' || (range % 2) AS p FROM range(${from}, ${to})`;
    await engine.withLease(async (lease) => {
      await writeTable({ ...location, query: query(0, 3), mode: 'error', lease, partitionBy: ['p'] });
      const table = await openTable(location);
      await table.append(query(3, 5), { lease });
      await table.overwrite(query(10, 12), { lease });
      await table.checkpoint();
      await table.append(query(20, 21), { lease });
    });
    const other = await openTable({ ...location, store: await client() });
    const ids = async (version?: number) =>
      (await rowsOf(other, version === undefined ? {} : { version })).map((row) => row['id']).toSorted((a, b) => Number(a) - Number(b));
    expect(await ids()).toEqual([10, 11, 20]);
    expect(await ids(0)).toEqual([0, 1, 2]);
    expect(await ids(1)).toEqual([0, 1, 2, 3, 4]);
    expect(await ids(2)).toEqual([10, 11]);
    expect((await other.history()).map(({ operation }) => operation)).toEqual(['WRITE', 'WRITE', 'WRITE', expect.any(String)]);
  });

  test('of 8 writers at one log exactly one wins each version; no row is lost or doubled', { timeout: 120_000 }, async () => {
    const path = 'race/t';
    await engine.withLease(async (lease) => {
      await writeTable({ store: await client(), path, engine, query: sql`SELECT -1 AS writer, -1 AS turn`, mode: 'error', lease });
    });
    const versions = await Promise.all(
      Array.from({ length: writers }, async (_, writer) => {
        const table = await openTable({ store: await client(), path, engine });
        const mine: number[] = [];
        await engine.withLease(async (lease) => {
          for (let turn = 0; turn < commitsEach; turn += 1)
            mine.push((await table.append(sql`SELECT ${writer}::INTEGER AS writer, ${turn}::INTEGER AS turn`, { lease })).version);
        });
        return mine;
      }),
    );
    const total = writers * commitsEach;
    expect(versions.flat().toSorted((a, b) => a - b)).toEqual(Array.from({ length: total }, (_, index) => index + 1));
    const table = await openTable({ store: await client(), path, engine });
    const rows = (await rowsOf(table)).map((row) => `${String(row['writer'])} ${String(row['turn'])}`);
    expect(rows).toHaveLength(total + 1);
    expect(new Set(rows).size).toBe(total + 1);
    // Each version holds one row more than the one before: history is one line.
    for (const version of [0, 1, total / 2, total]) expect(await rowsOf(table, { version })).toHaveLength(version + 1);
  });

  test('of 8 overwrites of one version one wins, the others are DELTA_CONFLICT and leave nothing', { timeout: 60_000 }, async () => {
    const path = 'race/overwrite';
    await engine.withLease(async (lease) => {
      await writeTable({ store: await client(), path, engine, query: sql`SELECT -1 AS writer`, mode: 'error', lease });
    });
    const tables = await Promise.all(Array.from({ length: writers }, async () => await openTable({ store: await client(), path, engine })));
    await Promise.all(tables.map(async (table) => await table.snapshot()));
    const results = await Promise.allSettled(
      tables.map(
        async (table, writer) =>
          await engine.withLease(async (lease) => await table.overwrite(sql`SELECT ${writer}::INTEGER AS writer`, { lease })),
      ),
    );
    const lost = results.filter((result) => result.status === 'rejected');
    for (const { reason } of lost) expect((reason as LakesteadError).code).toBe('DELTA_CONFLICT');
    const won = results.length - lost.length;
    expect(won).toBeGreaterThan(0);
    const [first] = tables;
    if (first === undefined) throw new Error('no table');
    expect((await first.snapshot()).version).toBe(won);
    expect(await rowsOf(first)).toHaveLength(1);
  });

  test(
    'two columns of a wide table: only their chunks travel, and a second reader asks for none of them',
    { timeout: 60_000 },
    async () => {
      const columns = Array.from({ length: 50 }, (_, index) => `(hash(range * 53 + ${index}) >> 1)::BIGINT AS c${index}`).join(', ');
      const path = 'wide/t';
      const writer = await client();
      await engine.withLease(async (lease) => {
        await writeTable({ store: writer, path, engine, query: sql`SELECT ${unsafeSql(columns)} FROM range(60000)`, mode: 'error', lease });
      });
      const store = await client();
      const table = await openTable({ store, path, engine });
      const { bytes } = (await table.snapshot()).scan();
      const before = store.traffic?.bytesRead ?? 0;
      const rows = await rowsOf(table, { columns: ['c7', 'c31'] });
      expect(rows).toHaveLength(60_000);
      const fetched = (store.traffic?.bytesRead ?? 0) - before;
      // Two of fifty columns of the same size, and the footer.
      expect(fetched).toBeGreaterThanOrEqual(bytes / 25 - 50_000);
      expect(fetched).toBeLessThan(bytes / 25 + 100_000);
      const requests = store.traffic?.requests ?? 0;
      expect(await rowsOf(table, { columns: ['c31'] })).toHaveLength(60_000);
      expect((store.traffic?.bytesRead ?? 0) - before - fetched).toBe(0);
      expect((store.traffic?.requests ?? 0) - requests).toBeLessThanOrEqual(3);
    },
  );
});
