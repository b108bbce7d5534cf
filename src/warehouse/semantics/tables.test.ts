import { describe } from 'vitest';

import { openSemantics, testScripts } from '../../../test/support/semantics.ts';

const ask = openSemantics();

// What SQL Server's documentation says of changes to tables and of grouping.
describe('tables', () => {
  testScripts(ask, 'TOP ... PERCENT', [
    ['is rounded up', 'SELECT TOP 50 PERCENT v FROM (VALUES (3), (1), (2)) AS t(v) ORDER BY v', ['1', '2']],
    ['of few rows gives one', 'SELECT TOP (1) PERCENT v FROM (VALUES (3), (1), (2)) AS t(v) ORDER BY v DESC', ['3']],
    ['of 0 gives none', 'SELECT TOP 0 PERCENT v FROM (VALUES (3), (1)) AS t(v)', []],
    [
      'takes a variable',
      'DECLARE @p float = 40.1; SELECT TOP (@p) PERCENT v FROM (VALUES (5), (4), (3), (2), (1)) AS t(v) ORDER BY v',
      ['1', '2', '3'],
    ],
    [
      'counts groups',
      "SELECT TOP 60 PERCENT g, COUNT(*) FROM (VALUES ('b'), ('a'), ('b'), ('c')) AS t(g) GROUP BY g ORDER BY g",
      ['a|1', 'b|2'],
    ],
    [
      'counts what is distinct',
      'SELECT DISTINCT TOP 50 PERCENT v FROM (VALUES (3), (3), (1), (2), (2)) AS t(v) ORDER BY v DESC',
      ['3', '2'],
    ],
    [
      'over 100 is refused',
      'SELECT TOP 101 PERCENT v FROM (VALUES (3)) AS t(v)',
      ['error 1031: Percent values must be between 0 and 100.'],
    ],
  ]);
  testScripts(ask, 'what does not fit a column', [
    [
      'is refused by INSERT with the table, the column and the value that was cut',
      "CREATE TABLE dbo.short (a varchar(3), b nvarchar(2), c varbinary(2)); INSERT INTO dbo.short (a) VALUES ('abcd')",
      ["error 2628: String or binary data would be truncated in table 'dbo.short', column 'a'. Truncated value: 'abc'."],
    ],
    ['but blanks at its end are cut in silence', "INSERT INTO dbo.short (a) VALUES ('abc  '); SELECT a, LEN(a) FROM dbo.short", ['abc|3']],
    [
      'is refused by UPDATE, and nothing changes',
      "UPDATE dbo.short SET a = a + 'd'; SELECT a FROM dbo.short",
      ["error 2628: String or binary data would be truncated in table 'dbo.short', column 'a'. Truncated value: 'abc'."],
    ],
    [
      'is refused by INSERT ... SELECT',
      "INSERT INTO dbo.short (b) SELECT REPLICATE(N'é', n) FROM (VALUES (1), (3)) AS v(n)",
      ["error 2628: String or binary data would be truncated in table 'dbo.short', column 'b'. Truncated value: 'éé'."],
    ],
    [
      'is refused for bytes',
      'INSERT INTO dbo.short (c) VALUES (0x010203)',
      ["error 2628: String or binary data would be truncated in table 'dbo.short', column 'c'. Truncated value: ''."],
    ],
    [
      'CAST cuts, as it was asked to',
      "INSERT INTO dbo.short (a) VALUES (CAST('wxyz' AS varchar(3))); SELECT a FROM dbo.short WHERE a LIKE 'w%'",
      ['wxy'],
    ],
    [
      'a number that is too large is an overflow',
      'CREATE TABLE dbo.n (a tinyint); INSERT INTO dbo.n VALUES (256)',
      ['error 220: Arithmetic overflow error for data type tinyint, value = 256.'],
    ],
    [
      'NULL is refused by a column without',
      'CREATE TABLE dbo.m (a int NOT NULL); INSERT INTO dbo.m VALUES (NULL)',
      ["error 515: Cannot insert the value NULL into column 'a', table 'm'; column does not allow nulls."],
    ],
  ]);

  testScripts(ask, 'grouping by several sets', [
    [
      'ROLLUP: a key of text is NULL in the total',
      "CREATE TABLE dbo.g (k varchar(5), s varchar(5), n int); INSERT INTO dbo.g VALUES ('a','x',1), ('A ','y',2), ('b','x',4), (NULL,'x',8); SELECT k, SUM(n), GROUPING(k) FROM dbo.g GROUP BY ROLLUP (k) ORDER BY GROUPING(k), SUM(n)",
      ['a|3|0', 'b|4|0', 'NULL|8|0', 'NULL|15|1'],
    ],
    [
      'CUBE: each key is NULL where its set leaves it out',
      'SELECT k, s, SUM(n) FROM dbo.g WHERE k IS NOT NULL GROUP BY CUBE (k, s) HAVING GROUPING(k) = 1 ORDER BY 3, 2',
      ['NULL|y|2', 'NULL|x|5', 'NULL|NULL|7'],
    ],
    [
      'GROUPING SETS with an empty set',
      "SELECT ISNULL(k, 'all'), COUNT(*) FROM dbo.g WHERE k IS NOT NULL GROUP BY GROUPING SETS ((k), ()) ORDER BY 2",
      ['b|1', 'a|2', 'all|3'],
    ],
    ['WITH ROLLUP, the older form', 'SELECT s, COUNT(*) FROM dbo.g GROUP BY s WITH ROLLUP ORDER BY 2', ['y|1', 'x|3', 'NULL|4']],
    ['text is grouped without case and trailing blanks', 'SELECT COUNT(*) FROM (SELECT k FROM dbo.g GROUP BY k) AS q', ['3']],
  ]);
});
