import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openTable, planToSql } from '#delta';
import { type Engine, openDuckdbEngine } from '#engine';
import { join as joinSql, literal, sql } from '#sql';
import { openLocalStore } from '#storage';

import { lakestead, temporaryFolder } from '../support/cli.ts';
import { findSharedData } from '../support/shared-data.ts';

const data = findSharedData('delta');
let engine: Engine;
beforeAll(async () => {
  engine = await openDuckdbEngine({ threads: 2 });
});
afterAll(async () => await engine[Symbol.asyncDispose]());

async function open(name: string) {
  return await openTable({ store: await openLocalStore(join(data ?? '', name)), path: '', engine });
}

/** How many rows of each kind each version has. */
async function counts(name: string, from: number, to?: number): Promise<readonly string[]> {
  const changes = await (await open(name)).changes({ from, to });
  const rows = await engine.withLease((lease) =>
    lease.rows(
      sql`SELECT _commit_version || ' ' || _change_type || ' ' || count(*) AS line FROM (${changes.sql}) AS changes GROUP BY _commit_version, _change_type ORDER BY _commit_version, _change_type`,
    ),
  );
  return rows.map(({ line }) => String(line));
}

describe.skipIf(data === undefined)('the change feed of tables written by other engines', () => {
  test.each([
    ['delta-rs/cdf-table', 0],
    ['delta-rs/simple_table_with_cdc', 0],
    ['kernel-rs-data/cdf-table-non-partitioned', 0],
    ['kernel-rs-data/cdf-table-delete-conditional-two-rows', 0],
    ['kernel-rs-data/cdf-table-with-cdc-and-dvs', 0],
    ['kernel-rs-data/cdf-table-data-change', 0],
  ])('%s: its changes from version %i on add up to the rows of every version', async (name, from) => {
    const table = await open(name);
    const { version: newest } = await table.snapshot();
    for (let to = from; to <= newest; to += 1) {
      const { sql: changes } = await table.changes({ from, to });
      const snapshot = await table.snapshot({ version: to });
      const rows = await planToSql(snapshot.scan(), table.store);
      const part = (...kinds: readonly string[]) =>
        sql`SELECT * EXCLUDE (_change_type, _commit_version, _commit_timestamp) FROM (${changes}) AS changes WHERE _change_type IN (${joinSql(kinds.map((kind) => literal(kind)))})`;
      // Rows that came = rows that are there + rows that went: as multisets.
      const came = part('insert', 'update_postimage');
      const left = sql`(${rows}) UNION ALL (${part('delete', 'update_preimage')})`;
      const [difference] = await engine.withLease((lease) =>
        lease.rows(
          sql`SELECT ((SELECT count(*) FROM ((${came}) EXCEPT ALL (${left}))) + (SELECT count(*) FROM ((${left}) EXCEPT ALL (${came}))))::INTEGER AS n`,
        ),
      );
      expect({ to, difference: difference?.['n'] }).toEqual({ to, difference: 0 });
    }
  });

  test('change files name updates; deletes of deletion vectors and inserts of appends are derived', async () => {
    expect(await counts('kernel-rs-data/cdf-table-non-partitioned', 1)).toEqual([
      '1 update_postimage 3',
      '1 update_preimage 3',
      '2 update_postimage 3',
      '2 update_preimage 3',
      '3 delete 1',
      '4 insert 2',
    ]);
    expect(await counts('kernel-rs-data/cdf-table-with-cdc-and-dvs', 0, 5)).toEqual([
      '0 insert 1',
      '1 insert 4',
      '2 delete 1',
      '4 insert 1', // a restore takes the deletion vector back
      '5 delete 2',
    ]);
  });

  test('versions without the property are refused, as are ranges that are not there', async () => {
    await expect(counts('kernel-rs-data/cdf-column-mapping-name-mode', 0)).rejects.toMatchObject({
      code: 'DELTA_UNSUPPORTED',
      message: expect.stringContaining('at version 0: delta.enableChangeDataFeed is not on') as string,
    });
    await expect(counts('delta-rs/cdf-table', 9)).rejects.toMatchObject({ code: 'DELTA_VERSION_NOT_FOUND' });
    await expect(counts('delta-rs/cdf-table', 0, 9)).rejects.toMatchObject({ code: 'DELTA_VERSION_NOT_FOUND' });
    await expect(counts('delta-rs/cdf-table', 2, 1)).rejects.toMatchObject({ code: 'USAGE' });
  });

  test('lakestead delta changes prints rows, and a refused one leaves no file', async () => {
    const result = await lakestead(['delta', 'changes', join(data ?? '', 'delta-rs/cdf-table'), '--from', '3', '--json']);
    expect(JSON.parse(result.stdout)).toMatchObject([{ id: 7, name: 'Dennis', _change_type: 'delete', _commit_version: 3 }]);
    const read = await lakestead([
      'delta',
      'read',
      join(data ?? '', 'delta-rs/cdf-table'),
      '--columns',
      'name',
      '--where',
      'id = 2',
      '--json',
    ]);
    expect(JSON.parse(read.stdout)).toEqual([{ name: 'Bob' }]);
    using folder = temporaryFolder();
    const output = join(folder.path, 'x.parquet');
    const refused = await lakestead(['delta', 'changes', join(data ?? '', 'delta-rs/cdf-table'), '--from', '9', '--output', output]);
    expect(refused.exitCode).toBe(1);
    expect(existsSync(output)).toBe(false);
  });
});
