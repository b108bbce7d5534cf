import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { askDeltaPath, readDeltaPath } from '#project';

import type { PythonSession } from '../services/python-session.ts';
import { temporaryFolder } from '../support/cli.ts';
import { peers, set } from '../support/delta-peers.ts';
import { count as countOf, keepEvidence } from '../support/evidence.ts';

const temporary = temporaryFolder();
afterAll(() => temporary[Symbol.dispose]());

/** Statements about `{t}`, in words that Spark and we both take; one that begins with `!` is refused by both, one with `us:` is always ours. */
type Script = { readonly name: string; readonly statements: readonly string[]; readonly isQuick?: boolean };

const people = (properties: string, more = ''): string =>
  `CREATE TABLE {t} (id INT, city STRING, price DECIMAL(9,2), at DATE) USING DELTA ${more} TBLPROPERTIES (${properties})`;

/** Deletes, updates, merges and appends of a table with {@link people}'s columns. */
const changes: readonly string[] = [
  "INSERT INTO {t} VALUES (1, 'Graz', 1.50, DATE '2024-01-01'), (2, 'Wien', 2.50, DATE '2024-02-01'), (3, NULL, NULL, NULL), (4, 'Linz', 4.00, DATE '2024-02-29')",
  "INSERT INTO {t} VALUES (5, 'Graz', 5.50, DATE '2024-03-01'), (6, 'Linz', 6.50, DATE '2024-03-02'), (7, 'Wien', 7.50, NULL)",
  'DELETE FROM {t} WHERE id = 2',
  "UPDATE {t} SET price = price * 2, city = 'Wels' WHERE id >= 4 AND id < 6",
  `MERGE INTO {t} AS t USING (SELECT 3 AS id, 'Bad Ischl' AS city, CAST(3.25 AS DECIMAL(9,2)) AS price, DATE '2024-05-01' AS at UNION ALL
   SELECT 6, 'gone', CAST(0 AS DECIMAL(9,2)), DATE '2024-05-02' UNION ALL SELECT 9, 'Melk', CAST(9.99 AS DECIMAL(9,2)), DATE '2024-05-03') AS s ON t.id = s.id
   WHEN MATCHED AND s.city = 'gone' THEN DELETE WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *`,
  'OPTIMIZE {t}',
  "DELETE FROM {t} WHERE city = 'Graz'",
  "INSERT INTO {t} VALUES (11, 'Steyr', 1.00, DATE '2024-06-01')",
];

const rowFacts = ['id', 'row_id', 'row_commit_version'];
const on = (...keys: readonly string[]) => keys.map((key) => `'delta.${key}' = 'true'`).join(', ');

