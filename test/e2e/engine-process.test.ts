import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { type Batch, type Column, connectEngine, type Engine, openDuckdbEngine, type Row, type StatementProgress } from '#engine';
import { sql, type SqlValue, unsafeSql } from '#sql';

// The engine in another process: what it is asked and what it answers goes over Node's IPC, which clones it.

/** A value of every type of DuckDB, as SQL. These arrive as JavaScript's own values, */
const plain = [
  'true', '(-1)::TINYINT', '255::UTINYINT', '(-1)::SMALLINT', '1::USMALLINT', '1::INTEGER', '1::UINTEGER', '(-9223372036854775808)::BIGINT',
  '18446744073709551615::UBIGINT', '170141183460469231731687303715884105727::HUGEINT', '1::UHUGEINT', '1::BIGNUM', '1.5::FLOAT', "'NaN'::DOUBLE",
  "'-0.0'::DOUBLE", "'a\u00e9\u{1F600}'", "'a'::ENUM('a', 'b')", 'NULL::INTEGER', 'NULL::DECIMAL(9,2)', 'NULL',
]; // prettier-ignore

/** and these as objects of DuckDB's classes. */
const classed: readonly (readonly [string, string])[] = [
  ['1.10::DECIMAL(38,10)', 'DuckDBDecimalValue'],
  ["'\\x01\\xFF'::BLOB", 'DuckDBBlobValue'],
  ["'101'::BIT", 'DuckDBBitValue'],
  ["DATE '2024-02-29'", 'DuckDBDateValue'],
  ["TIME '23:59:59.123456'", 'DuckDBTimeValue'],
  ["TIME_NS '01:02:03.123456789'", 'DuckDBTimeNSValue'],
  ["TIMETZ '23:59:59+02'", 'DuckDBTimeTZValue'],
  ["TIMESTAMP '2024-02-29 23:59:59.123456'", 'DuckDBTimestampValue'],
  ["TIMESTAMP_S '2024-02-29 23:59:59'", 'DuckDBTimestampSecondsValue'],
  ["TIMESTAMP_MS '2024-02-29 23:59:59.123'", 'DuckDBTimestampMillisecondsValue'],
  ["TIMESTAMP_NS '2024-02-29 23:59:59.123456789'", 'DuckDBTimestampNanosecondsValue'],
  ["TIMESTAMPTZ '2024-02-29 23:59:59.5+00'", 'DuckDBTimestampTZValue'],
  ["INTERVAL '1 month 2 days 3.5 seconds'", 'DuckDBIntervalValue'],
  ["'6f9619ff-8b86-d011-b42d-00c04fc964ff'::UUID", 'DuckDBUUIDValue'],
  ['[1, NULL]', 'DuckDBListValue'],
  ['[1, 2]::INTEGER[2]', 'DuckDBArrayValue'],
  ["{'a': 1.50::DECIMAL(9,2), 'b': [true]}", 'DuckDBStructValue'],
  ["MAP {'k': 1}", 'DuckDBMapValue'],
  ["union_value(n := 1::INTEGER)", 'DuckDBUnionValue'],
  ["'POINT(1 2)'::GEOMETRY", 'DuckDBGeometryValue'],
  ['1::INTEGER::VARIANT', 'DuckDBVariantValue'],
]; // prettier-ignore

let here: Engine;
let there: Engine;
let child: ChildProcess;

function startEngine(): { readonly engine: Engine; readonly child: ChildProcess } {
  const started = fork(fileURLToPath(new URL('../support/engine-process.ts', import.meta.url)), { serialization: 'advanced' });
  const engine = connectEngine(
    {
      post: (message) => started.send(message),
      listen: (receive, closed) => {
        started.on('message', receive);
        started.on('disconnect', closed);
      },
    },
    { maxLeases: 2 },
  );
  return { engine, child: started };
}

beforeAll(async () => {
  here = await openDuckdbEngine();
  ({ engine: there, child } = startEngine());
});

afterAll(async () => {
  await there[Symbol.asyncDispose]();
  child.disconnect();
  await here[Symbol.asyncDispose]();
});

