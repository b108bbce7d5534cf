import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type DeltaTable, openTable, tableToSql, writeTable, type WriteMode } from '#delta';
import { type Engine, type Lease, openDuckdbEngine } from '#engine';
import { LakesteadError } from '#core';
import { literal, type Sql, sql } from '#sql';
import { type ObjectStore, openMemoryStore } from '#storage';

let engine: Engine;
beforeAll(async () => {
  engine = await openDuckdbEngine({ threads: 2 });
});
afterAll(async () => await engine[Symbol.asyncDispose]());

async function write(store: ObjectStore, query: Sql, mode: WriteMode = 'append') {
  return await engine.withLease(async (lease) => await writeTable({ store, path: 't', engine, lease, query, mode }));
}

async function numbers(store: ObjectStore, version?: number): Promise<number[]> {
  const query = await tableToSql({ store, path: 't', engine }, { version });
  return (await engine.withLease(async (lease) => await lease.rows(sql`SELECT a FROM (${query}) AS t ORDER BY a`))).map(({ a }) =>
    Number(a),
  );
}

async function paths(store: ObjectStore): Promise<string[]> {
  const found: string[] = [];
  for await (const { path } of store.list('')) found.push(path);
  return found;
}

/** A store whose calls can be played with: what is given replaces the call of that name. */
function withCalls(store: ObjectStore, calls: Partial<ObjectStore>): ObjectStore {
  return new Proxy(store, {
    get: (target, name: keyof ObjectStore) => {
      const call = calls[name] ?? target[name];
      return typeof call === 'function' ? call.bind(target) : call;
    },
  });
}

test('appends of many writers at the same time all arrive, each once', async () => {
  await using store = openMemoryStore();
  await write(store, sql`SELECT 0 AS a`);
  const results = await Promise.all(
    Array.from({ length: 12 }, async (_, writer) => await write(store, sql`SELECT ${writer + 1}::INTEGER AS a`)),
  );
  expect(results.map(({ version }) => version).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, index) => index + 1));
  expect(await numbers(store)).toEqual(Array.from({ length: 13 }, (_, index) => index));
});

test('an overwrite that was overtaken is DELTA_CONFLICT, and its files are gone', async () => {
  await using memory = openMemoryStore();
  await write(memory, sql`SELECT 1 AS a`);
  let isOvertaken = false;
  const store = withCalls(memory, {
    putIfAbsent: async (path, bytes) => {
      if (!isOvertaken) {
        isOvertaken = true;
        await write(memory, sql`SELECT 2 AS a`);
      }
      await memory.putIfAbsent(path, bytes);
    },
  });
  await expect(write(store, sql`SELECT 3 AS a`, 'overwrite')).rejects.toMatchObject({
    code: 'DELTA_CONFLICT',
    retryable: true,
    data: { version: 1 },
  });
  expect(await numbers(memory)).toEqual([1, 2]);
  expect((await paths(memory)).filter((path) => path.endsWith('.parquet'))).toHaveLength(2);
  expect(await write(store, sql`SELECT 3 AS a`, 'overwrite')).toMatchObject({ version: 2 });
  expect(await numbers(memory)).toEqual([3]);
});

test('an append goes on over an overwrite that was first, but not over a change of the schema', async () => {
  await using memory = openMemoryStore();
  await write(memory, sql`SELECT 1 AS a`);
  const overtakenBy = (first: () => Promise<unknown>) => {
    let isOvertaken = false;
    return withCalls(memory, {
      putIfAbsent: async (path, bytes) => {
        if (!isOvertaken) {
          isOvertaken = true;
          await first();
        }
        await memory.putIfAbsent(path, bytes);
      },
    });
  };
  const overwritten = overtakenBy(async () => await write(memory, sql`SELECT 10 AS a`, 'overwrite'));
  expect(await write(overwritten, sql`SELECT 2 AS a`)).toMatchObject({ version: 2 });
  expect(await numbers(memory)).toEqual([2, 10]);
  const changed = overtakenBy(async () => {
    await engine.withLease(
      async (lease) =>
        await writeTable({
          store: memory,
          path: 't',
          engine,
          lease,
          query: sql`SELECT 4 AS a, 5 AS b`,
          mode: 'append',
          schemaMode: 'merge',
        }),
    );
  });
  await expect(write(changed, sql`SELECT 3 AS a`)).rejects.toMatchObject({
    code: 'DELTA_CONFLICT',
    message: expect.stringContaining('schema') as string,
  });
  expect(await numbers(memory)).toEqual([2, 4, 10]);
});

test('of two that create a table one wins, and the other says so', async () => {
  await using store = openMemoryStore();
  const results = await Promise.allSettled([write(store, sql`SELECT 1 AS a`, 'error'), write(store, sql`SELECT 2 AS a`, 'error')]);
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(results.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'DELTA_CONFLICT' } });
  expect(await numbers(store)).toHaveLength(1);
});

