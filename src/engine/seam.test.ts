import { DuckDBDecimalValue } from '@duckdb/node-api';
import { expect, test } from 'vitest';

import { type Batch, type Column, type Engine, formatText, openDuckdbEngine, type Row } from '#engine';
import { isSql, literal, render, sql, type SqlValue, unsafeSql } from '#sql';

// What would go to an engine in a process of its own, and come back: `docs/design/main-job.md` says what that needs.

/** A value of every type of DuckDB, as SQL. Those of the first group arrive as JavaScript's own values. */
const plain = [
  'true', '(-1)::TINYINT', '255::UTINYINT', '(-1)::SMALLINT', '1::USMALLINT', '1::INTEGER', '1::UINTEGER', '(-9223372036854775808)::BIGINT',
  '18446744073709551615::UBIGINT', '170141183460469231731687303715884105727::HUGEINT', '1::UHUGEINT', '1::BIGNUM', '1.5::FLOAT', "'NaN'::DOUBLE",
  "'-0.0'::DOUBLE", "'a\u00e9\u{1F600}'", "'a'::ENUM('a', 'b')", 'NULL::INTEGER', 'NULL::DECIMAL(9,2)', 'NULL',
]; // prettier-ignore

/** Those of the second are objects of DuckDB's classes, whose fields stay and whose class does not. */
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

/** These have no text that the engine takes back by a cast alone: BLOB is base64, MAP is JSON, UNION loses its tag. */
const needsMore = ['DuckDBBlobValue', 'DuckDBMapValue', 'DuckDBUnionValue', 'DuckDBGeometryValue', 'DuckDBVariantValue'];

async function read(engine: Engine, expression: string): Promise<{ column: Column; batch: Batch; value: SqlValue }> {
  return await engine.withLease(async (lease) => {
    const { columns, batches } = await lease.stream(sql`SELECT ${unsafeSql(expression)} AS v`);
    const [column] = columns;
    for await (const batch of batches) if (column !== undefined) return { column, batch, value: batch.columns[0]?.[0] ?? null };
    throw new Error('no rows');
  });
}

function className(value: SqlValue): string | undefined {
  return typeof value === 'object' && value !== null ? value.constructor.name : undefined;
}

/** A value without its classes. */
function fieldsOf(value: unknown): unknown {
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (Array.isArray(value)) return value.map(fieldsOf);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, fieldsOf(field)]));
}

test('every type of the engine is among these', async () => {
  // A NULL alone comes as an INTEGER; a type is no value of a column.
  await using engine = await openDuckdbEngine();
  const types: string[] = [];
  for (const expression of [...plain, ...classed.map(([one]) => one)]) types.push((await read(engine, expression)).column.type);
  const rows = await engine.withLease((lease) =>
    lease.rows(
      sql`SELECT DISTINCT logical_type AS t FROM duckdb_types() WHERE database_name = 'system' AND logical_type NOT IN ('NULL', 'TYPE')`,
    ),
  );
  const kinds = new Set(types.map((type) => type.replace(/\[\]$/, ' LIST').replace(/\[\d+\]$/, ' ARRAY').replace(/\(.*$/, '').split(' ').at(-1) ?? '')); // prettier-ignore
  const missing = rows.map((row: Row) => String(row['t'])).filter((name) => !types.includes(name) && !kinds.has(name));
  expect(missing).toEqual([]);
});

for (const expression of plain) {
  test(`a batch with ${expression} is plain data`, async () => {
    await using engine = await openDuckdbEngine();
    const { column, batch, value } = await read(engine, expression);
    expect(structuredClone(column)).toEqual(column);
    expect(structuredClone(batch)).toStrictEqual(batch);
    expect(Object.is(structuredClone(value), value)).toBe(true);
  });
}

for (const [expression, name] of classed) {
  test(`a batch with ${expression} keeps its fields and loses ${name}`, async () => {
    await using engine = await openDuckdbEngine();
    const { column, batch, value } = await read(engine, expression);
    expect(className(value)).toBe(name);
    const cloned = structuredClone(batch);
    expect(cloned).toStrictEqual({ rowCount: 1, columns: [[fieldsOf(value)]] });
    expect(className(cloned.columns[0]?.[0] ?? null)).not.toBe(name);
    expect(structuredClone(column)).toEqual(column);
  });
}

for (const [expression] of classed.filter(([, name]) => !needsMore.includes(name))) {
  test(`the column's type and the text of ${expression} are the value again`, async () => {
    await using engine = await openDuckdbEngine();
    const { column, value } = await read(engine, expression);
    const sent = structuredClone({ type: column.type, text: formatText(value) });
    const back = sql`CAST(${literal(sent.text)} AS ${unsafeSql(sent.type)})`;
    const [row] = await engine.withLease((lease) =>
      lease.rows(
        sql`SELECT ${back} IS NOT DISTINCT FROM ${unsafeSql(expression)} AS same, typeof(${back}) = typeof(${unsafeSql(expression)}) AS typed`,
      ),
    );
    expect(row).toEqual({ same: true, typed: true });
  });
}

test('a statement goes over as it is rendered: text and the values bound to it', async () => {
  const statement = sql`SELECT ${'a$1'} AS a, ${9_007_199_254_740_993n} AS b, ${-0.5} AS c, ${true} AS d, ${null}::INTEGER AS e`;
  const sent = structuredClone(render(statement));
  expect(sent).toStrictEqual(render(statement));
  expect(isSql(structuredClone(statement))).toBe(false); // what makes it an Sql is a symbol of this process
  const texts = sent.text.split(/\$\d+/);
  await using engine = await openDuckdbEngine();
  const again = sql(Object.assign(texts, { raw: texts }), ...sent.values);
  expect(await engine.withLease((lease) => lease.rows(again))).toEqual([
    { a: 'a$1', b: 9_007_199_254_740_993n, c: -0.5, d: true, e: null },
  ]);
});

test('a bound value of a class is refused by the engine once it was cloned: it would be encoded first', async () => {
  await using engine = await openDuckdbEngine();
  const value = new DuckDBDecimalValue(110n, 9, 2);
  const ask = async (bound: SqlValue) => await engine.withLease((lease) => lease.rows(sql`SELECT ${bound}::VARCHAR AS v`));
  expect(await ask(value)).toEqual([{ v: '1.10' }]);
  await expect(ask(structuredClone(value))).rejects.toMatchObject({ code: 'ENGINE_FAILED' });
});
