import { join } from 'node:path';

import { beforeAll, describe, expect, test } from 'vitest';

import { lakestead, lakesteadJson, temporaryFolder } from '../support/cli.ts';

const folder = temporaryFolder();
const project = join(folder.path, 'empty');
const ask = async (query: string) => await lakesteadJson<Record<string, unknown>[]>(['sql', '--project', project, query]);
const refusal = async (query: string) => {
  const { exitCode, stderr } = await lakestead(['sql', '--project', project, query, '--json']);
  expect(exitCode).not.toBe(0);
  return JSON.parse(stderr) as { code: string; message: string };
};

beforeAll(async () => {
  await lakesteadJson(['init', project, '--template', 'empty']);
  return () => folder[Symbol.dispose]();
});

describe("the lake's dialect has Delta's statements in Spark's words", () => {
  test('CREATE TABLE, INSERT INTO, INSERT OVERWRITE: one row says what changed', { timeout: 60_000 }, async () => {
    const created = `CREATE TABLE gold.sales.orders (id BIGINT NOT NULL, day DATE, price DECIMAL(10, 2), tags ARRAY<STRING>) USING DELTA
      PARTITIONED BY (day) COMMENT 'all orders' TBLPROPERTIES ('delta.checkpointInterval' = '5')`;
    expect(await ask(created)).toEqual([{ num_affected_rows: 0, num_inserted_rows: 0 }]);
    expect(await ask("INSERT INTO gold.sales.orders VALUES (1, DATE '2024-01-01', 1.5, ['a']), (2, NULL, 2, NULL)")).toEqual([
      { num_affected_rows: 2, num_inserted_rows: 2 },
    ]);
    await ask('INSERT INTO gold.sales.orders (price, id, tags, day) SELECT 3, 3, NULL, NULL');
    await ask("INSERT INTO gold.sales.orders BY NAME SELECT DATE '2024-01-02' AS day, 4::BIGINT AS id, 4.25 AS price, [] AS tags");
    expect(await ask('SELECT id, price FROM gold.sales.orders ORDER BY id')).toEqual([
      { id: 1, price: 1.5 },
      { id: 2, price: 2 },
      { id: 3, price: 3 },
      { id: 4, price: 4.25 },
    ]);
    expect(await ask('INSERT OVERWRITE gold.sales.orders SELECT id + 10, day, price, tags FROM gold.sales.orders WHERE id <= 2')).toEqual([
      { num_affected_rows: 2, num_inserted_rows: 2 },
    ]);
    expect(await ask('SELECT list(id ORDER BY id) AS ids FROM gold.sales.orders')).toEqual([{ ids: [11, 12] }]);
  });

  test('time travel as Spark has it', async () => {
    expect(await ask('SELECT count(*) AS n FROM gold.sales.orders VERSION AS OF 3')).toEqual([{ n: 4 }]);
    expect(
      await ask(
        'SELECT n.n - o.n AS more FROM (SELECT count(*) AS n FROM gold.sales.orders@v1) AS o, (SELECT count(*) AS n FROM gold.sales.orders) AS n',
      ),
    ).toEqual([{ more: 0 }]);
    expect((await refusal("SELECT * FROM gold.sales.orders TIMESTAMP AS OF '2020-01-01'")).code).toBe('DELTA_VERSION_NOT_FOUND');
  });

  test('CREATE TABLE AS, once', { timeout: 30_000 }, async () => {
    const created = 'CREATE TABLE gold.sales.totals AS SELECT day, sum(price) AS total FROM gold.sales.orders GROUP BY day';
    expect(await ask(created)).toEqual([{ num_affected_rows: 2, num_inserted_rows: 2 }]);
    expect((await refusal(created)).code).toBe('STORAGE_EXISTS');
    expect(await ask(created.replace('TABLE', 'TABLE IF NOT EXISTS'))).toEqual([{ num_affected_rows: 0, num_inserted_rows: 0 }]);
  });

  test('DESCRIBE HISTORY, DESCRIBE DETAIL and SHOW TBLPROPERTIES', async () => {
    const history = await ask('DESCRIBE HISTORY gold.sales.orders LIMIT 2');
    expect(history.map(({ version, operation }) => [version, operation])).toEqual([
      [4, 'WRITE'],
      [3, 'WRITE'],
    ]);
    expect(await ask('DESCRIBE DETAIL gold.sales.orders')).toMatchObject([
      { format: 'delta', description: 'all orders', partitionColumns: ['day'], minReaderVersion: 1, minWriterVersion: 2 },
    ]);
    expect((await ask('DESCRIBE gold.sales.orders')).map((column) => column['column_name'])).toEqual(['id', 'day', 'price', 'tags']);
    expect(await ask("SHOW TBLPROPERTIES gold.sales.orders ('delta.checkpointInterval')")).toEqual([
      { key: 'delta.checkpointInterval', value: '5' },
    ]);
  });

  test('numbers are stored as Spark stores them: fractions are cut', async () => {
    await ask('CREATE TABLE gold.sales.numbers (i INT, b BIGINT, d DOUBLE, s STRING)');
    await ask("INSERT INTO gold.sales.numbers VALUES (1.7, -2.5, 1, '5'), (0.9::DOUBLE, NULL, 0.5, 'x')");
    expect(await ask('SELECT * FROM gold.sales.numbers ORDER BY i')).toEqual([
      { i: 0, b: null, d: 0.5, s: 'x' },
      { i: 1, b: -2, d: 1, s: '5' },
    ]);
  });

  test('a text stays what it is, in each of its forms, and comments stand within comments', async () => {
    const forms = ["'VERSION AS OF 3'", "E'it\\'s x VERSION AS OF 3'", "$$it's x VERSION AS OF 3$$", "$t$it's x $$ VERSION AS OF 3$t$"];
    const [row] = await ask(
      `SELECT ${forms.map((form, index) => `${form} AS c${index}`).join(', ')} /* it's /* one */ it's */, E'\\\\' AS last`,
    );
    expect(row).toEqual({
      c0: 'VERSION AS OF 3',
      c1: "it's x VERSION AS OF 3",
      c2: "it's x VERSION AS OF 3",
      c3: "it's x $$ VERSION AS OF 3",
      last: '\\',
    });
  });

  test(
    'DELETE, UPDATE and MERGE: one row of counts, subqueries of other tables, the words of the condition in the history',
    {
      timeout: 60_000,
    },
    async () => {
      await ask("CREATE TABLE gold.sales.people AS SELECT i AS id, 'n' || i AS name, i % 3 AS grp FROM range(10) r(i)");
      await ask('CREATE TABLE gold.sales.gone AS SELECT 3::BIGINT AS id UNION ALL SELECT 4');
      expect(await ask('DELETE FROM gold.sales.people WHERE id IN (SELECT id FROM gold.sales.gone)')).toEqual([{ num_affected_rows: 2 }]);
      expect(await ask('DELETE FROM gold.sales.people WHERE id > 100')).toEqual([{ num_affected_rows: 0 }]);
      expect(await ask("UPDATE gold.sales.people p SET p.name = upper(name) || '!', grp = NULL WHERE p.id < 2")).toEqual([
        { num_affected_rows: 2 },
      ]);
      const source = "(SELECT 1 AS id, 'one' AS name, 7 AS grp UNION ALL SELECT 50, 'fifty', 8)";
      expect(
        await ask(`MERGE INTO gold.sales.people USING ${source} AS s ON people.id = s.id WHEN MATCHED THEN UPDATE SET *
        WHEN NOT MATCHED THEN INSERT (id, name) VALUES (s.id, s.name) WHEN NOT MATCHED BY SOURCE AND people.grp = 2 THEN DELETE`),
      ).toEqual([{ num_affected_rows: 5, num_updated_rows: 1, num_deleted_rows: 3, num_inserted_rows: 1 }]);
      expect(await ask('MERGE INTO gold.sales.people t USING gold.sales.gone ON t.id = gone.id WHEN NOT MATCHED THEN INSERT (id) VALUES (gone.id)')).toEqual([
      { num_affected_rows: 2, num_updated_rows: 0, num_deleted_rows: 0, num_inserted_rows: 2 },
    ]); // prettier-ignore
      expect(await ask('SELECT * FROM gold.sales.people ORDER BY id')).toEqual([
        { id: 0, name: 'N0!', grp: null },
        { id: 1, name: 'one', grp: 7 },
        { id: 3, name: null, grp: null },
        { id: 4, name: null, grp: null },
        { id: 6, name: 'n6', grp: 0 },
        { id: 7, name: 'n7', grp: 1 },
        { id: 9, name: 'n9', grp: 0 },
        { id: 50, name: 'fifty', grp: null },
      ]);
      const history = await ask('DESCRIBE HISTORY gold.sales.people');
      expect(history.map(({ operation }) => operation)).toEqual(['MERGE', 'MERGE', 'UPDATE', 'DELETE', 'CREATE TABLE AS SELECT']);
      expect(JSON.parse(String(history[3]?.['operationParameters']))).toEqual({
        predicate: '["(id IN (SELECT id FROM gold.sales.gone))"]',
      });
    },
  );

  test('OPTIMIZE, RESTORE, VACUUM, REPLACE WHERE and PARTITION', { timeout: 60_000 }, async () => {
    await ask('CREATE TABLE gold.sales.parts (id BIGINT, p STRING) USING DELTA PARTITIONED BY (p)');
    for (const from of [0, 3, 6]) await ask(`INSERT INTO gold.sales.parts SELECT i, 'p' || (i % 2) FROM range(${from}, ${from + 3}) r(i)`);
    const [optimized] = await ask("OPTIMIZE gold.sales.parts WHERE p = 'p0'");
    expect(optimized?.['metrics']).toMatchObject({ numFilesAdded: 1, numFilesRemoved: 3 });
    await ask('OPTIMIZE gold.sales.parts ZORDER BY (id)');
    expect(await ask("INSERT INTO gold.sales.parts REPLACE WHERE p = 'p1' SELECT 100, 'p1'")).toEqual([
      { num_affected_rows: 1, num_inserted_rows: 1 },
    ]);
    await ask("INSERT OVERWRITE gold.sales.parts PARTITION (p) SELECT 200, 'p0'");
    expect(await ask('SELECT id FROM gold.sales.parts ORDER BY id')).toEqual([{ id: 100 }, { id: 200 }]);
    expect(await ask('RESTORE TABLE gold.sales.parts TO VERSION AS OF 3')).toMatchObject([
      { num_restored_files: 6, num_removed_files: 2, num_of_files_after_restore: 6 },
    ]);
    expect(await ask('RESTORE TABLE gold.sales.parts TO TIMESTAMP AS OF now() + INTERVAL 1 hour')).toMatchObject([
      { num_restored_files: 0 },
    ]);
    expect(await ask('VACUUM gold.sales.parts DRY RUN')).toEqual([]);
    expect(await ask('VACUUM gold.sales.parts')).toHaveLength(1);
    expect(await ask('SELECT count(*) AS n FROM gold.sales.parts')).toEqual([{ n: 9 }]);
    const operations = (await ask('DESCRIBE HISTORY gold.sales.parts')).map(({ operation }) => operation);
    expect(operations.slice(0, 6)).toEqual(['RESTORE', 'RESTORE', 'WRITE', 'WRITE', 'OPTIMIZE', 'OPTIMIZE']);
  });

  test('ALTER TABLE: properties and columns', { timeout: 60_000 }, async () => {
    await ask("CREATE TABLE gold.sales.alters AS SELECT 1 AS id, 'a' AS name");
    for (const change of ["SET TBLPROPERTIES ('delta.appendOnly' = 'true')", 'ADD COLUMNS (note STRING COMMENT \'free text\' AFTER id, ok BOOLEAN)', "ALTER COLUMN name COMMENT 'who'"])
      expect(await ask(`ALTER TABLE gold.sales.alters ${change}`)).toEqual([{ num_affected_rows: 0 }]); // prettier-ignore
    expect(await ask('SELECT * FROM gold.sales.alters')).toEqual([{ id: 1, note: null, name: 'a', ok: null }]);
    expect((await refusal('DELETE FROM gold.sales.alters')).code).toBe('DELTA_UNSUPPORTED');
    await ask("ALTER TABLE gold.sales.alters UNSET TBLPROPERTIES ('delta.appendOnly')");
    expect(await ask('DELETE FROM gold.sales.alters')).toEqual([{ num_affected_rows: 1 }]);
  });

  test('DEFAULT in INSERT, UPDATE and MERGE', { timeout: 60_000 }, async () => {
    await ask("CREATE TABLE gold.sales.defaults (id INT, city STRING DEFAULT concat('Gr', 'az'), n INT DEFAULT 7) USING DELTA TBLPROPERTIES ('delta.feature.allowColumnDefaults' = 'supported')"); // prettier-ignore
    await ask("INSERT INTO gold.sales.defaults VALUES (1, 'Wien', DEFAULT), (2, 'Linz', 1)");
    await ask('UPDATE gold.sales.defaults SET city = DEFAULT, id = id + 10 WHERE n = 1');
    await ask(`MERGE INTO gold.sales.defaults AS t USING (SELECT 12 AS id UNION ALL SELECT 5) AS s ON t.id = s.id
      WHEN MATCHED THEN UPDATE SET t.n = DEFAULT WHEN NOT MATCHED THEN INSERT (id, city, n) VALUES (s.id, DEFAULT, NULL)`);
    expect(await ask('SELECT * FROM gold.sales.defaults ORDER BY id')).toEqual([
      { id: 1, city: 'Wien', n: 7 },
      { id: 5, city: 'Graz', n: null },
      { id: 12, city: 'Graz', n: 7 },
    ]);
  });

  test('what is not there yet or would not fit is refused by name, and nothing changes', { timeout: 60_000 }, async () => {
    const cases: readonly (readonly [string, string, string])[] = [
      ['ALTER TABLE gold.sales.orders DROP COLUMN id', 'DELTA_UNSUPPORTED', 'needs column mapping'],
      ['ALTER TABLE gold.sales.orders RENAME COLUMN id TO x', 'DELTA_UNSUPPORTED', 'needs column mapping'],
      ["ALTER TABLE gold.sales.orders SET TBLPROPERTIES ('delta.enableIcebergCompatV2' = 'true')", 'DELTA_UNSUPPORTED', 'IcebergCompatV2'],
      [
        "ALTER TABLE gold.sales.orders SET TBLPROPERTIES ('delta.feature.catalogManaged' = 'supported')",
        'DELTA_UNSUPPORTED',
        'catalogManaged',
      ],
      ['ALTER TABLE gold.sales.orders ALTER COLUMN id TYPE STRING', 'DELTA_UNSUPPORTED', 'cannot become string'],
      ['ALTER TABLE gold.sales.orders ADD CONSTRAINT c CHECK (id IN (SELECT 1))', 'DELTA_UNSUPPORTED', 'SELECT'],
      ["ALTER TABLE gold.sales.orders ADD CONSTRAINT c CHECK (getenv('HOME') = 'x')", 'DELTA_UNSUPPORTED', 'the function getenv'],
      ['ALTER TABLE gold.sales.orders ADD CONSTRAINT c CHECK (id < 0)', 'DELTA_CONSTRAINT', 'break the new rule'],
      ['VACUUM gold.sales.orders RETAIN 0 HOURS', 'USAGE', 'keeps removed files for 168 hours'],
      ['RESTORE TABLE gold.sales.orders TO VERSION AS OF 99', 'DELTA_VERSION_NOT_FOUND', '99'],
      ['OPTIMIZE gold.sales.orders ZORDER BY (day)', 'DELTA_SCHEMA_MISMATCH', 'day'],
      ['INSERT INTO gold.sales.people REPLACE WHERE id = 1 SELECT 2, NULL, 3', 'DELTA_SCHEMA_MISMATCH', '1 of the new rows'],
      ['DELETE FROM gold.sales.orders WHERE nothing = 1', 'SQL_NAME_NOT_FOUND', 'nothing'],
      ['DELETE FROM gold.sales.orders WHERE random() < 2', 'SQL_NOT_SUPPORTED', 'random() in a condition'],
      ["DELETE FROM gold.sales.orders WHERE id IN (FROM read_csv('/etc/passwd'))", 'SQL_NOT_SUPPORTED', 'read_csv'],
      ['UPDATE gold.sales.orders SET id = getenv(1)', 'SQL_NOT_SUPPORTED', 'getenv'],
      ["UPDATE gold.sales.orders SET id = 'x'", 'DELTA_SCHEMA_MISMATCH', 'id of'],
      ['UPDATE gold.sales.orders SET id = 1, orders.ID = 2', 'SQL_SYNTAX', 'ID is set twice'],
      ['UPDATE gold.sales.orders SET id = 1) FROM (SELECT 1', 'SQL_SYNTAX', 'expected the end'],
      [
        'MERGE INTO gold.sales.orders t USING (SELECT 11 AS id UNION ALL SELECT 11) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET price = 1',
        'DELTA_MERGE_AMBIGUOUS',
        '2 rows of the source',
      ],
      ['INSERT INTO gold.sales.orders SELECT 1', 'DELTA_SCHEMA_MISMATCH', 'the query has 1 columns, and 4 are wanted'],
      ["INSERT INTO gold.sales.orders SELECT 'x', NULL, NULL, NULL", 'DELTA_SCHEMA_MISMATCH', 'id'],
      ['INSERT INTO gold.sales.nothing SELECT 1', 'SQL_NAME_NOT_FOUND', 'gold.sales.nothing'],
      ["INSERT INTO gold.sales.totals SELECT * FROM read_csv('/etc/passwd')", 'SQL_NOT_SUPPORTED', 'read_csv'],
      ['CREATE TABLE gold.sales.other (a INTERVAL)', 'SQL_NOT_SUPPORTED', 'INTERVAL'],
      ['CREATE TABLE gold.sales.other (a DECIMAL(50, 10))', 'DELTA_UNSUPPORTED', 'precision goes from 1 to 38'],
      ['CREATE TABLE gold.sales.other (a STRUCT<b: INT, B: INT>)', 'DELTA_SCHEMA_MISMATCH', 'stands twice'],
      ['CREATE TABLE gold.sales._other (a INT)', 'SQL_SYNTAX', 'would be hidden'],
      ['CREATE TABLE gold.sales.orders.inside (a INT)', 'SQL_SYNTAX', 'gold.sales.orders is a table'],
      ['INSERT INTO gold.sales.numbers VALUES (true, 1, 1, NULL)', 'DELTA_SCHEMA_MISMATCH', 'i'],
      ['CREATE TABLE other (a INT)', 'SQL_SYNTAX', 'no name of a lake table'],
    ];
    for (const [query, code, message] of cases) {
      const error = await refusal(query);
      expect([query, error.code]).toEqual([query, code]);
      expect(error.message).toContain(message);
    }
    expect(await ask('SELECT count(*) AS n FROM gold.sales.orders')).toEqual([{ n: 2 }]);
  });
});
