import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openGateway } from '#access';
import { openCatalog } from '#catalog';
import { type Engine, openDuckdbEngine } from '#engine';
import { openLake } from '#storage';
import { formatType } from '#tsql';
import { openMemoryDefinitions, openServerlessDatabase, openWarehouse, type Session } from '#warehouse';

let dir: string;
let engine: Engine;
let session: Session;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'lakestead-semantics-'));
  engine = await openDuckdbEngine({ threads: 1 });
  const lake = openLake({ defaultRoot: dir });
  const catalog = openCatalog({ lake, engine });
  const databases = [openServerlessDatabase('db', async () => await Promise.resolve(undefined))];
  session = await openWarehouse({
    engine,
    gateway: openGateway({ engine, catalog, lake }),
    definitions: openMemoryDefinitions(),
    databases,
  }).session({
    database: 'db',
  });
});
afterAll(async () => {
  await session[Symbol.asyncDispose]();
  await engine[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});

async function ask(query: string): Promise<{ readonly rows: string[]; readonly types: string[] }> {
  const rows: string[] = [];
  const types: string[] = [];
  for await (const result of session.execute(query)) {
    if (result.kind !== 'rows') continue;
    types.push(...result.columns.map(({ type }) => formatType(type)));
    for await (const batch of result.batches) {
      for (let row = 0; row < batch.rowCount; row += 1) rows.push(batch.columns.map((column) => String(column[row])).join('|'));
    }
  }
  return { rows, types };
}

/** What SQL Server's documentation says of an expression: its value as text and, where it matters, its type. */
const expressions: readonly (readonly [expression: string, value: string, type?: string])[] = [
  ['5 / 2', '2', 'int'],
  ['-7 / 2', '-3', 'int'],
  ['-7 % 3', '-1', 'int'],
  ['1 | 2 + 4', '7', 'int'],
  ["'1' + 2", '3', 'int'],
  ["'a' + NULL", 'null'],
  ["CONCAT('a', NULL, 1)", 'a1'],
  ["IIF('a' = 'A', 1, 0)", '1'],
  ["IIF('a ' = 'a', 1, 0)", '1'],
  ["IIF(N'É' = N'é', 1, 0)", '1'],
  ["LEN('ab  ')", '2', 'int'],
  ["DATALENGTH(N'ab')", '4', 'int'],
  ["IIF('b5' LIKE '[A-C][0-9]', 1, 0)", '1'],
  ["IIF('50%' LIKE '50!%' ESCAPE '!', 1, 0)", '1'],
  ['COALESCE(NULL, 1, 2)', '1'],
  ["CONVERT(varchar(10), CAST('2024-03-05' AS date), 104)", '05.03.2024'],
  ["CONVERT(varchar(19), CAST('2024-03-05 06:07:08' AS datetime), 120)", '2024-03-05 06:07:08'],
  ["CONVERT(varchar(8), CAST('2024-03-05' AS date), 112)", '20240305'],
  ["CONVERT(varchar(30), CAST('2024-01-01 00:00:00.005' AS datetime), 121)", '2024-01-01 00:00:00.007'],
  ["CONVERT(varchar(30), CAST('2024-01-01 00:00:00.999' AS datetime), 121)", '2024-01-01 00:00:01.000'],
  ['CAST(2.567 AS decimal(5,1))', '2.6', 'decimal(5,1)'],
  ['CAST(7.9 AS int)', '7', 'int'],
  ['CAST(-7.9 AS int)', '-7', 'int'],
  ["CAST('abcdef' AS varchar(3))", 'abc'],
  ["TRY_CAST('x' AS int)", 'null', 'int'],
  ["SUBSTRING('abcdef', 2, 3)", 'bcd'],
  ["CHARINDEX('C', 'abcabc', 4)", '6'],
  ["REPLACE('aXbx', 'x', '-')", 'a-b-'],
  ["STUFF('abcdef', 2, 3, 'ZZ')", 'aZZef'],
  ["LEFT('abc', 2) + RIGHT('xyz', 1)", 'abz'],
  ["PATINDEX('%[0-9]%', 'ab3c')", '3'],
  ["REVERSE('abc')", 'cba'],
  ["QUOTENAME('a]b')", '[a]]b]'],
  ["DATEDIFF(year, '2023-12-31', '2024-01-01')", '1', 'int'],
  ["DATEPART(weekday, CAST('2024-03-03' AS date))", '1', 'int'],
  ["CONVERT(varchar(10), EOMONTH('2024-02-10'), 23)", '2024-02-29'],
  ["CONVERT(varchar(10), DATEADD(month, 1, CAST('2024-01-31' AS date)), 23)", '2024-02-29'],
  ['ROUND(2.345, 2)', '2.350'],
  ["ISNUMERIC('12')", '1'],
  ['NULLIF(1, 1)', 'null'],
  ['CAST(1 AS bit)', 'true', 'bit'],
  ['JSON_VALUE(\'{"a": {"b": "x"}}\', \'$.a.b\')', 'x'],
  ['CAST(1.5 AS money) * 2', '3.0000', 'money'],
];

describe('an expression has the value and type of SQL Server', () => {
  for (const [expression, value, type] of expressions) {
    test(`${expression} is ${value}`, async () => {
      const { rows, types } = await ask(`SELECT ${expression}`);
      expect(rows).toEqual([value]);
      if (type !== undefined) expect(types).toEqual([type]);
    });
  }
});

const letters = "(VALUES (1, 'a'), (2, 'A '), (3, 'b'), (4, NULL)) AS t(i, s)";
const queries: readonly (readonly [claim: string, query: string, rows: readonly string[]])[] = [
  ['GROUP BY takes text together without case and trailing blanks', `SELECT COUNT(*) FROM ${letters} GROUP BY s ORDER BY s`, ['1', '2', '1']],
  ['DISTINCT does so too', `SELECT COUNT(*) FROM (SELECT DISTINCT s FROM ${letters}) AS d`, ['3']],
  ['ORDER BY puts NULL first', `SELECT i FROM ${letters} ORDER BY s, i`, ['4', '1', '2', '3']],
  ['TOP WITH TIES keeps equal rows', `SELECT TOP 1 WITH TIES i FROM (VALUES (1), (1), (2)) AS t(i) ORDER BY i`, ['1', '1']],
  ['OFFSET and FETCH page', `SELECT i FROM ${letters} ORDER BY i OFFSET 1 ROWS FETCH NEXT 2 ROWS ONLY`, ['2', '3']],
  ['a recursive CTE recurs', 'WITH n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 4) SELECT SUM(i) FROM n', ['10']],
  ['INTERSECT binds tighter than UNION', 'SELECT 1 AS a UNION SELECT 2 INTERSECT SELECT 3', ['1']],
  ['CROSS APPLY sees the row beside it', `SELECT v.x FROM ${letters} CROSS APPLY (VALUES (t.i * 10)) AS v(x) WHERE t.i < 3 ORDER BY 1`, ['10', '20']],
  ['OUTER APPLY keeps rows without a match', `SELECT t.i, x.k FROM ${letters} OUTER APPLY (SELECT t.i AS k WHERE t.i > 3) AS x ORDER BY t.i`, ['1|null', '2|null', '3|null', '4|4']],
  ['OPENJSON WITH gives typed columns', `SELECT id, n FROM OPENJSON('[{"id": 1, "n": "x"}, {"id": 2}]') WITH (id int, n varchar(5)) ORDER BY id`, ['1|x', '2|null']],
  ['STRING_AGG keeps its order', `SELECT STRING_AGG(CAST(i AS varchar(5)), ',') WITHIN GROUP (ORDER BY i DESC) FROM ${letters}`, ['4,3,2,1']],
  ['NOT IN with NULL is never true', `SELECT COUNT(*) FROM ${letters} WHERE i NOT IN (1, NULL)`, ['0']],
]; // prettier-ignore

describe('a query has the rows of SQL Server', () => {
  for (const [claim, query, rows] of queries) test(`T-SQL: ${claim}`, async () => expect((await ask(query)).rows).toEqual(rows));
});
