/**
 * The floor under the main job: a plain DuckDB script that does the same reads and writes in one process, with nothing
 * around them. Source database -> bronze Parquet -> silver Parquet -> gold Parquet.
 */
import { mkdirSync } from 'node:fs';

import { DuckDBInstance } from '@duckdb/node-api';

const [database = '', target = '', memoryLimit = '512MB', threads = '2'] = process.argv.slice(2);
const instance = await DuckDBInstance.create(':memory:', { memory_limit: memoryLimit, threads, temp_directory: `${target}/tmp` });
const connection = await instance.connect();
await connection.run("SET TimeZone = 'UTC'");
await connection.run(`ATTACH '${database}' AS source (READ_ONLY)`);
const rows = async (text: string) => (await connection.runAndReadAll(text)).getRowObjects();
const tables = (
  await rows("SELECT table_name FROM duckdb_tables() WHERE database_name = 'source' AND schema_name = 'SalesLT' ORDER BY 1")
).map((row) => String(row['table_name']));
const quote = (name: string) => `"${name.replaceAll('"', '""')}"`;
const rename = (name: string) => name.replaceAll(/(?<=[^A-Z_])(?=[A-Z])/g, '_');

for (const table of tables) {
  for (const layer of ['bronze', 'silver', 'gold']) mkdirSync(`${target}/${layer}/${table}`, { recursive: true });
  const file = (layer: string) => `'${target}/${layer}/${table}/${table}.parquet'`;
  await connection.run(`COPY (SELECT * FROM source."SalesLT".${quote(table)}) TO ${file('bronze')} (FORMAT parquet, COMPRESSION snappy)`);
  const columns = await rows(`DESCRIBE SELECT * FROM read_parquet(${file('bronze')})`);
  const names = columns.map((column) => String(column['column_name']));
  const silver = names.map((name) =>
    /[Dd]ate/.test(name) ? `strftime(${quote(name)}::TIMESTAMP, '%Y-%m-%d') AS ${quote(name)}` : quote(name),
  );
  await connection.run(
    `COPY (SELECT ${silver.join(', ')} FROM read_parquet(${file('bronze')})) TO ${file('silver')} (FORMAT parquet, COMPRESSION snappy)`,
  );
  const gold = names.map((name) => `${quote(name)} AS ${quote(rename(name))}`);
  await connection.run(
    `COPY (SELECT ${gold.join(', ')} FROM read_parquet(${file('silver')})) TO ${file('gold')} (FORMAT parquet, COMPRESSION snappy)`,
  );
}
connection.closeSync();
instance.closeSync();