const scripts: readonly Script[] = [
  { name: 'plain', statements: [people("'note' = 'x'"), ...changes] },
  { name: 'deletionVectors', statements: [people(on('enableDeletionVectors')), ...changes, 'REORG TABLE {t} APPLY (PURGE)'] },
  { name: 'deletionVectors of partitions', statements: [people(on('enableDeletionVectors'), 'PARTITIONED BY (city)'), ...changes] },
  { name: 'changeDataFeed', statements: [people(on('enableChangeDataFeed'), 'PARTITIONED BY (city)'), ...changes] },
  { name: 'changeDataFeed with deletionVectors', statements: [people(on('enableChangeDataFeed', 'enableDeletionVectors')), ...changes] },
  {
    name: 'columnMapping',
    statements: [
      people("'delta.columnMapping.mode' = 'name'", 'PARTITIONED BY (city)'),
      ...changes,
      'ALTER TABLE {t} RENAME COLUMN price TO `what it costs`',
      'ALTER TABLE {t} ADD COLUMNS (note STRUCT<a: INT, b: STRING>)',
      "us:INSERT INTO {t} VALUES (20, 'Wien', 1.00, DATE '2024-06-01', {'a': 1, 'b': 'x'})",
      'ALTER TABLE {t} DROP COLUMN note.b',
      'ALTER TABLE {t} RENAME COLUMN city TO place',
      "DELETE FROM {t} WHERE place = 'Wien' AND `what it costs` > 5",
      'ALTER TABLE {t} DROP COLUMN at',
    ],
  },
  {
    name: 'columnMapping by ids',
    statements: [people("'delta.columnMapping.mode' = 'id'"), ...changes, 'ALTER TABLE {t} RENAME COLUMN price TO cost'],
  },
  {
    name: 'columnMapping of a table that was there',
    statements: [
      people("'note' = 'x'"),
      ...changes,
      "ALTER TABLE {t} SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name')",
      'ALTER TABLE {t} RENAME COLUMN city TO place',
      "UPDATE {t} SET place = 'here' WHERE id = 3",
    ],
  },
  { name: 'rowTracking', statements: [people(on('enableRowTracking')), ...changes] },
  {
    name: 'rowTracking with deletionVectors',
    statements: [people(on('enableRowTracking', 'enableDeletionVectors')), ...changes],
  },
  {
    name: 'checkConstraints',
    statements: [
      people("'note' = 'x'"),
      ...changes,
      "ALTER TABLE {t} ADD CONSTRAINT cheap CHECK (price < 100 OR city IN ('Wien', 'Melk'))",
      '!ALTER TABLE {t} ADD CONSTRAINT none CHECK (id > 5)',
      "!INSERT INTO {t} VALUES (30, 'Graz', 100.00, NULL)",
      '!UPDATE {t} SET price = 500',
      "INSERT INTO {t} VALUES (31, 'Wien', 100.00, NULL)",
      '!INSERT INTO {t} VALUES (32, NULL, 100.00, NULL)',
      'ALTER TABLE {t} DROP CONSTRAINT cheap',
      "INSERT INTO {t} VALUES (33, 'Graz', 100.00, NULL)",
    ],
  },
  {
    name: 'generatedColumns',
    statements: [
      `CREATE TABLE {t} (at TIMESTAMP, day DATE GENERATED ALWAYS AS (CAST(at AS DATE)), n INT, twice BIGINT GENERATED ALWAYS AS (CAST(n AS BIGINT) * 2),
       label STRING GENERATED ALWAYS AS (concat('n', CAST(n AS STRING)))) USING DELTA PARTITIONED BY (day)`,
      "INSERT INTO {t} (at, n) VALUES (TIMESTAMP '2024-01-01 23:30:00Z', 1), (TIMESTAMP '2024-02-01 00:30:00Z', 2), (NULL, NULL)",
      "!INSERT INTO {t} (at, n, twice) VALUES (TIMESTAMP '2024-01-01 00:00:00Z', 1, 3)",
      "UPDATE {t} SET n = n + 10, at = TIMESTAMP '2024-03-01 00:00:00Z' WHERE n = 2",
      `MERGE INTO {t} AS t USING (SELECT TIMESTAMP '2025-01-01 00:00:00Z' AS at, 1 AS n UNION ALL SELECT TIMESTAMP '2025-02-01 00:00:00Z', 7) AS s ON t.n = s.n
       WHEN MATCHED THEN UPDATE SET at = s.at WHEN NOT MATCHED THEN INSERT (at, n) VALUES (s.at, s.n)`,
    ],
  },
  {
    name: 'allowColumnDefaults',
    statements: [
      "CREATE TABLE {t} (id INT, city STRING DEFAULT 'Graz', n INT DEFAULT 7) USING DELTA TBLPROPERTIES ('delta.feature.allowColumnDefaults' = 'supported')",
      'INSERT INTO {t} (id) VALUES (1), (2)',
      "INSERT INTO {t} VALUES (10, DEFAULT, 1), (11, 'x', DEFAULT)",
      "ALTER TABLE {t} ALTER COLUMN city SET DEFAULT 'Wien'",
      'INSERT INTO {t} (id, n) VALUES (3, NULL)',
      'UPDATE {t} SET n = DEFAULT, city = DEFAULT WHERE id = 11',
      'ALTER TABLE {t} ALTER COLUMN city DROP DEFAULT',
      'INSERT INTO {t} (id) VALUES (4)',
    ],
  },
  {
    name: 'typeWidening',
    statements: [
      people(on('enableTypeWidening')),
      ...changes,
      'ALTER TABLE {t} ALTER COLUMN id TYPE BIGINT',
      'ALTER TABLE {t} ALTER COLUMN price TYPE DECIMAL(12,3)',
      "INSERT INTO {t} VALUES (5000000000, 'far', 123456789.125, NULL)",
      'UPDATE {t} SET price = price + 0.001 WHERE id = 3',
      '!ALTER TABLE {t} ALTER COLUMN id TYPE INT',
    ],
  },
  {
    name: 'clustering',
    statements: [
      people("'note' = 'x'", 'CLUSTER BY (city, id)'),
      ...changes,
      'ALTER TABLE {t} CLUSTER BY (at)',
      'OPTIMIZE {t} FULL',
      'ALTER TABLE {t} CLUSTER BY NONE',
    ],
  },
  {
    name: 'inCommitTimestamp and v2Checkpoint',
    statements: [
      people(`${on('enableInCommitTimestamps')}, 'delta.checkpointPolicy' = 'v2', 'delta.checkpointInterval' = '3'`),
      ...changes,
    ],
  },
  {
    name: 'features that come later',
    statements: [
      people("'note' = 'x'"),
      ...changes.slice(0, 2),
      `ALTER TABLE {t} SET TBLPROPERTIES (${on('enableDeletionVectors', 'enableInCommitTimestamps')})`,
      ...changes.slice(2),
    ],
  },
  {
    name: 'identityColumns',
    statements: [
      'CREATE TABLE {t} (id BIGINT GENERATED ALWAYS AS IDENTITY (START WITH 10 INCREMENT BY 5), n BIGINT GENERATED BY DEFAULT AS IDENTITY, name STRING) USING DELTA',
      "INSERT INTO {t} (name) VALUES ('a')",
      "INSERT INTO {t} (name) VALUES ('b')",
      "!INSERT INTO {t} (id, name) VALUES (1, 'x')",
      "INSERT INTO {t} (n, name) VALUES (100, 'c')",
      'ALTER TABLE {t} ALTER COLUMN n SYNC IDENTITY',
      "INSERT INTO {t} (name) VALUES ('d')",
      "DELETE FROM {t} WHERE name = 'a'",
    ],
  },
  {
    name: 'compatibility, a property of ours',
    statements: [
      `us:${people("'delta.compatibility' = 'synapse', 'delta.targetFileSize' = '1mb'")}`,
      ...changes.slice(0, 4),
      "ALTER TABLE {t} SET TBLPROPERTIES ('note' = 'y')",
      ...changes.slice(4),
    ],
  },
  {
    name: 'materializePartitionColumns',
    statements: [people(on('enableMaterializePartitionColumnsFeature'), 'PARTITIONED BY (city)'), ...changes],
  },
  {
    name: 'lengths of texts',
    statements: [
      'CREATE TABLE {t} (id INT NOT NULL, name VARCHAR(3), s STRUCT<a: INT NOT NULL>) USING DELTA',
      "us:INSERT INTO {t} VALUES (1, 'abc', {'a': 1}), (2, NULL, {'a': 2})",
      "!INSERT INTO {t} VALUES (3, 'abcd', NULL)",
      "!INSERT INTO {t} VALUES (NULL, 'a', NULL)",
      "UPDATE {t} SET name = 'é€😀' WHERE id = 2",
    ],
  },
  {
    name: 'timestampNtz',
    statements: [
      'CREATE TABLE {t} (id INT, at TIMESTAMP_NTZ) USING DELTA',
      "INSERT INTO {t} VALUES (1, TIMESTAMP_NTZ '2024-01-01 12:30:00.123456'), (2, NULL)",
      "UPDATE {t} SET at = TIMESTAMP_NTZ '1969-01-01 00:00:00' WHERE id = 2",
    ],
  },
  {
    name: 'everything at once',
    isQuick: true,
    statements: [
      people(
        `${on('enableDeletionVectors', 'enableChangeDataFeed', 'enableRowTracking', 'enableInCommitTimestamps', 'enableTypeWidening')}, 'delta.columnMapping.mode' = 'name'`,
        'PARTITIONED BY (city)',
      ),
      ...changes,
      'ALTER TABLE {t} RENAME COLUMN price TO cost',
      "UPDATE {t} SET cost = 1, city = 'Enns' WHERE id > 3",
    ],
  },
  {
    name: 'replaced tables',
    statements: [
      people(on('enableDeletionVectors')),
      ...changes,
      'us:CREATE OR REPLACE TABLE {t} (id INT, name STRING) USING DELTA PARTITIONED BY (id)',
      "INSERT INTO {t} VALUES (1, 'a')",
      "us:CREATE OR REPLACE TABLE {t} USING DELTA AS SELECT 5 AS x, 'y' AS y",
      "INSERT INTO {t} VALUES (6, 'z')",
    ],
  },
  {
    name: 'dropped column mapping',
    statements: [
      people("'delta.columnMapping.mode' = 'name'", 'PARTITIONED BY (city)'),
      ...changes,
      'ALTER TABLE {t} RENAME COLUMN price TO cost',
      'us:ALTER TABLE {t} DROP FEATURE columnMapping',
      "INSERT INTO {t} VALUES (40, 'Enns', 1.00, NULL)",
      'DELETE FROM {t} WHERE id = 40',
    ],
  },
  {
    name: 'fields of structs and partitions by name',
    statements: [
      'CREATE TABLE {t} (id INT, s STRUCT<a: INT, b: STRUCT<c: STRING, d: INT>>, p STRING) USING DELTA PARTITIONED BY (p)',
      "us:INSERT INTO {t} VALUES (1, {'a': 1, 'b': {'c': 'x', 'd': 2}}, 'p1'), (2, NULL, 'p2')",
      "UPDATE {t} SET s.a = 5, s.b.c = 'y' WHERE id = 1",
      'UPDATE {t} SET s.a = 6 WHERE id = 2',
      "INSERT INTO {t} PARTITION (p = 'p3') VALUES (3, NULL)",
      "INSERT OVERWRITE {t} PARTITION (p = 'p2') VALUES (4, NULL)",
      'DELETE FROM {t} WHERE s.b.d = 2',
    ],
  },
  {
    name: 'dropped features',
    statements: [
      people(on('enableDeletionVectors')),
      ...changes,
      'ALTER TABLE {t} DROP FEATURE deletionVectors',
      "INSERT INTO {t} VALUES (40, 'Enns', 1.00, NULL)",
    ],
  },
];

