import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { createTable, type DeltaTable, type MergeClause, planToSql, type StructType, writeTable } from '#delta';
import { type Engine, type Lease, openDuckdbEngine } from '#engine';
import { ident, join, literal, type Sql, sql, unsafeSql } from '#sql';
import { type ObjectStore, openMemoryStore } from '#storage';

let engine: Engine;
beforeAll(async () => {
  engine = await openDuckdbEngine({ threads: 2 });
});
afterAll(async () => await engine[Symbol.asyncDispose]());

const schema: StructType = {
  type: 'struct',
  fields: [
    { name: 'id', type: 'integer', nullable: true, metadata: {} },
    { name: 'city', type: 'string', nullable: true, metadata: {} },
    { name: 'price', type: 'decimal(9,2)', nullable: true, metadata: {} },
  ],
};

async function make(
  store: ObjectStore,
  batches: readonly Sql[],
  partitionBy: readonly string[] = [],
  properties: Readonly<Record<string, string>> = {},
): Promise<DeltaTable> {
  const table = await createTable({ store, path: 't', engine, schema, partitionBy, properties });
  for (const query of batches) await engine.withLease((lease) => table.append(query, { lease }));
  return table;
}

async function rowsOf(table: DeltaTable): Promise<readonly string[]> {
  const query = await planToSql((await table.snapshot()).scan(), table.store);
  return await engine.withLease(async (lease) => {
    const rows = await lease.rows(sql`SELECT (q)::VARCHAR AS row FROM (${query}) AS q`);
    return rows.map((row) => String(row['row'])).toSorted();
  });
}

const filesOf = async (table: DeltaTable) => new Set((await table.snapshot()).files.paths);
const numbers = (from: number, to: number) =>
  sql`SELECT i::INTEGER AS id, 'c' || (i % 3) AS city, (i * 1.5)::DECIMAL(9,2) AS price FROM range(${literal(from)}, ${literal(to)}) r(i)`;

describe('delete', () => {
  test('files without such rows stay, files of which all rows go are only removed, the rest is written again', async () => {
    await using store = openMemoryStore();
    const table = await make(store, [numbers(0, 10), numbers(10, 20), numbers(20, 30)]);
    const before = await filesOf(table);
    const result = await engine.withLease((lease) => table.delete(sql`id >= 10 AND id < 25`, { lease }));
    expect(result).toMatchObject({ version: 4, rowsDeleted: 15, rowsCopied: 5, filesAdded: 1, filesRemoved: 2, rowsUpdated: 0 });
    const after = await filesOf(table);
    expect([...after].filter((path) => before.has(path))).toHaveLength(1);
    expect(await rowsOf(table)).toHaveLength(15);
    expect((await table.history({ limit: 1 }))[0]).toMatchObject({
      operation: 'DELETE',
      operationParameters: { predicate: '["(id >= 10 AND id < 25)"]' },
      operationMetrics: { numDeletedRows: '15', numCopiedRows: '5', numRemovedFiles: '2', numAddedFiles: '1' },
      isBlindAppend: false,
    });
  });

  test('a condition that is NULL is no fit, and what changes nothing is no commit', async () => {
    await using store = openMemoryStore();
    const table = await make(store, [sql`SELECT 1::INTEGER AS id, NULL::VARCHAR AS city`]);
    const none = await engine.withLease((lease) => table.delete(sql`city = 'x' OR city <> 'x'`, { lease }));
    expect(none).toMatchObject({ version: undefined, rowsDeleted: 0 });
    expect((await table.snapshot()).version).toBe(1);
    await engine.withLease((lease) => table.delete(undefined, { lease }));
    expect(await rowsOf(table)).toEqual([]);
    expect((await table.snapshot({ version: 1 })).files.count).toBe(1);
  });

  test('an append-only table is refused', async () => {
    await using store = openMemoryStore();
    const table = await createTable({ store, path: 't', engine, schema, properties: { 'delta.appendOnly': 'true' } });
    await expect(engine.withLease((lease) => table.delete(undefined, { lease }))).rejects.toMatchObject({ code: 'DELTA_UNSUPPORTED' });
  });
});

