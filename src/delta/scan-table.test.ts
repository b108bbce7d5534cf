import { afterAll, beforeAll, expect, test } from 'vitest';

import { type Condition, conditionsOf, createTable, forgetSnapshot, openTable, summarisePlan, writeTable } from '#delta';
import { type Engine, openDuckdbEngine } from '#engine';
import { sql, unsafeSql } from '#sql';
import { openMemoryStore } from '#storage';

import { commitPath } from './log-segment.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openDuckdbEngine({ threads: 2 });
});
afterAll(async () => await engine[Symbol.asyncDispose]());

const field = (name: string, type: string) => ({ name, type, nullable: true, metadata: {} });
const schema = { type: 'struct' as const, fields: [field('id', 'long'), field('day', 'date'), field('a/b~c', 'string')] };

const addOf = (index: number) => ({
  add: {
    path: `p=${index % 4}/part-${index}%20.parquet`,
    partitionValues: { day: index % 4 === 3 ? null : `2026-01-0${(index % 4) + 1}` },
    size: 1000 + index,
    modificationTime: 1_700_000_000_000,
    dataChange: true,
    // Some files say nothing of themselves, and of some it is no JSON.
    ...(index % 1000 === 7
      ? {}
      : { stats: index % 1000 === 9 ? '{"numRecords":' : JSON.stringify({ numRecords: 10, minValues: { id: index * 10, 'a/b~c': `x${index % 50}` }, maxValues: { id: index * 10 + 9, 'a/b~c': `x${index % 50}z` }, nullCount: { id: 0, 'a/b~c': index % 2 } }) }), // prettier-ignore
  },
});

test('of a long list in a checkpoint a scan opens the files that can match, and counts the others as the whole list does', async () => {
  await using store = openMemoryStore();
  const location = { store, path: 't', engine };
  await createTable({ ...location, schema, partitionBy: ['day'] });
  const commit = async (version: number, actions: readonly object[]) =>
    await store.put(commitPath('t', version), Buffer.from(actions.map((action) => JSON.stringify(action)).join('\n')));
  await commit(1, [{ commitInfo: { timestamp: 0, operation: 'WRITE' } }, ...Array.from({ length: 12_000 }, (_, index) => addOf(index))]);
  const table = await openTable(location);
  await table.checkpoint();
  const removed = [5, 500, 11_999].map((index) => ({ remove: { path: addOf(index).add.path, dataChange: true, deletionTimestamp: 0 } }));
  await commit(2, [{ commitInfo: { timestamp: 0, operation: 'WRITE' } }, ...removed, addOf(12_001), addOf(12_002)]);
  forgetSnapshot(location);

  for (const text of ['id = 5005', 'id BETWEEN 40 AND 60', "day = DATE '2026-01-02' AND id < 1000", 'day IS NULL AND id > 119000', "t.day <> DATE '2026-01-01'", 'id IN (3, 77777, 120015)', 'id IS NULL', 'NOT (id < 119900)', 'id = 50 OR id = 120025', `"a/b~c" < 'x1'`, `"a/b~c" IS NULL AND id > 5`, 'id + 1 = 5']) {
    const filter = unsafeSql(text);
    await using lease = await engine.lease();
    const scan = await table.scan({ filter, lease });
    const conditions: readonly Condition[] = await conditionsOf(filter, { schema, as: 't' }, { lease });
    const whole = await table.snapshot({ lease });
    const plan = whole.scan({ filter: conditions });
    forgetSnapshot(location); // so that the next scan opens the log again
    const { byPartition, byStatistics } = scan.summary.leftOut;
    expect({ text, ...scan.summary, leftOut: byPartition + byStatistics }).toEqual({ text, ...summarisePlan(plan, whole), leftOut: plan.skipped.byPartition + plan.skipped.byStatistics }); // prettier-ignore
    expect(scan.summary.leftOut.byPartition).toBe(plan.skipped.byPartition);
    const paths = (files: readonly { readonly path: string }[]) => files.map(({ path }) => path).toSorted();
    expect([text, ...paths(scan.plan.files)]).toEqual([text, ...paths(plan.files)]);
  } // prettier-ignore
  expect(await table.scan({ filter: sql`id = 5` })).toMatchObject({ summary: { totalFiles: 11_999 } });
  expect((await table.snapshot()).files).toMatchObject({ count: 11_999, leftOut: undefined });
});

test('rows come by columns and a condition, as SQL and in batches, of any version', async () => {
  await using store = openMemoryStore();
  const location = { store, path: 't', engine };
  await using lease = await engine.lease();
  await writeTable({
    ...location,
    lease,
    mode: 'append',
    query: sql`SELECT i AS id, i % 7 AS kind, 'n' || i AS name FROM range(5000) r(i)`,
  });
  const table = await openTable(location);
  await table.delete(sql`id >= 4000`, { lease });
  const scan = await table.scan({ columns: ['name', 'id'], filter: sql`t.kind = ${3} AND id < 100`, lease });
  expect(await lease.rows(sql`SELECT min(name) AS name, count(*)::INTEGER AS n FROM (${await scan.relation()}) AS s`)).toEqual([
    { name: 'n10', n: 14 },
  ]);
  const ids: unknown[] = [];
  for await (const { columns } of scan.batches()) ids.push(...(columns[1] ?? []));
  expect(ids.map(Number).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 14 }, (_, index) => 3 + 7 * index));
  expect(scan.plan.columns.map(({ name }) => name)).toEqual(['name', 'id']);
  const rowsOf = async (options: Parameters<typeof table.scan>[0]) => {
    let count = 0;
    for await (const { rowCount } of (await table.scan(options)).batches()) count += rowCount;
    return count;
  };
  expect([await rowsOf({}), await rowsOf({ version: 0 }), await rowsOf({ lease })]).toEqual([4000, 5000, 4000]);
  await expect(table.scan({ columns: ['nothing'] })).rejects.toMatchObject({ code: 'DELTA_SCHEMA_MISMATCH' });
});
