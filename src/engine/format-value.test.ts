import { expect, test } from 'vitest';

import { formatJson, formatText, openDuckdbEngine } from '#engine';
import { sql, unsafeSql } from '#sql';

const cases: readonly (readonly [string, string])[] = [
  ['1.10::DECIMAL(38,10)', '1.1000000000'],
  ['-0.05::DECIMAL(4,2)', '-0.05'],
  ['170141183460469231731687303715884105727::HUGEINT', '170141183460469231731687303715884105727'],
  ['9223372036854775807::BIGINT', '9223372036854775807'],
  ["'a\"b'", '"a\\"b"'],
  ["TIMESTAMP '2024-02-29 23:59:59.123456'", '"2024-02-29T23:59:59.123456"'],
  ["TIMESTAMP '2024-02-29 23:59:59.120'", '"2024-02-29T23:59:59.120"'],
  ["TIMESTAMP '1753-01-01 00:00:00'", '"1753-01-01T00:00:00"'],
  ["TIMESTAMPTZ '9999-12-31 23:59:59.997+00'", '"9999-12-31T23:59:59.997Z"'],
  ["DATE '0001-01-01'", '"0001-01-01"'],
  ["'\\x01\\xFF'::BLOB", '"Af8="'],
  ['[1, NULL, 3]', '[1,null,3]'],
  ["{'a': 1.50::DECIMAL(9,2), 'b': [true]}", '{"a":1.50,"b":[true]}'],
  ["MAP {'k': 1}", '{"k":1}'],
  ["'NaN'::DOUBLE", '"NaN"'],
  ["uuid '6F9619FF-8B86-D011-B42D-00C04FC964FF'", '"6f9619ff-8b86-d011-b42d-00c04fc964ff"'],
];

for (const [expression, expected] of cases) {
  test(`${expression} is ${expected} in JSON`, async () => {
    await using engine = await openDuckdbEngine();
    const [row] = await engine.withLease((lease) => lease.rows(sql`SELECT ${unsafeSql(expression)} AS v`));
    expect(formatJson(row?.['v'] ?? null)).toBe(expected);
  });
}

test('dates agree with the engine over all years that SQL Server has', async () => {
  await using engine = await openDuckdbEngine();
  const rows = await engine.withLease((lease) =>
    lease.rows(
      sql`SELECT d, strftime(d, '%Y-%m-%d') AS t FROM (SELECT DATE '0001-01-01' + (i * 37)::INTEGER AS d FROM range(98000) r(i)) WHERE year(d) BETWEEN 1000 AND 9999`,
    ),
  );
  expect(rows.length).toBeGreaterThan(80_000);
  expect(rows.filter((row) => formatText(row['d'] ?? null) !== row['t'])).toEqual([]);
});
