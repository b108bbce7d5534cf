import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { type Condition, conditionsOf, openTable, planToSql, writeTable } from '#delta';
import { type Engine, openDuckdbEngine } from '#engine';
import { ident, join, literal, type Sql, sql, unsafeSql } from '#sql';
import { openMemoryStore } from '#storage';

import { statisticsIn } from './file-filter.ts';
import { filterOfFiles } from './scan-plan.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openDuckdbEngine({ threads: 2 });
});
afterAll(async () => await engine[Symbol.asyncDispose]());

async function statisticsOf(query: Sql): Promise<Record<'numRecords' | 'minValues' | 'maxValues' | 'nullCount', never>> {
  await using store = openMemoryStore();
  const location = { store, path: 't', engine };
  await engine.withLease(async (lease) => await writeTable({ ...location, lease, query, mode: 'append' }));
  const { files } = await (await openTable(location)).snapshot();
  return JSON.parse(files.stats[0] ?? '{}') as Awaited<ReturnType<typeof statisticsOf>>; // the shape that the test looks into
}

test('bounds are written per type: numbers as they are, text cut to 32 code points, instants outward to milliseconds', async () => {
  const found = await statisticsOf(sql`SELECT * FROM (VALUES
    (1::TINYINT, -9007199254740993::BIGINT, 12.3400::DECIMAL(19,4), 1.5::DOUBLE, DATE '0001-01-01', TIMESTAMPTZ '1753-01-01 00:00:00.1234567+00', 'a', true, 'x'::BLOB, {'in': 1, 'deep': {'er': 'z'}}, [1], MAP {'k': 1}),
    (2, 9007199254740993, 99.9900, -2.5, DATE '9999-12-31', TIMESTAMPTZ '2026-01-01 00:00:00.000001+00', repeat('é😀', 40), false, 'y'::BLOB, {'in': 3, 'deep': NULL}, NULL, NULL),
    (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)) AS t(small, big, money, real, day, moment, text, yes, bytes, nested, list, pairs)`);
  expect(found).toMatchObject({
    numRecords: 3,
    minValues: {
      small: 1,
      money: 12.34,
      real: -2.5,
      day: '0001-01-01',
      moment: '1753-01-01T00:00:00.123Z',
      nested: { in: 1, deep: { er: 'z' } },
    },
    maxValues: {
      small: 2,
      money: 99.99,
      real: 1.5,
      day: '9999-12-31',
      moment: '2026-01-01T00:00:00.001Z',
      nested: { in: 3, deep: { er: 'z' } },
    },
    nullCount: { small: 1, big: 1, money: 1, yes: 1, bytes: 1, nested: { in: 1, deep: { er: 2 } } },
  });
  for (const column of ['yes', 'bytes', 'list', 'pairs']) expect(found.minValues).not.toHaveProperty(column);
});

test('a long maximum is cut and rounded up, a long minimum is cut', async () => {
  const long = 'z'.repeat(40);
  const found = await statisticsOf(sql`SELECT unnest([${long}, ${'a'.repeat(40)}]) AS text`);
  expect(found.minValues).toEqual({ text: 'a'.repeat(32) });
  expect(found.maxValues).toEqual({ text: `${'z'.repeat(32)}\u{10FFFF}` });
});

test('a column with NaN has no bounds, also when the NaN is not in the last row group', async () => {
  for (const query of [
    sql`SELECT unnest([1, 'NaN'::DOUBLE, 3]) AS x, 1::FLOAT AS y`,
    sql`SELECT CASE WHEN i = 5 THEN 'NaN'::DOUBLE ELSE i END AS x, 1::FLOAT AS y FROM range(200000) r(i)`,
  ]) {
    const found = await statisticsOf(query);
    expect(found.minValues).toEqual({ y: 1 });
    expect(found.nullCount).toEqual({ x: 0, y: 0 });
  }
});

test('only as many columns have statistics as the table says', async () => {
  const many = join(Array.from({ length: 40 }, (_, index) => sql`${index}::INTEGER AS ${ident(`c${index}`)}`));
  expect(Object.keys((await statisticsOf(sql`SELECT ${many}`)).minValues)).toHaveLength(32);
});

const types: Readonly<Record<string, fc.Arbitrary<string>>> = {
  BIGINT: fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.bigInt({ min: -3n, max: 3n })).map(String),
  DOUBLE: fc.oneof(fc.double().map(String), fc.constantFrom('0.1', '-0.0', 'NaN', 'Infinity')),
  FLOAT: fc.oneof(fc.float().map(String), fc.constantFrom('0.1', '16777217')),
  'DECIMAL(38,10)': fc
    .tuple(fc.bigInt({ min: -(10n ** 27n), max: 10n ** 27n }), fc.nat(999_999_999))
    .map(([whole, fraction]) => `${whole}.${fraction}`),
  DATE: fc.integer({ min: 1, max: 9999 }).map((year) => `${String(year).padStart(4, '0')}-02-03`),
  TIMESTAMPTZ: fc
    .tuple(fc.integer({ min: 1, max: 9999 }), fc.nat(999_999))
    .map(([year, micros]) => `${String(year).padStart(4, '0')}-12-31 23:59:59.${String(micros).padStart(6, '0')}+00`),
  VARCHAR: fc
    .oneof(
      fc.string({ unit: 'grapheme', maxLength: 5 }),
      fc.constantFrom('a', 'b', 'é', '\u{1F600}', '\uFF5E').chain((unit) => fc.nat(300).map((length) => unit.repeat(length))),
    )
    .map((text) => text.replaceAll('\0', '')),
};
const operators = ['=', '<', '<=', '>', '>='] as const;

