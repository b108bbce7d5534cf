// One change of a table by `lakestead/delta`, as a whole process: node delta_change.ts <change> <folder>.
import { basename, dirname } from 'node:path';

import { openDuckdbEngine, openLocalStore, openTable, planToSql, sql, writeTable } from '#delta';
import { literal, type Sql } from '#sql';

const [change = '', folder = ''] = process.argv.slice(2);
await using engine = await openDuckdbEngine({ memoryLimit: '2GB', threads: 2, tempDirectory: `${folder}.tmp` });
await using lease = await engine.lease();
const location = { store: await openLocalStore(dirname(folder)), path: basename(folder), engine };
const rows = (from: number, count: number, step = 1) => sql`
  SELECT (${from}::BIGINT + i * ${step}::BIGINT) AS id, (i % 1000)::INTEGER AS grp, (i * 0.25)::DOUBLE AS amount, 'customer ' || (i % 50000) AS name,
         DATE '2020-01-01' + (i % 2000)::INTEGER AS day, hash(i)::VARCHAR AS code
  FROM range(${count}::BIGINT) r(i)`;

/** A base of 10 million rows in ten files of one million. */
async function make(): Promise<void> {
  for (let part = 0; part < 10; part += 1)
    await writeTable({ ...location, lease, mode: 'append', query: rows(part * 1_000_000, 1_000_000) });
}

/** Looks at every value. */
const checksum = (query: Sql) =>
  sql`SELECT sum(id) AS a, sum(grp) AS b, sum(amount) AS c, sum(length(name)) AS d, max(day)::VARCHAR AS e, sum(length(code)) AS f FROM (${query}) AS t`;

async function perform(): Promise<unknown> {
  if (change === 'make') return await make();
  if (change === 'make-marked') {
    await make();
    const made = await openTable(location);
    return await made.alter({ kind: 'setProperties', properties: { 'delta.enableDeletionVectors': 'true' } }, { lease });
  }
  if (change === 'make-small') {
    for (let part = 0; part < 100; part += 1)
      await writeTable({ ...location, lease, mode: 'append', query: rows(part * 100_000, 100_000) });
    return undefined;
  }
  const table = await openTable(location);
  const upsert = [{ when: 'matched', action: 'updateAll' }, { when: 'notMatched', action: 'insertAll' }] as const; // prettier-ignore
  switch (change) {
    case 'append':
      return await table.append(rows(10_000_000, 5_000_000), { lease });
    case 'merge-scattered':
      return await table.merge({ source: rows(50, 100_000, 101), on: sql`t.id = s.id`, clauses: upsert, lease });
    case 'merge-range':
      return await table.merge({ source: rows(2_500_000, 100_000), on: sql`t.id = s.id`, clauses: upsert, lease });
    case 'delete':
      return await table.delete(sql`id % 100 = 7`, { lease });
    case 'delete-range':
      return await table.delete(sql`id >= 2500000 AND id < 2600000`, { lease });
    case 'update-range':
      return await table.update({ amount: sql`amount * 2` }, sql`id >= 2500000 AND id < 2600000`, { lease });
    case 'read': {
      const query = await planToSql((await table.snapshot({ lease })).scan(), table.store, { scope: lease });
      return await lease.rows(checksum(query));
    }
    case 'read-plain': {
      const paths = (await table.snapshot({ lease })).files.paths.map((path) => `${folder}/${path}`);
      return await lease.rows(checksum(sql`SELECT * FROM read_parquet(${literal(paths)})`));
    }
    case 'optimize':
      return await table.optimize({ lease });
    case 'zorder':
      return await table.optimize({ lease, zorderBy: ['grp', 'day'] });
    default:
      throw new Error(`no change ${change}`);
  }
}

await perform();