const isThere = peers.find(({ peer }) => peer.name === 'Spark')?.isThere === true;

describe.skipIf(!isThere)('the same statements by Spark and by us', { timeout: 120_000 }, () => {
  let session: PythonSession;
  const passed: string[] = [];
  beforeAll(async () => {
    const started = await peers.find(({ peer }) => peer.name === 'Spark')?.peer.start();
    if (started === undefined) throw new Error('Spark does not start');
    session = started;
    await session.run(
      'spark.conf.set("spark.sql.session.timeZone", "UTC")\nspark.conf.set("spark.databricks.delta.typeWidening.enabled", "true")',
    );
  });
  afterAll(async () => await session[Symbol.asyncDispose]());

  async function ask(path: string, query: string): Promise<unknown> {
    let text = '';
    const emit = (event: { readonly kind: string; readonly text?: string }) => {
      if (event.kind === 'text') text += event.text ?? '';
    };
    const signal = new AbortController().signal;
    await askDeltaPath({ path, query, format: 'json', output: undefined }, { signal, emit });
    return JSON.parse(text);
  }

  const spark = async (path: string, statement: string): Promise<unknown> =>
    await session.run(`${set('statement', statement.replaceAll('{t}', `delta.\`${path}\``))}
rows = spark.sql(statement)
result = None`);

  async function perform(by: 'Spark' | 'us', path: string, statement: string): Promise<void> {
    const isRefused = statement.startsWith('!');
    const text = statement.replace(/^(?:!|us:)/, '');
    const run = by === 'Spark' && !statement.startsWith('us:') ? spark(path, text) : ask(path, text.replaceAll('{t}', 't'));
    // Not by chance: we by a rule of the table, Spark by one of its own errors.
    const refusal = by === 'us' ? { code: expect.stringMatching(/^DELTA_(?:CONSTRAINT|SCHEMA_MISMATCH|UNSUPPORTED)$/) as string } : { message: expect.stringMatching(/DELTA_|EXCEED_LIMIT_LENGTH|NOT_NULL/) as string }; // prettier-ignore
    if (isRefused) await expect(run, `${by}: ${text}`).rejects.toMatchObject(refusal);
    else
      await run.catch((error: unknown) => {
        throw new Error(`${by}: ${text}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
      });
  }

  /** All rows as sorted JSON of texts, as Spark reads them. */
  const theirRows = async (path: string): Promise<unknown> =>
    await session.run(`${set('table', path)}
found = spark.read.format("delta").load(table)
result = [found.columns, sorted([json.dumps([None if value is None else str(value) for value in row]) for row in found.collect()])]`);

  /** The same as we read them; Spark's texts of structs and times are taken from a Parquet file of ours. */
  async function ourRows(path: string): Promise<unknown> {
    const output = `${path}.ours.parquet`;
    await askDeltaPath(
      { path, query: 'SELECT * FROM t', format: 'parquet', output },
      { signal: new AbortController().signal, emit: () => undefined },
    );
    return await session.run(`${set('file', output)}
found = spark.read.parquet(file)
result = [found.columns, sorted([json.dumps([None if value is None else str(value) for value in row]) for row in found.collect()])]`);
  }

  /** What both say of rows beside their values, as sorted JSON: ids where they are tracked, and the change feed where it is kept. */
  async function checkFacts(path: string): Promise<void> {
    const [detail] = (await ask(path, 'DESCRIBE DETAIL t')) as readonly { readonly properties: string }[];
    const properties = JSON.parse(detail?.properties ?? '{}') as Readonly<Record<string, string>>;
    const context = { signal: new AbortController().signal, emit: () => undefined };
    const sorted = async (rows: string) => await session.run(`${set('table', path)}${set('output', `${path}.facts.parquet`)}
found = ${rows}
result = sorted([json.dumps([None if value is None else str(value) for value in row]) for row in found.collect()])`); // prettier-ignore
    if (properties['delta.enableRowTracking'] === 'true') {
      const request = {
        verb: 'read' as const,
        path,
        rowIds: true,
        columns: rowFacts,
        output: `${path}.facts.parquet`,
        format: 'table' as const,
      };
      await readDeltaPath(request, context);
      const theirs = await sorted('spark.sql("SELECT id, _metadata.row_id, _metadata.row_commit_version FROM delta.`" + table + "`")');
      expect(await sorted('spark.read.parquet(output)'), `row ids of ${path}`).toEqual(theirs);
    }
    if (properties['delta.enableChangeDataFeed'] === 'true') {
      const feed = 'select("id", "_change_type", "_commit_version")';
      const read = async () =>
        await readDeltaPath({ verb: 'changes', path, from: 0, output: `${path}.facts.parquet`, format: 'table' }, context);
      const theirs = await sorted(
        `spark.read.format("delta").option("readChangeFeed", True).option("startingVersion", 0).load(table).${feed}`,
      ).catch(String);
      // A range in which a column was renamed is refused by both.
      if (typeof theirs === 'string') {
        expect(theirs).toContain('DELTA_CHANGE_DATA_FEED_INCOMPATIBLE');
        await expect(read()).rejects.toMatchObject({ code: 'DELTA_UNSUPPORTED' });
        return;
      }
      await read();
      expect(await sorted(`spark.read.parquet(output).${feed}`), `change feed of ${path}`).toEqual(theirs);
    }
  }

  const protocolOf = async (path: string): Promise<unknown> =>
    await session.run(`${set('table', path)}
row = spark.sql("DESCRIBE DETAIL delta.\`" + table + "\`").collect()[0]
result = [row["minReaderVersion"], row["minWriterVersion"], sorted(row["tableFeatures"])]`);

  const path = (script: Script, by: string) => join(temporary.path, `${script.name.replaceAll(' ', '-')}-${by}`);

  // Spark takes a second a statement: without VERIFY one script, in turn only.
  const isWhole = countOf(0, 1) === 1;
  for (const script of scripts.filter(({ isQuick }) => isWhole || isQuick === true)) {
    test(`${script.name}: in turn, and by each alone, all read equal by both`, async () => {
      const alone = isWhole ? script.statements : [];
      for (const statement of alone) {
        await perform('Spark', path(script, 'spark'), statement);
        await perform('us', path(script, 'us'), statement);
      }
      for (const [index, statement] of script.statements.entries())
        await perform(index % 2 === 0 ? 'Spark' : 'us', path(script, 'turn'), statement);
      for (const [index, statement] of (isWhole ? script.statements : []).entries()) await perform(index % 2 === 1 ? 'Spark' : 'us', path(script, 'other-turn'), statement); // prettier-ignore
      const expected = await theirRows(path(script, isWhole ? 'spark' : 'turn'));
      expect(expected).not.toEqual([expect.anything(), []]);
      for (const by of isWhole ? ['spark', 'us', 'turn', 'other-turn'] : ['turn']) {
        expect(await theirRows(path(script, by)), `${by}, read by Spark`).toEqual(expected);
        expect(await ourRows(path(script, by)), `${by}, read by us`).toEqual(expected);
        await checkFacts(path(script, by));
      }
      if (isWhole) expect(await protocolOf(path(script, 'us'))).toEqual(await protocolOf(path(script, 'spark')));
      passed.push(script.name);
    });
  }
  test.runIf(isWhole)(
    'clones of each are read by the other, and a folder of Parquet files that we converted is a table for both',
    async () => {
      const [source, ours, theirs] = ['clone-source', 'our-clone', 'their-clone'].map((name) => join(temporary.path, name));
      if (source === undefined || ours === undefined || theirs === undefined) throw new Error('no paths');
      for (const statement of [people(on('enableDeletionVectors'), 'PARTITIONED BY (city)'), ...changes.slice(0, 4)])
        await perform('us', source, statement);
      const expected = await theirRows(source);
      await ask(ours, `CREATE TABLE t SHALLOW CLONE delta.\`${source}\``);
      await spark(theirs, `CREATE TABLE {t} SHALLOW CLONE delta.\`${source}\``);
      for (const clone of [ours, theirs]) {
        expect(await theirRows(clone), `${clone}, read by Spark`).toEqual(expected);
        expect(await ourRows(clone), `${clone}, read by us`).toEqual(expected);
      }
      // Each changes the other's clone; the source stays.
      await perform('Spark', ours, 'DELETE FROM {t} WHERE id = 1');
      await perform('us', theirs, 'DELETE FROM {t} WHERE id = 1');
      expect(await ourRows(ours)).toEqual(await theirRows(theirs));
      expect(await theirRows(source)).toEqual(expected);
      const raw = join(temporary.path, 'raw');
      await session.run(`${set('raw', raw)}
spark.sql("SELECT id AS n, CAST(id % 3 AS STRING) AS name, TIMESTAMP '2024-01-01 00:00:00' AS at, DATE '2024-01-01' + CAST(id % 2 AS INT) AS day FROM range(20)").write.partitionBy("day").parquet(raw)
result = None`);
      await ask(join(temporary.path, 'raw'), 'CONVERT TO DELTA t');
      expect(await theirRows(raw)).toEqual(await ourRows(raw));
      expect(await ask(raw, "SELECT count(*) AS n, min(n) AS low FROM t WHERE day = DATE '2024-01-02'")).toEqual([{ n: 10, low: 1 }]);
    },
  );
  afterAll(() => {
    if (isWhole && passed.length === scripts.length) keepEvidence('delta-features-spark', { scripts: passed });
  });
});
