import { expect, test } from 'vitest';

import { openDuckdbEngine } from '#engine';
import { ident, sql } from '#sql';

test('a statement with bound values gives its rows', async () => {
  await using engine = await openDuckdbEngine();
  const rows = await engine.withLease((lease) => lease.rows(sql`SELECT ${7}::INTEGER AS ${ident('a "b"')}, ${null}::VARCHAR AS n`));
  expect(rows).toEqual([{ 'a "b"': 7, n: null }]);
});

test('an aborted stream throws instead of ending early', async () => {
  await using engine = await openDuckdbEngine({ threads: 2 });
  await using lease = await engine.lease();
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 50);
  const seen = (async () => {
    const { batches } = await lease.stream(sql`SELECT * FROM range(1000000000000)`, { signal: abort.signal });
    for await (const batch of batches) expect(batch.rowCount).toBeGreaterThan(0);
  })();
  await expect(seen).rejects.toMatchObject({ code: 'CANCELLED' });
});

test('leases beyond the limit wait their turn, and one that gives up waiting leaves the queue', async () => {
  await using engine = await openDuckdbEngine({ maxLeases: 1 });
  const first = await engine.lease();
  const abort = new AbortController();
  const gaveUp = engine.lease({ signal: abort.signal });
  const second = engine.lease();
  abort.abort();
  await expect(gaveUp).rejects.toMatchObject({ code: 'CANCELLED' });
  await first[Symbol.asyncDispose]();
  await using lease = await second;
  expect(await lease.rows(sql`SELECT 1 AS one`)).toEqual([{ one: 1 }]);
});

test('an engine that ends in the middle of statements ends them, and does not wait for ever', async () => {
  const engine = await openDuckdbEngine({ threads: 2 });
  const endless = sql`SELECT count(*) FROM range(1000000000000) WHERE range % 7 = 1`;
  const running = Array.from({ length: 4 }, async () => await engine.withLease((lease) => lease.run(endless)));
  const given = await engine.lease();
  const pending = given.run(endless);
  await given[Symbol.asyncDispose](); // a lease that is given back too early is no other thing
  setTimeout(() => void engine[Symbol.asyncDispose](), 100);
  const ended = await Promise.allSettled([...running, pending]);
  expect(ended.map(({ status }) => status)).toEqual(Array.from({ length: 5 }, () => 'rejected'));
});

test('statements that are asked at the same time on one lease take turns, and none loses rows', async () => {
  await using engine = await openDuckdbEngine();
  await using lease = await engine.lease();
  const asked = Array.from({ length: 20 }, async (_, n) => (await lease.rows(sql`SELECT i FROM range(5000) r(i) WHERE i >= ${n}`)).length);
  const failed = lease.run(sql`SELECT * FROM nowhere`);
  await expect(failed).rejects.toMatchObject({ code: 'SQL_NAME_NOT_FOUND' });
  expect(await Promise.all(asked)).toEqual(Array.from({ length: 20 }, (_, n) => 5000 - n));
});

test('appended batches arrive with their nulls', async () => {
  await using engine = await openDuckdbEngine();
  await using lease = await engine.lease();
  await lease.run(sql`CREATE TEMP TABLE t (a INTEGER, b VARCHAR)`);
  async function* batches() {
    yield {
      rowCount: 3,
      columns: [
        [1, 2, null],
        ['x', null, 'z'],
      ],
    };
  }
  expect(await lease.append({ table: 't' }, batches())).toEqual({ rowCount: 3 });
  expect(await lease.rows(sql`SELECT count(*)::INTEGER AS n, count(a)::INTEGER AS a, count(b)::INTEGER AS b FROM t`)).toEqual([
    { n: 3, a: 2, b: 2 },
  ]);
});