async function read(engine: Engine, expression: string): Promise<{ column: Column; batch: Batch; value: SqlValue }> {
  return await engine.withLease(async (lease) => {
    const { columns, batches } = await lease.stream(sql`SELECT ${unsafeSql(expression)} AS v`);
    const [column] = columns;
    for await (const batch of batches) if (column !== undefined) return { column, batch, value: batch.columns[0]?.[0] ?? null };
    throw new Error('no rows');
  });
}

test('every type of the engine is among these', async () => {
  // A NULL alone comes as an INTEGER; a type is no value of a column.
  const types: string[] = [];
  for (const expression of [...plain, ...classed.map(([one]) => one)]) types.push((await read(here, expression)).column.type);
  const rows = await here.withLease((lease) =>
    lease.rows(
      sql`SELECT DISTINCT logical_type AS t FROM duckdb_types() WHERE database_name = 'system' AND logical_type NOT IN ('NULL', 'TYPE')`,
    ),
  );
  const kinds = new Set(types.map((type) => type.replace(/\[\]$/, ' LIST').replace(/\[\d+\]$/, ' ARRAY').replace(/\(.*$/, '').split(' ').at(-1) ?? '')); // prettier-ignore
  const missing = rows.map((row: Row) => String(row['t'])).filter((name) => !types.includes(name) && !kinds.has(name));
  expect(missing).toEqual([]);
});

for (const expression of [...plain, ...classed.map(([one]) => one)]) {
  test(`${expression} comes and goes as it is`, async () => {
    const near = await read(here, expression);
    const far = await read(there, expression);
    expect(far.column).toEqual(near.column);
    expect(far.batch).toStrictEqual(near.batch); // of the same classes
    expect(String(far.value)).toBe(String(near.value));
    expect(Object.is(far.value, -0)).toBe(Object.is(near.value, -0));
    const bound = async (engine: Engine, value: SqlValue) =>
      await engine.withLease((lease) => lease.rows(sql`SELECT typeof(${value}) AS type, (${value})::VARCHAR AS text`)).catch(String); // the driver binds no GEOMETRY
    expect(await bound(there, far.value)).toEqual(await bound(here, near.value));
  });
}

// The driver appends no VARIANT, and makes a member that is NULL of a UNION that is NULL.
for (const [expression, name] of classed.filter(([, of]) => !['DuckDBVariantValue', 'DuckDBUnionValue'].includes(of))) {
  test(`a column of ${name} is appended as it was read`, async () => {
    await there.withLease(async (lease) => {
      await lease.run(sql`CREATE OR REPLACE TEMP TABLE t AS SELECT ${unsafeSql(expression)} AS v WHERE false`);
      const { batches } = await lease.stream(sql`
        SELECT v FROM range(5000) r(i) LEFT JOIN (SELECT ${unsafeSql(expression)} AS v) ON i % 3 > 0`);
      const all = await collect(batches);
      expect(all.length).toBeGreaterThan(1);
      expect(all.flatMap(({ columns }) => columns[0]).find((value) => value !== null)?.constructor.name).toBe(name);
      expect(await lease.append({ table: 't' }, toStream(all))).toEqual({ rowCount: 5000 });
      expect(
        await lease.rows(sql`
          SELECT count(*)::INTEGER AS n, count(v)::INTEGER AS held,
                 bool_and(v::VARCHAR = (${unsafeSql(expression)})::VARCHAR) AS same
          FROM t`),
      ).toEqual([{ n: 5000, held: 3333, same: true }]);
    });
  });
}

async function collect(batches: AsyncIterable<Batch>): Promise<readonly Batch[]> {
  const all: Batch[] = [];
  for await (const batch of batches) all.push(batch);
  return all;
}

async function* toStream(batches: readonly Batch[]): AsyncGenerator<Batch> {
  yield* batches;
}

test('a struct whose fields have odd names', async () => {
  const { value } = await read(there, `{'__proto__': 1.5::DECIMAL(9,2), 'name': DATE '2024-02-29', 'fields': [1]}`);
  expect(value).toStrictEqual((await read(here, `{'__proto__': 1.5::DECIMAL(9,2), 'name': DATE '2024-02-29', 'fields': [1]}`)).value);
});

test('an error has its code, and the lease goes on', async () => {
  await using lease = await there.lease();
  await expect(lease.rows(sql`SELECT * FROM nowhere`)).rejects.toMatchObject({ code: 'SQL_NAME_NOT_FOUND' });
  await expect(lease.rows(sql`SELEC 1`)).rejects.toMatchObject({ code: 'SQL_SYNTAX' });
  expect(await lease.rows(sql`SELECT 1 AS one`)).toEqual([{ one: 1 }]);
});

test('a statement is cancelled, in the middle of its rows too; the lease goes on', async () => {
  await using lease = await there.lease();
  const cancelled = new AbortController();
  setTimeout(() => cancelled.abort(), 100);
  await expect(
    lease.run(sql`SELECT count(*) FROM range(1000000000000) WHERE range % 7 = 1`, { signal: cancelled.signal }),
  ).rejects.toMatchObject({
    code: 'CANCELLED',
  });
  const late = new AbortController();
  const seen = (async () => {
    const { batches } = await lease.stream(sql`SELECT * FROM range(1000000000000)`, { signal: late.signal });
    for await (const batch of batches) if (batch.columns[0]?.[0] === 20480n) late.abort();
  })();
  await expect(seen).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(await lease.rows(sql`SELECT 1 AS one`)).toEqual([{ one: 1 }]);
});

test('a result that is left early makes room for the next, and cannot be read on after it', async () => {
  await using lease = await there.lease();
  const { batches } = await lease.stream(sql`SELECT * FROM range(1000000000000)`);
  for await (const batch of batches) if (batch.rowCount > 0) break;
  const first = await lease.stream(sql`SELECT * FROM range(1000000000000)`);
  const second = await lease.stream(sql`SELECT 2 AS two`);
  await expect(collect(first.batches)).rejects.toMatchObject({ code: 'INTERNAL' });
  expect(await collect(second.batches)).toEqual([{ rowCount: 1, columns: [[2]] }]);
});

test('what is appended before an error is not there', async () => {
  await using lease = await there.lease();
  await lease.run(sql`CREATE TEMP TABLE few (n INTEGER)`);
  async function* broken(): AsyncGenerator<Batch> {
    yield { rowCount: 2, columns: [[1, 2]] };
    throw new Error('the source is gone');
  }
  await expect(lease.append({ table: 'few' }, broken())).rejects.toThrow('the source is gone');
  expect(await lease.rows(sql`SELECT count(*)::INTEGER AS n FROM few`)).toEqual([{ n: 0 }]);
});

test('progress is told', async () => {
  await using lease = await there.lease();
  const cancelled = new AbortController();
  await lease.run(sql`CREATE TEMP TABLE many AS SELECT range AS i FROM range(20000000)`);
  let running: Promise<unknown> = Promise.resolve();
  const told = await new Promise<StatementProgress>((resolve, reject) => {
    running = lease.run(sql`SELECT max(sha256(sha256(i::VARCHAR))) FROM many`, {
      signal: cancelled.signal,
      onProgress: (progress) => (progress.rows > 0 ? resolve(progress) : undefined),
    });
    running.catch(reject);
  });
  expect(told.totalRows).toBeGreaterThanOrEqual(20_000_000);
  cancelled.abort();
  await expect(running).rejects.toMatchObject({ code: 'CANCELLED' });
});

test('the end of its process fails what it was asked, clearly, and whatever is asked later', async () => {
  const { engine, child: doomed } = startEngine();
  await using lease = await engine.lease();
  const asked = lease.run(sql`SELECT count(*) FROM range(1000000000000) WHERE range % 7 = 1`);
  setTimeout(() => doomed.kill('SIGKILL'), 200);
  await expect(asked).rejects.toMatchObject({ code: 'ENGINE_FAILED', message: 'the engine has ended' });
  await expect(engine.lease()).rejects.toMatchObject({ code: 'ENGINE_FAILED' });
});