test('a commit whose answer was lost is recognised as ours', async () => {
  await using memory = openMemoryStore();
  await write(memory, sql`SELECT 1 AS a`);
  let losses = 2;
  const store = withCalls(memory, {
    putIfAbsent: async (path, bytes) => {
      await memory.putIfAbsent(path, bytes);
      if ((losses -= 1) >= 0) throw new LakesteadError(losses === 1 ? 'STORAGE_EXISTS' : 'STORAGE_FAILED', 'the answer was lost');
    },
  });
  expect(await write(store, sql`SELECT 2 AS a`)).toMatchObject({ version: 1 });
  expect(await write(store, sql`SELECT 3 AS a`)).toMatchObject({ version: 2 });
  expect(await numbers(memory)).toEqual([1, 2, 3]);
});

test('a write that the storage refuses leaves the table as it was', async () => {
  await using memory = openMemoryStore();
  await write(memory, sql`SELECT 1 AS a`);
  const full = withCalls(memory, { putIfAbsent: async () => await Promise.reject(new LakesteadError('DISK_FULL', 'no room')) });
  await expect(write(full, sql`SELECT 2 AS a`)).rejects.toMatchObject({ code: 'DISK_FULL' });
  expect(await numbers(memory)).toEqual([1]);
  expect((await paths(memory)).filter((path) => path.endsWith('.parquet'))).toHaveLength(1);
});

test('refreshing a snapshot costs one listing, and one read for each new commit', async () => {
  await using memory = openMemoryStore();
  await write(memory, sql`SELECT 1 AS a`);
  const counts = { list: 0, get: 0, find: 0 };
  const store = withCalls(memory, {
    list: (prefix, options) => {
      counts.list += 1;
      return memory.list(prefix, options);
    },
    get: async (path, range) => {
      counts.get += 1;
      return await memory.get(path, range);
    },
  });
  const table = await openTable({ store, path: 't', engine });
  const first = await table.snapshot();
  Object.assign(counts, { list: 0, get: 0 });
  expect(await table.snapshot()).toBe(first);
  expect(counts).toMatchObject({ list: 1, get: 0 });
  await write(memory, sql`SELECT 2 AS a`);
  await write(memory, sql`SELECT 3 AS a`);
  Object.assign(counts, { list: 0, get: 0 });
  expect((await table.snapshot()).version).toBe(2);
  expect(counts).toMatchObject({ list: 1, get: 2 });
  expect(first.files.count).toBe(1);
});

test('a table that was removed and made anew is not taken for the one that was known', async () => {
  await using store = openMemoryStore();
  for (const value of [1, 2, 3]) await write(store, sql`SELECT ${value}::INTEGER AS a`);
  expect(await numbers(store)).toEqual([1, 2, 3]);
  for (const path of await paths(store)) await store.delete(path);
  await new Promise((resolve) => setTimeout(resolve, 5));
  await write(store, sql`SELECT 9 AS a`);
  expect(await numbers(store)).toEqual([9]);
});

test('a cancelled write is CANCELLED and leaves nothing', async () => {
  await using store = openMemoryStore();
  await write(store, sql`SELECT 1 AS a`);
  const before = await paths(store);
  for (const delayMs of [0, 30]) {
    const abort = new AbortController();
    if (delayMs === 0) abort.abort();
    else setTimeout(() => abort.abort(), delayMs);
    const query = sql`SELECT count(*)::INTEGER AS a FROM range(100000000000) r(i) WHERE i % 7 = 3`;
    const cancelled = engine.withLease(
      async (lease) => await writeTable({ store, path: 't', engine, lease, query, mode: 'append', signal: abort.signal }),
    );
    await expect(cancelled).rejects.toMatchObject({ code: 'CANCELLED' });
  }
  expect(await paths(store)).toEqual(before);
});