describe('update', () => {
  test('values see the row as it was, and rows move to the partition that they now belong to', async () => {
    await using store = openMemoryStore();
    const table = await make(store, [numbers(0, 9)], ['city']);
    const result = await engine.withLease((lease) =>
      table.update({ city: sql`'new ' || x.id`, ID: sql`-x.id` }, sql`x.city = ${'c1'}`, { lease, as: 'x' }),
    );
    expect(result).toMatchObject({ rowsUpdated: 3, rowsCopied: 0, filesRemoved: 1, filesAdded: 3 });
    expect((await rowsOf(table)).filter((row) => row.includes('new'))).toEqual([
      "{'id': -1, 'city': new 1, 'price': 1.50}",
      "{'id': -4, 'city': new 4, 'price': 6.00}",
      "{'id': -7, 'city': new 7, 'price': 10.50}",
    ].toSorted()); // prettier-ignore
  });

  test('values are stored as Spark stores them, or refused with nothing written', async () => {
    await using store = openMemoryStore();
    const table = await make(store, [numbers(0, 2)]);
    const update = async (set: Readonly<Record<string, Sql>>) =>
      await engine.withLease((lease) => table.update(set, sql`id = 1`, { lease }));
    await update({ id: sql`7.9`, price: sql`3`, city: sql`NULL` });
    expect(await rowsOf(table)).toContain("{'id': 7, 'city': NULL, 'price': 3.00}");
    for (const [set, code] of [
      [{ id: sql`'7'` }, 'DELTA_SCHEMA_MISMATCH'],
      [{ id: sql`true` }, 'DELTA_SCHEMA_MISMATCH'],
      [{ nowhere: sql`1` }, 'DELTA_SCHEMA_MISMATCH'],
      [{ id: sql`1`, ID: sql`2` }, 'DELTA_SCHEMA_MISMATCH'],
      [{ id: sql`id + 3000000000` }, 'SQL_TYPE'],
      [{ id: sql`missing` }, 'SQL_NAME_NOT_FOUND'],
    ] as const) {
      await expect(engine.withLease((lease) => table.update(set, undefined, { lease }))).rejects.toMatchObject({ code });
    }
    expect((await table.snapshot()).version).toBe(2);
  });
});

