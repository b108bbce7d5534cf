import { type Engine } from '#engine';
import { type Sql, sql, unsafeSql } from '#sql';

import { requireOrSkip } from '../services/availability.ts';
import { findPython } from '../services/python.ts';
import { type PythonSession, startPython } from '../services/python-session.ts';
import { findDeltaJars, startSpark } from '../services/spark.ts';

/** One engine beside ours: Python that uses `table` and `file`, which are paths. */
export type Peer = {
  readonly name: string;
  readonly start: () => Promise<PythonSession | undefined>;
  /** Writes the rows of the table to a Parquet file or folder. */
  readonly read: string;
  /** Writes the rows of the Parquet file to the table; `mode` and `partition_by` are set. */
  readonly write: string;
  /** Leaves the operations of the history in `result`, newest first. */
  readonly history: string;
  /** Changes rows: `change` is append, delete, update, merge or optimize, `where` a condition, `rows` a list of `[id, n]`. */
  readonly change: string;
};

const deltaRs: Peer = {
  name: 'delta-rs',
  start: async () => await startPython(),
  read: `
import deltalake, pyarrow.parquet
found = deltalake.DeltaTable(table) if version is None else deltalake.DeltaTable(table, version=version)
pyarrow.parquet.write_table(found.to_pyarrow_table(), file)
result = found.version()`,
  write: `
import deltalake, pyarrow.parquet
deltalake.write_deltalake(table, pyarrow.parquet.read_table(file), mode=mode, partition_by=partition_by or None)`,
  history: `
import deltalake
result = [[entry["version"], entry["operation"], entry["operationParameters"].get("mode")] for entry in deltalake.DeltaTable(table).history()]`,
  change: `
import deltalake, pyarrow
found = deltalake.DeltaTable(table)
source = pyarrow.table({"id": pyarrow.array([row[0] for row in rows], pyarrow.int64()), "n": pyarrow.array([row[1] for row in rows], pyarrow.int64())})
if change == "append": deltalake.write_deltalake(table, source, mode="append")
elif change == "delete": found.delete(where)
elif change == "update": found.update(updates={"n": "n + 1"}, predicate=where)
elif change == "optimize": found.optimize.compact()
else: found.merge(source, "t.id = s.id", source_alias="s", target_alias="t").when_matched_update_all().when_not_matched_insert_all().execute()`,
};

export const spark: Peer = {
  name: 'Spark',
  start: startSpark,
  read: `
reader = spark.read.format("delta") if version is None else spark.read.format("delta").option("versionAsOf", version)
reader.load(table).write.mode("overwrite").parquet(file)`,
  write: `
writer = spark.read.parquet(file).write.format("delta").mode(mode)
(writer.partitionBy(*partition_by) if partition_by else writer).save(table)`,
  history: `
found = spark.sql("DESCRIBE HISTORY delta.\`" + table + "\`").select("version", "operation", "operationParameters").collect()
result = [[row[0], row[1], row[2].get("mode")] for row in found]`,
  change: `
name = "delta.\`" + table + "\`"
if len(rows) > 0: spark.createDataFrame([tuple(row) for row in rows], "id BIGINT, n BIGINT").createOrReplaceTempView("s")
if change == "append": spark.sql("INSERT INTO " + name + " SELECT * FROM s")
elif change == "delete": spark.sql("DELETE FROM " + name + " WHERE " + where)
elif change == "update": spark.sql("UPDATE " + name + " SET n = n + 1 WHERE " + where)
elif change == "optimize": spark.sql("OPTIMIZE " + name)
else: spark.sql("MERGE INTO " + name + " t USING s ON t.id = s.id WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *")`,
};

const installs = 'node test/services/python.ts && node test/services/spark.ts';
/** Those that tests run against, and whether they are there. */
export const peers = [
  { peer: deltaRs, isThere: requireOrSkip('delta-rs', findPython(), installs) !== undefined },
  {
    peer: spark,
    isThere: requireOrSkip('Spark with Delta', findPython() === undefined ? undefined : findDeltaJars(), installs) !== undefined,
  },
];

/** Rows of every type with the values that hurt, `offset` makes them differ. */
export function rows(offset: number, count: number): Sql {
  return sql`SELECT (i % 100)::TINYINT AS b, (i * 7 % 30000)::SMALLINT AS s, (i * 1000003 % 2000000000)::INTEGER AS i, (9007199254740993 + i)::BIGINT AS l,
    (i / 3)::FLOAT AS f, CASE i % 5 WHEN 0 THEN 'NaN'::DOUBLE WHEN 1 THEN '-Infinity'::DOUBLE ELSE i / 7 END AS d, i / 11 AS d2,
    (i * 1.2345)::DECIMAL(19,4) AS money, ('12345678901234567890123456.' || lpad((i % 1000)::VARCHAR, 10, '0'))::DECIMAL(38,10) AS wide,
    CASE WHEN i % 4 = 0 THEN NULL ELSE repeat('añ😀"\\', (i % 20)::INTEGER) || i END AS text, i % 2 = 0 AS yes, encode('ÿ' || i) AS bytes,
    DATE '0001-01-01' + (i * 36500 % 3652000)::INTEGER AS day, TIMESTAMPTZ '1753-01-01 00:00:00.123456+00' + to_days((i * 900 % 3000000)::INTEGER) AS instant,
    {'x': i, 'inner': {'y': CASE WHEN i % 3 = 0 THEN NULL ELSE 'y' || i END}} AS nested, CASE WHEN i % 6 = 0 THEN NULL ELSE [i, NULL, i + 1] END AS list,
    MAP {'k' || i: i} AS pairs, CASE WHEN i % 7 = 0 THEN NULL ELSE 'p /%=é' || (i % 3) END AS part
    FROM (SELECT ${unsafeSql(String(offset))}::BIGINT + range AS i FROM range(${unsafeSql(String(count))}))`;
}

export async function countRows(engine: Engine, query: Sql): Promise<number> {
  const [row] = await engine.withLease((lease) => lease.rows(sql`SELECT count(*)::DOUBLE AS n FROM (${query}) AS counted`));
  return Number(row?.['n']);
}

/** How many rows are in one of two relations only, by multiset. */
export async function difference(
  engine: Engine,
  actual: Sql,
  expected: Sql,
): Promise<{ readonly missing: number; readonly extra: number }> {
  return {
    missing: await countRows(engine, sql`(${expected}) EXCEPT ALL (${actual})`),
    extra: await countRows(engine, sql`(${actual}) EXCEPT ALL (${expected})`),
  };
}

/** The columns of {@link rows}, as all engines give them back. */
export const columns = sql`SELECT b, s, i, l, f, d, d2, money, wide, text, yes, bytes, day, instant::TIMESTAMPTZ AS instant, nested, list, pairs, part`;

/** Assigns a value to a name in Python. */
export const set = (name: string, value: unknown) => `${name} = json.loads(${JSON.stringify(JSON.stringify(value))})\n`;