for (const [type, values] of Object.entries(types)) {
  test(`no file with a match is ever left out: ${type}`, { timeout: 300_000 }, async () => {
    const parameters = { numRuns: process.env['VERIFY'] === '1' ? 300 : 12 };
    const files = fc.array(fc.array(fc.option(values), { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(files, values, async (content, probe) => {
        await using store = openMemoryStore();
        const location = { store, path: 't', engine };
        await engine.withLease(async (lease) => {
          for (const rows of content) {
            const query = sql`SELECT unnest([${join(rows.map((row) => sql`CAST(${literal(row)} AS ${unsafeSql(type)})`))}]) AS x`;
            await writeTable({ ...location, lease, query, mode: 'append' });
          }
          const snapshot = await (await openTable(location)).snapshot({ lease });
          const rows = async (filter: readonly Condition[], where: Sql) => {
            const query = await planToSql(snapshot.scan({ filter }), store);
            return await lease.rows(sql`SELECT x::VARCHAR AS x FROM (${query}) AS t WHERE ${where} ORDER BY 1`);
          };
          const list = join(snapshot.files.stats.map((stats, index) => sql`(${literal(index)}, ${literal(stats)})`));
          const isAsked = type !== 'VARCHAR' || probe !== '';
          const value = type === 'TIMESTAMPTZ' ? probe.replace(' ', 'T').replace('+00', 'Z') : probe;
          for (const op of isAsked ? operators : []) {
            const where = sql`x ${unsafeSql(op)} CAST(${literal(probe)} AS ${unsafeSql(type)})`;
            expect(await rows([{ column: 'x', op, value }], where)).toEqual(await rows([], where));
            const { statistic, facts } = statisticsIn(sql`stats`);
            const choice = filterOfFiles(snapshot, [{ column: 'x', op, value }])?.fits({ partitionValue: () => sql`NULL`, statistic }) ?? sql`true`; // prettier-ignore
            const chosen = await lease.rows(
              sql`SELECT i FROM (SELECT *, ${facts()} AS facts FROM (VALUES ${list}) AS files(i, stats)) WHERE ${choice}`,
            );
            const wanted = snapshot.scan({ filter: [{ column: 'x', op, value }] }).files.map(({ index }) => index);
            expect(wanted.filter((index) => !chosen.some(({ i }) => Number(i) === index))).toEqual([]);
          }
          for (const op of ['is null', 'is not null'] as const)
            expect(await rows([{ column: 'x', op }], sql`x ${unsafeSql(op)}`)).toEqual(await rows([], sql`x ${unsafeSql(op)}`));
        });
      }),
      parameters,
    );
  });
}

// The engine's own answer over all files says what must come out.
test('no file with a match is left out by a condition in SQL, whatever its shape', { timeout: 300_000 }, async () => {
  const number = fc.integer({ min: -20, max: 60 }).map(String);
  const text = fc.constantFrom("'a'", "'b5'", "'é'", "''", "'b'", "'zz'");
  const day = fc.integer({ min: 1, max: 28 }).map((one) => `'2024-01-${String(one).padStart(2, '0')}'`);
  const op = fc.constantFrom('=', '<>', '<', '<=', '>', '>=', 'IS DISTINCT FROM');
  const { condition } = fc.letrec<{ condition: string; leaf: string }>((tie) => ({
    leaf: fc.oneof(
      fc.tuple(fc.constantFrom('i', 't.i', 'd', 's.x', 'm', 'p'), op, number).map((parts) => parts.join(' ')),
      fc.tuple(number, op, fc.constantFrom('i', 'd')).map((parts) => parts.join(' ')),
      fc.tuple(fc.constant('name'), op, text).map((parts) => parts.join(' ')),
      fc.tuple(fc.constant('day'), op, day).map(([a, b, c]) => `${a} ${b} DATE ${c}`),
      fc.tuple(fc.constant('day'), op, day).map((parts) => parts.join(' ')),
      fc.tuple(fc.constant('moment'), op, day).map((parts) => parts.join(' ')),
      fc.tuple(fc.constantFrom('i', 'm'), number, number).map(([a, b, c]) => `${a} BETWEEN ${b} AND ${c}`),
      fc.tuple(fc.constantFrom('i', 'd'), fc.constantFrom('IN', 'NOT IN'), number, number).map(([a, b, c, d]) => `${a} ${b} (${c}, ${d})`),
      fc.constantFrom('name COLLATE NOCASE = \'B5\'', "rtrim(name) = 'b5'", "lower(name) = 'b5'", "name LIKE 'b%'", "name LIKE '%b'", "name LIKE 'b_'", "starts_with(name, 'b')", "name ILIKE 'B%'", 'i IS NULL', 's.x IS NOT NULL', 'name IS NULL', 'i + 1 > 5', 'abs(i) = 3', 'i = d', "name = 5::VARCHAR", 'i > -2.5', 'm = 1.50', "i = '7'", 'p IS NULL', 'NULL', 'true'), // prettier-ignore
    ),
    condition: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      tie('leaf'),
      tie('condition').map((inner) => `NOT (${inner})`),
      fc.tuple(tie('condition'), fc.constantFrom('AND', 'OR'), tie('condition')).map(([a, b, c]) => `(${a} ${b} ${c})`),
    ),
  }));
  await using store = openMemoryStore();
  const location = { store, path: 't', engine };
  for (const from of [-10, 0, 7, 20, 40]) {
    const query = sql`SELECT (${from} + i)::INTEGER AS i, CASE i % 4 WHEN 0 THEN NULL WHEN 1 THEN 'NaN'::DOUBLE ELSE (${from} + i) / 2 END AS d, ((${from} + i) / 4)::DECIMAL(9,2) AS m,
        CASE WHEN i % 3 = 0 THEN NULL ELSE chr(97 + ${from + 10} // 10) || i END AS name, DATE '2024-01-01' + i::INTEGER AS day, TIMESTAMPTZ '2024-01-01 00:00:00+00' + to_hours(i::INTEGER * 20) AS moment,
        CASE WHEN i % 5 = 0 THEN NULL ELSE {'x': (${from} + i)::INTEGER} END AS s, CASE WHEN ${from} = 7 THEN NULL ELSE ${from}::INTEGER END AS p FROM range(6) r(i)`;
    await engine.withLease(async (lease) => await writeTable({ ...location, lease, query, mode: 'append', partitionBy: ['p'] }));
  }
  const snapshot = await (await openTable(location)).snapshot();
  let leftOut = 0;
  let leftOutByEngine = 0;
  const { paths, stats, partitionValues } = snapshot.files;
  const listed = join(paths.map((_, index) => sql`(${literal(index)}, ${literal(stats[index] ?? null)}, ${literal(partitionValues[0]?.[index] ?? null)}::VARCHAR)`)); // prettier-ignore
  await engine.withLease(async (lease) => {
    const rows = async (filter: readonly Condition[], where: Sql) => {
      const plan = snapshot.scan({ filter });
      leftOut += plan.skipped.byPartition + plan.skipped.byStatistics;
      return await lease.rows(sql`SELECT i::VARCHAR AS i FROM (${await planToSql(plan, store)}) AS t WHERE ${where} ORDER BY 1`);
    };
    await fc.assert(
      fc.asyncProperty(condition, async (words) => {
        const where = unsafeSql(`(${words})`);
        const filter = await conditionsOf(where, { schema: snapshot.schema, as: 't' }, { lease });
        expect(await rows(filter, where)).toEqual(await rows([], where));
        // What the engine lets through of a list of files has all that is looked at again.
        const { statistic, facts } = statisticsIn(sql`stats`);
        const choice = filterOfFiles(snapshot, filter)?.fits({ partitionValue: () => sql`partition`, statistic }) ?? sql`true`;
        const chosen = await lease.rows(
          sql`SELECT i FROM (SELECT *, ${facts()} AS facts FROM (VALUES ${listed}) AS files(i, stats, partition)) WHERE ${choice}`,
        );
        const passed = new Set(chosen.map(({ i }) => Number(i)));
        expect(snapshot.scan({ filter }).files.filter(({ index = 0 }) => !passed.has(index))).toEqual([]);
        leftOutByEngine += paths.length - passed.size;
      }),
      { numRuns: process.env['VERIFY'] === '1' ? 5000 : 300 },
    );
  });
  expect(leftOut).toBeGreaterThan(100);
  expect(leftOutByEngine).toBeGreaterThan(100);
});

test('files that cannot match are left out, and the plan says how many', async () => {
  await using store = openMemoryStore();
  const location = { store, path: 't', engine };
  for (const start of [0, 100, 200]) {
    await engine.withLease(
      async (lease) =>
        await writeTable({
          ...location,
          lease,
          query: sql`SELECT ${start}::INTEGER + i::INTEGER AS x FROM range(100) r(i)`,
          mode: 'append',
        }),
    );
  }
  const snapshot = await (await openTable(location)).snapshot();
  expect(snapshot.scan({ filter: [{ column: 'x', op: '=', value: 150 }] })).toMatchObject({
    files: [{}],
    skipped: { byPartition: 0, byStatistics: 2 },
  });
  expect(snapshot.scan({ filter: [{ column: 'x', op: 'in', values: [1, 250] }] }).files).toHaveLength(2);
  expect(snapshot.scan({ filter: [{ column: 'X', op: 'is null' }] }).files).toHaveLength(0);
});
