import { afterAll, beforeAll, expect, test } from 'vitest';

import { checkTable, openTable, writeTable } from '#delta';
import { type Engine, openDuckdbEngine } from '#engine';
import { sql } from '#sql';
import { type ObjectStore, openMemoryStore } from '#storage';

let engine: Engine;
beforeAll(async () => {
  engine = await openDuckdbEngine({ threads: 2 });
});
afterAll(async () => await engine[Symbol.asyncDispose]());

const logFile = (version: number) => `t/_delta_log/${String(version).padStart(20, '0')}.json`;

/** A table of two files, with values that statistics have trouble with. */
async function make(): Promise<ObjectStore & AsyncDisposable> {
  const store = openMemoryStore();
  for (const from of [0, 10])
    await engine.withLease(async (lease) => {
      const query = sql`SELECT ${from}::INTEGER + i::INTEGER AS id, repeat('ä', 40) || i AS text, CASE i WHEN 1 THEN 'NaN'::DOUBLE ELSE i / 3 END AS x,
          CASE WHEN i % 2 = 0 THEN DATE '0001-01-01' + i::INTEGER END AS day, NULL::BIGINT AS never, 'p' || (i % 1) AS p, {'a': i} AS s FROM range(5) r(i)`;
      await writeTable({ store, path: 't', engine, lease, mode: 'append', partitionBy: ['p'], query });
    });
  return store;
}

async function check(store: ObjectStore) {
  return await engine.withLease((lease) => checkTable({ store, path: 't', engine }, { lease }));
}

/** Changes the text of a commit. */
async function edit(store: ObjectStore, version: number, change: (text: string) => string): Promise<void> {
  const before = new TextDecoder().decode(await store.get(logFile(version)));
  const after = change(before);
  expect(after).not.toBe(before);
  await store.put(logFile(version), new TextEncoder().encode(after));
}

test('a table as it was written has no faults, after changes too', async () => {
  await using store = await make();
  expect(await check(store)).toEqual({ version: 1, files: 2, findings: [] });
  const table = await openTable({ store, path: 't', engine });
  await engine.withLease((lease) => table.update({ id: sql`id + 1` }, sql`id > 12`, { lease }));
  await engine.withLease((lease) => table.optimize({ lease }));
  expect(await check(store)).toMatchObject({ version: 3, files: 1, findings: [] });
});

test('a file that is missing, of another size, or no Parquet', async () => {
  await using store = await make();
  const [first = '', second = ''] = (await (await openTable({ store, path: 't', engine })).snapshot()).files.paths;
  const bytes = await store.get(`t/${first}`);
  await store.put(`t/${first}`, bytes.toReversed());
  const others = await store.get(`t/${second}`);
  await store.put(`t/${second}`, others.subarray(1));
  expect((await check(store)).findings).toMatchObject([
    { kind: 'file', file: first, problem: expect.stringContaining('cannot be read') as string },
    { kind: 'size', file: second, problem: `the file has ${others.length - 1} bytes, and the log says ${others.length}` },
  ]);
  await store.delete(`t/${first}`);
  expect((await check(store)).findings[0]).toMatchObject({ kind: 'file', file: first, problem: 'the file is missing' });
});

test('statistics that would hide rows, or count wrong', async () => {
  for (const [from, to, problem] of [
    ['\\"numRecords\\":5', '\\"numRecords\\":6', 'the file has 5 rows, and its statistics say 6'],
    ['\\"id\\":4', '\\"id\\":3', 'id has the value 4, which its statistics leave out'],
    ['\\"id\\":0,', '\\"id\\":1,', 'id has the value 0, which its statistics leave out'],
    ['\\"day\\":\\"0001-01-05\\"', '\\"day\\":\\"0001-01-04\\"', 'day has the value 0001-01-05, which its statistics leave out'],
    ['\\"day\\":2', '\\"day\\":0', 'day is null in 2 rows, and its statistics say 0'],
    ['\\"never\\":5', '\\"never\\":4', 'never is null in 5 rows, and its statistics say 4'],
  ] as const) {
    await using store = await make();
    await edit(store, 0, (text) => text.replace(from, to));
    const { findings } = await check(store);
    expect(findings.map((finding) => finding.problem)).toContain(problem);
  }
});

test('a log with a gap, or that cannot be read', async () => {
  await using store = await make();
  const table = await openTable({ store, path: 't', engine });
  await engine.withLease((lease) => table.append(sql`SELECT 1 AS id`, { lease }));
  await engine.withLease((lease) => table.checkpoint({ lease }));
  await store.delete(logFile(1));
  expect((await check(store)).findings).toMatchObject([{ kind: 'log', problem: expect.stringContaining('version 1') as string }]);
  await using broken = await make();
  await broken.put(logFile(1), new TextEncoder().encode('{"add":'));
  expect(await check(broken)).toMatchObject({ version: -1, findings: [{ kind: 'log' }] });
});