describe('merge', () => {
  const source = sql`SELECT * FROM (VALUES (1, 'one', 1.0), (2, 'gone', NULL), (50, 'new', 9.0)) AS v(id, city, price)`;

  test('every kind of clause, in their order', async () => {
    await using store = openMemoryStore();
    const table = await make(store, [numbers(0, 3), numbers(3, 6)]);
    const result = await engine.withLease((lease) =>
      table.merge({
        lease,
        source,
        on: sql`t.id = s.id`,
        clauses: [
          { when: 'matched', condition: sql`s.city = 'gone'`, action: 'delete' },
          { when: 'matched', action: 'updateAll' },
          { when: 'notMatched', condition: sql`s.id > 100`, action: 'insertAll' },
          { when: 'notMatched', action: 'insert', values: { id: sql`s.id`, city: sql`upper(s.city)` } },
          { when: 'notMatchedBySource', condition: sql`t.id = 5`, action: 'delete' },
          { when: 'notMatchedBySource', condition: sql`t.id = 4`, action: 'update', set: { price: sql`t.price + 100` } },
        ],
      }),
    );
    expect(result).toMatchObject({ rowsInserted: 1, rowsUpdated: 2, rowsDeleted: 2, rowsCopied: 2, filesRemoved: 2 });
    expect(await rowsOf(table)).toEqual([
      "{'id': 0, 'city': c0, 'price': 0.00}",
      "{'id': 1, 'city': one, 'price': 1.00}",
      "{'id': 3, 'city': c0, 'price': 4.50}",
      "{'id': 4, 'city': c1, 'price': 106.00}",
      "{'id': 50, 'city': NEW, 'price': NULL}",
    ]);
    expect((await table.history({ limit: 1 }))[0]).toMatchObject({
      operation: 'MERGE',
      operationParameters: { matchedPredicates: '[{"predicate":"(s.city = \'gone\')","actionType":"delete"},{"actionType":"update"}]' },
      operationMetrics: { numSourceRows: '3', numTargetRowsInserted: '1', numTargetRowsUpdated: '2', numTargetRowsDeleted: '2', numOutputRows: '5' },
    }); // prettier-ignore
  });

  test('two rows of the source for one row are refused, unless they only delete it or only one of them counts', async () => {
    await using store = openMemoryStore();
    const table = await make(store, [numbers(0, 2)]);
    const twice = sql`SELECT * FROM (VALUES (1, 'a'), (1, 'b')) AS v(id, city)`;
    const merge = async (clauses: readonly MergeClause[]) =>
      await engine.withLease((lease) => table.merge({ lease, source: twice, on: sql`t.id = s.id`, clauses }));
    await expect(merge([{ when: 'matched', action: 'update', set: { city: sql`s.city` } }])).rejects.toMatchObject({ code: 'DELTA_MERGE_AMBIGUOUS' }); // prettier-ignore
    expect((await table.snapshot()).version).toBe(1);
    await merge([{ when: 'matched', condition: sql`s.city = 'b'`, action: 'update', set: { city: sql`s.city` } }]);
    expect(await rowsOf(table)).toEqual(["{'id': 0, 'city': c0, 'price': 0.00}", "{'id': 1, 'city': b, 'price': 1.50}"]);
    expect(await merge([{ when: 'matched', action: 'delete' }])).toMatchObject({ rowsDeleted: 1, rowsCopied: 1 });
    expect(await rowsOf(table)).toEqual(["{'id': 0, 'city': c0, 'price': 0.00}"]);
  });

  test('a row of the table that several rows of the source match stays one row, where matches only stay or go', async () => {
    await using store = openMemoryStore();
    const table = await make(store, [numbers(0, 4)]);
    const repeated = sql`SELECT * FROM (VALUES (1), (1), (2), (9), (9)) AS v(id)`;
    const merge = async (clauses: readonly MergeClause[]) =>
      await engine.withLease((lease) => table.merge({ lease, source: repeated, on: sql`t.id = s.id`, clauses }));
    const gone: MergeClause = { when: 'notMatchedBySource', condition: sql`t.id = 0`, action: 'delete' };
    expect(await merge([gone, { when: 'notMatched', action: 'insert', values: { id: sql`s.id` } }])).toMatchObject({
      rowsDeleted: 1,
      rowsCopied: 3,
      rowsInserted: 2,
    });
    const rest: MergeClause = { when: 'notMatchedBySource', action: 'update', set: { city: sql`'kept'` } };
    expect(await merge([{ when: 'matched', action: 'delete' }, rest])).toMatchObject({ rowsDeleted: 4, rowsUpdated: 1 });
    expect(await rowsOf(table)).toEqual(["{'id': 3, 'city': kept, 'price': 4.50}"]);
    await expect(merge([{ when: 'matched', condition: sql`t.id > 0`, action: 'delete' }, rest])).resolves.toMatchObject({ rowsUpdated: 1 });
  });

  test('what cannot be is refused, and leaves neither a commit nor temporary tables', async () => {
    await using store = openMemoryStore();
    const table = await make(store, [numbers(0, 2)]);
    await engine.withLease(async (lease) => {
      const merge = async (clauses: readonly MergeClause[]) =>
        await table.merge({ lease, source: sql`SELECT 1 AS id`, on: sql`t.id = s.id`, clauses });
      await expect(merge([{ when: 'matched', action: 'updateAll' }])).rejects.toMatchObject({ code: 'DELTA_SCHEMA_MISMATCH' });
      await expect(merge([{ when: 'notMatched', action: 'insertAll' }])).rejects.toMatchObject({ code: 'DELTA_SCHEMA_MISMATCH' });
      await expect(
        merge([
          { when: 'matched', action: 'delete' },
          { when: 'matched', action: 'update', set: {} },
        ]),
      ).rejects.toMatchObject({ code: 'SQL_SYNTAX' });
      expect(await lease.rows(sql`SELECT table_name FROM duckdb_tables() WHERE temporary UNION ALL SELECT view_name FROM duckdb_views() WHERE temporary AND NOT internal`)).toEqual([]); // prettier-ignore
    });
    expect((await table.snapshot()).version).toBe(1);
  });
});

