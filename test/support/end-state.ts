import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { lakestead } from './cli.ts';
import { goldName, type SecondOpinion } from './second-opinion.ts';

export const tables = [
  'Address',
  'Customer',
  'CustomerAddress',
  'Product',
  'ProductCategory',
  'ProductDescription',
  'ProductModel',
  'ProductModelProductDescription',
  'SalesOrderDetail',
  'SalesOrderHeader',
];

const quote = (name: string) => `"${name.replaceAll('"', '""')}"`;

/**
 * What is wrong with the end state of a main job, as sentences; none when it is right. `source(table)` is a query of the
 * source's rows in the lake's types. Silver and gold are read by `lakestead delta read`, bronze by another engine.
 */
export async function findFaults(
  project: string,
  opinion: SecondOpinion,
  source: (table: string) => string,
  database = 'gold_db',
): Promise<string[]> {
  const faults: string[] = [];
  const lake = join(project, 'lake');
  for (const layer of ['bronze', 'silver', 'gold']) {
    const found = readdirSync(join(lake, layer, 'SalesLT')).toSorted();
    if (found.join() !== tables.join()) faults.push(`${layer} holds ${found.join(', ')}`);
  }
  for (const table of tables) {
    const bronze = join(lake, 'bronze/SalesLT', table, `${table}.parquet`);
    if (!existsSync(bronze)) {
      faults.push(`${bronze} is missing`);
      continue;
    }
    const bronzeRows = `SELECT * FROM read_parquet('${bronze}')`;
    const columns = (await opinion.rows(`DESCRIBE ${bronzeRows}`)).map((row) => String(row['column_name']));
    if ((await opinion.countDifferences(bronzeRows, source(table))) > 0) faults.push(`bronze ${table} differs from the source`);
    const codecs = await opinion.rows(`SELECT DISTINCT compression FROM parquet_metadata('${bronze}')`);
    if (codecs.map((row) => row['compression']).join() !== 'SNAPPY') faults.push(`bronze ${table} is not snappy`);
    const silverColumns = columns.map((name) =>
      /Date|date/.test(name) ? `strftime(${quote(name)}, '%Y-%m-%d') AS ${quote(name)}` : quote(name),
    );
    const silver = `SELECT ${silverColumns.join(', ')} FROM (${bronzeRows})`;
    const gold = `SELECT ${columns.map((name) => `${quote(name)} AS ${quote(goldName(name))}`).join(', ')} FROM (${silver})`;
    for (const [layer, expected] of [
      ['silver', silver],
      ['gold', gold],
    ] as const) {
      const file = join(project, `${layer}-${table}.parquet`);
      const read = await lakestead(['delta', 'read', join(lake, layer, 'SalesLT', table), '--output', file]);
      if (read.exitCode !== 0) faults.push(`${layer} ${table}: ${read.stderr}`);
      else faults.push(...(await compare(opinion, `${layer} ${table}`, `SELECT * FROM read_parquet('${file}')`, expected)));
    }
    const view = join(project, `view-${table}.parquet`);
    const asked = await lakestead([
      'sql',
      '--project',
      project,
      '--database',
      database,
      `select * from ${table.toLowerCase()}`,
      '--format',
      'parquet',
      '--output',
      view,
    ]);
    if (asked.exitCode !== 0) faults.push(`view ${table}: ${asked.stderr}`);
    else faults.push(...(await compare(opinion, `view ${table}`, `SELECT * FROM read_parquet('${view}')`, gold)));
  }
  return faults;
}

async function compare(opinion: SecondOpinion, what: string, actual: string, expected: string): Promise<string[]> {
  const names = async (query: string) => (await opinion.rows(`DESCRIBE ${query}`)).map((row) => String(row['column_name'])).join(', ');
  const [found, wanted] = [await names(actual), await names(expected)];
  if (found !== wanted) return [`${what} has columns ${found}, not ${wanted}`];
  return (await opinion.countDifferences(actual, expected)) > 0 ? [`${what} has other rows`] : [];
}