describe('of two that change rows', () => {
  const range = (from: number, to: number) => sql`SELECT i::INTEGER AS a FROM range(${literal(from)}, ${literal(to)}) r(i)`;
  type Change = (table: DeltaTable, lease: Lease) => Promise<unknown>;

  /** What becomes of `first` when `between` commits after it has looked and before it commits. */
  const race = async (first: Change, between: Change, properties: Readonly<Record<string, string>> = {}) => {
    await using memory = openMemoryStore();
    await write(memory, range(0, 3));
    await write(memory, range(3, 6));
    if (Object.keys(properties).length > 0) {
      const lines = new TextDecoder().decode(await memory.get('t/_delta_log/00000000000000000000.json'));
      const changed = lines.replace('"configuration":{}', `"configuration":${JSON.stringify(properties)}`);
      await memory.put('t/_delta_log/00000000000000000000.json', new TextEncoder().encode(changed));
    }
    const other = await openTable({ store: memory, path: 't', engine });
    let isFirst = true;
    const store = withCalls(memory, {
      putIfAbsent: async (path, bytes, call) => {
        if (isFirst) {
          isFirst = false;
          await engine.withLease((lease) => between(other, lease));
        }
        await memory.putIfAbsent(path, bytes, call);
      },
    });
    const table = await openTable({ store, path: 't', engine });
    const outcome = await engine
      .withLease((lease) => first(table, lease))
      .then(
        () => 'committed',
        (error: unknown) => (error as { readonly code?: string }).code,
      );
    return { outcome, rows: await numbers(memory) };
  };
  const remove =
    (id: number): Change =>
    async (table, lease) =>
      await table.delete(sql`a = ${id}`, { lease });
  const append: Change = async (table, lease) => await table.append(range(6, 8), { lease });
  const upsert: Change = async (table, lease) =>
    await table.merge({ lease, source: range(7, 8), on: sql`t.a = s.a`, clauses: [{ when: 'notMatched', action: 'insertAll' }] });

  test('an append passes a delete and a delete an append that read nothing', async () => {
    expect(await race(append, remove(1))).toEqual({ outcome: 'committed', rows: [0, 2, 3, 4, 5, 6, 7] });
    expect(await race(remove(1), append)).toEqual({ outcome: 'committed', rows: [0, 2, 3, 4, 5, 6, 7] });
  });

  test('where the table wants everything serializable, no append passes of rows that would have been changed', async () => {
    const [serializable, all] = [{ 'delta.isolationLevel': 'Serializable' }, [0, 1, 2, 3, 4, 5, 6, 7]];
    const above: Change = async (table, lease) => await table.delete(sql`a > 4`, { lease });
    expect(await race(above, append, serializable)).toEqual({ outcome: 'DELTA_CONFLICT', rows: all });
    expect(await race(above, append)).toEqual({ outcome: 'committed', rows: [0, 1, 2, 3, 4, 6, 7] });
    expect(await race(remove(1), append, serializable)).toEqual({ outcome: 'committed', rows: [0, 2, 3, 4, 5, 6, 7] });
  });

  test("of two that looked at each other's rows the second is told", async () => {
    expect(await race(remove(1), remove(2))).toEqual({ outcome: 'DELTA_CONFLICT', rows: [0, 1, 3, 4, 5] });
    expect(await race(remove(1), remove(5))).toEqual({ outcome: 'committed', rows: [0, 2, 3, 4] });
    const odd: Change = async (table, lease) => await table.delete(sql`a % 2 = 1`, { lease });
    expect(await race(odd, remove(4))).toEqual({ outcome: 'DELTA_CONFLICT', rows: [0, 1, 2, 3, 5] });
    expect(await race(upsert, upsert)).toEqual({ outcome: 'DELTA_CONFLICT', rows: [0, 1, 2, 3, 4, 5, 7] });
  });
});

test('what an application has committed is not written again, and two of its processes at once are told', async () => {
  await using store = openMemoryStore();
  const append = async (version: number, into: ObjectStore = store) =>
    await engine.withLease((lease) =>
      writeTable({
        store: into,
        path: 't',
        engine,
        lease,
        mode: 'append',
        query: sql`SELECT ${version}::INTEGER AS a`,
        txn: { appId: 'loader', version },
      }),
    );
  expect(await append(3)).toMatchObject({ version: 0, rowsWritten: 1 });
  expect(await append(3)).toMatchObject({ version: 0, rowsWritten: 0 });
  expect(await append(2)).toMatchObject({ version: 0, rowsWritten: 0 });
  expect(await append(4)).toMatchObject({ version: 1, rowsWritten: 1 });
  const table = await openTable({ store, path: 't', engine });
  await engine.withLease((lease) => table.checkpoint({ lease }));
  await store.delete('t/_delta_log/00000000000000000000.json');
  const again = await openTable({ store: withCalls(store, {}), path: 't', engine });
  const remove = { txn: { appId: 'loader', version: 4 } };
  expect(await engine.withLease((lease) => again.delete(undefined, { lease, ...remove }))).toMatchObject({
    version: undefined,
    rowsDeleted: 0,
  });
  let isFirst = true;
  const overtaken = withCalls(store, {
    putIfAbsent: async (path, bytes, call) => {
      if (isFirst) {
        isFirst = false;
        await append(5);
      }
      await store.putIfAbsent(path, bytes, call);
    },
  });
  await expect(append(6, overtaken)).rejects.toMatchObject({
    code: 'DELTA_CONFLICT',
    message: expect.stringContaining('loader') as string,
  });
  expect(await numbers(store)).toEqual([3, 4, 5]);
  await expect(append(0.5)).rejects.toMatchObject({ code: 'USAGE' });
});