/** What the feed says was inserted and deleted adds up to the rows. */
async function checkFeed(table: DeltaTable, lease: Lease): Promise<void> {
  const { sql: feed } = await table.changes({ from: 0, lease });
  const signed = sql`SELECT id, city, price, sum(CASE WHEN _change_type IN ('insert', 'update_postimage') THEN 1 ELSE -1 END) AS n FROM (${feed}) AS f GROUP BY ALL HAVING n <> 0`;
  const rows = await planToSql((await table.snapshot()).scan(), table.store);
  const counted = sql`SELECT id, city, price, count(*) AS n FROM (${rows}) AS t GROUP BY ALL`;
  expect(await lease.rows(sql`(${signed}) EXCEPT ALL (${counted})`)).toEqual([]);
  expect(await lease.rows(sql`(${counted}) EXCEPT ALL (${signed})`)).toEqual([]);
}

/** No two rows share an id. */
async function checkIds(table: DeltaTable, lease: Lease): Promise<void> {
  const rows = await planToSql((await table.snapshot()).scan(), table.store, { rowIds: true });
  expect(await lease.rows(sql`SELECT __lakestead_row_id AS id FROM (${rows}) AS t GROUP BY 1 HAVING count(*) > 1`)).toEqual([]);
}

// DuckDB's own DELETE, UPDATE and MERGE on a table of its own say what must come out.
test('random changes come out as those of DuckDB', async () => {
  const condition = fc.constantFrom(
    'id % 2 = 0',
    'id > 7',
    "city = 'c1'",
    'price IS NULL',
    'city < NULL',
    'id BETWEEN 3 AND 5',
    'true',
    'price > 4 OR id = 1',
    'NOT (id < 5 OR city IS NULL)',
    "city LIKE 'c2%' AND id NOT IN (2, 5)",
    'id IN (1, 8, 100) OR price BETWEEN 2.5 AND 4',
  );
  const properties = fc.constantFrom<Readonly<Record<string, string>>>(
    {},
    { 'delta.enableDeletionVectors': 'true' },
    { 'delta.enableDeletionVectors': 'true', 'delta.enableChangeDataFeed': 'true', 'delta.enableRowTracking': 'true' },
    { 'delta.enableChangeDataFeed': 'true', 'delta.columnMapping.mode': 'name', 'delta.enableRowTracking': 'true' },
    { 'delta.columnMapping.mode': 'id' },
  );
  const change = fc.oneof(
    fc.record({ kind: fc.constant('delete' as const), where: condition }),
    fc.record({ kind: fc.constant('update' as const), where: condition, set: fc.constantFrom('id = id + 1', "city = 'u' || id, price = price * 2", 'price = NULL') }),
    fc.record({ kind: fc.constant('append' as const), from: fc.integer({ min: 0, max: 20 }) }),
    fc.record({
      kind: fc.constant('merge' as const),
      from: fc.integer({ min: 0, max: 20 }),
      matched: fc.option(fc.constantFrom('delete', 'update'), { nil: undefined }),
      matchedIf: fc.option(fc.constantFrom('t.id % 2 = 0', 's.price > 3'), { nil: undefined }),
      inserts: fc.boolean(),
      bySource: fc.option(fc.constantFrom('delete', 'update'), { nil: undefined }),
    }),
  ); // prettier-ignore
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 6 }), fc.boolean(), properties, async (changes, isPartitioned, asked) => {
      await using store = openMemoryStore();
      const table = await make(store, [numbers(0, 6), numbers(6, 12)], isPartitioned ? ['city'] : [], asked);
      await engine.withLease(async (lease) => {
        await lease.run(sql`CREATE OR REPLACE TEMP TABLE model AS ${numbers(0, 12)}`);
        for (const one of changes) {
          if (one.kind === 'delete') {
            await table.delete(unsafeSql(one.where), { lease });
            await lease.run(sql`DELETE FROM model WHERE ${unsafeSql(one.where)}`);
          } else if (one.kind === 'update') {
            const set = Object.fromEntries(one.set.split(', ').map((part) => part.split(' = ')).map(([name = '', value = '']) => [name, unsafeSql(value)])); // prettier-ignore
            await table.update(set, unsafeSql(one.where), { lease });
            await lease.run(sql`UPDATE model SET ${unsafeSql(one.set)} WHERE ${unsafeSql(one.where)}`);
          } else if (one.kind === 'append') {
            await writeTable({ store, path: 't', engine, lease, mode: 'append', query: numbers(one.from, one.from + 3) });
            await lease.run(sql`INSERT INTO model ${numbers(one.from, one.from + 3)}`);
          } else {
            const when = one.matchedIf === undefined ? {} : { condition: unsafeSql(one.matchedIf) };
            const clauses: MergeClause[] = [
              ...(one.matched === 'delete' ? [{ ...when, when: 'matched', action: 'delete' } as const] : []),
              ...(one.matched === 'update' ? [{ ...when, when: 'matched', action: 'update', set: { price: sql`s.price + 1` } } as const] : []),
              ...(one.inserts ? [{ when: 'notMatched', action: 'insertAll' } as const] : []),
              ...(one.bySource === 'delete' ? [{ when: 'notMatchedBySource', condition: sql`t.id > 15`, action: 'delete' } as const] : []),
              ...(one.bySource === 'update' ? [{ when: 'notMatchedBySource', condition: sql`t.id < 3`, action: 'update', set: { city: sql`'by'` } } as const] : []),
            ]; // prettier-ignore
            if (clauses.length === 0) continue;
            // Several rows for one are refused where matches change.
            const once = numbers(one.from, one.from + 5);
            const source = one.matched === undefined ? sql`${once} UNION ALL ${numbers(one.from, one.from + 2)}` : once;
            await table.merge({ lease, source, on: sql`t.id = s.id`, clauses });
            const words = clauses.map((clause) => {
              const kind = { matched: 'MATCHED', notMatched: 'NOT MATCHED', notMatchedBySource: 'NOT MATCHED BY SOURCE' }[clause.when];
              const and = clause.condition === undefined ? sql`` : sql` AND ${clause.condition}`;
              const action = clause.action === 'delete' ? sql`DELETE` : clause.action === 'update' ? sql`UPDATE SET ${join(Object.entries(clause.set).map(([name, value]) => sql`${ident(name)} = ${value}`))}` : sql`INSERT (id, city, price) VALUES (s.id, s.city, s.price)`; // prettier-ignore
              return sql`WHEN ${unsafeSql(kind)}${and} THEN ${action}`;
            });
            await lease.run(sql`MERGE INTO model AS t USING (${source}) AS s ON t.id = s.id ${join(words, ' ')}`);
          }
        }
        const model = await lease.rows(sql`SELECT (q)::VARCHAR AS row FROM (FROM model) AS q`);
        expect(await rowsOf(table)).toEqual(model.map((row) => String(row['row'])).toSorted());
        if (asked['delta.enableChangeDataFeed'] === 'true') await checkFeed(table, lease);
        if (asked['delta.enableRowTracking'] === 'true') await checkIds(table, lease);
      });
    }),
    { numRuns: process.env['VERIFY'] === '1' ? 1000 : 40 }, // fast-check prints the seed of what fails
  );
}, 600_000);
