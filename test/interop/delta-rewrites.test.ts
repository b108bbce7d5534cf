import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openTable, tableToSql, writeTable } from '#delta';
import { type Engine, openDuckdbEngine } from '#engine';
import { literal, type Sql, sql, unsafeSql } from '#sql';
import { type ObjectStore, openLocalStore } from '#storage';

import type { PythonSession } from '../services/python-session.ts';
import { temporaryFolder } from '../support/cli.ts';
import { columns, difference, peers, rows, set } from '../support/delta-peers.ts';
import { count as countOf, keepEvidence } from '../support/evidence.ts';

const temporary = temporaryFolder();
let engine: Engine;
let store: ObjectStore;

beforeAll(async () => {
  engine = await openDuckdbEngine({ threads: 2 });
  store = await openLocalStore(temporary.path);
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  temporary[Symbol.dispose]();
});

const none = { missing: 0, extra: 0 };

for (const { peer, isThere } of peers) {
  describe.skipIf(!isThere)(`rows changed by us and by ${peer.name}`, { timeout: 120_000 }, () => {
    let session: PythonSession;
    beforeAll(async () => {
      const started = await peer.start();
      if (started === undefined) throw new Error(`${peer.name} does not start`);
      session = started;
    });
    afterAll(async () => await session[Symbol.asyncDispose]());

    const place = (name: string) => ({ store, path: `${peer.name}/${name}`, engine });

    async function theyRead(path: string): Promise<Sql> {
      const file = join(temporary.path, `${path}.read.parquet`);
      await session.run(`${set('table', join(temporary.path, path))}${set('file', file)}${set('version', null)}${peer.read}`);
      // Spark writes a folder.
      return sql`read_parquet(${literal(existsSync(join(file, '_SUCCESS')) ? `${file}/*.parquet` : file)})`;
    }

    test('what we delete, update and merge is gone, changed and there for both', async () => {
      const [table, query] = [place('changed'), rows(0, 500)];
      const file = join(temporary.path, `${peer.name}.model.parquet`);
      await engine.withLease(async (lease) => {
        await writeTable({ ...table, query, lease, mode: 'error', partitionBy: ['part'] });
        const opened = await openTable(table);
        await lease.run(sql`CREATE TEMP TABLE model AS ${query}`);
        await opened.delete(sql`s % 3 = 0 OR text IS NULL`, { lease });
        await lease.run(sql`DELETE FROM model WHERE s % 3 = 0 OR text IS NULL`);
        await opened.update({ yes: sql`NOT yes`, money: sql`money + 0.0001`, part: sql`'moved /'` }, sql`i % 2 = 0`, { lease });
        await lease.run(sql`UPDATE model SET yes = NOT yes, money = money + 0.0001, part = 'moved /' WHERE i % 2 = 0`);
        const source = rows(300, 400);
        await opened.merge({
          source,
          on: sql`t.l = s.l`,
          lease,
          clauses: [
            { when: 'matched', condition: sql`s.yes`, action: 'delete' },
            { when: 'matched', action: 'updateAll' },
            { when: 'notMatched', action: 'insertAll' },
            { when: 'notMatchedBySource', condition: sql`t.b > 90`, action: 'delete' },
          ],
        });
        await lease.run(sql`MERGE INTO model AS t USING (${source}) AS s ON t.l = s.l WHEN MATCHED AND s.yes THEN DELETE
          WHEN MATCHED THEN UPDATE WHEN NOT MATCHED THEN INSERT WHEN NOT MATCHED BY SOURCE AND t.b > 90 THEN DELETE`);
        await lease.run(sql`COPY model TO ${literal(file)} (FORMAT parquet)`);
      });
      const model = sql`${columns} FROM read_parquet(${literal(file)})`;
      expect(await difference(engine, sql`${columns} FROM (${await tableToSql(table)})`, model)).toEqual(none);
      expect(await difference(engine, sql`${columns} FROM ${await theyRead(table.path)}`, model)).toEqual(none);
      const history = await session.run(`${set('table', join(temporary.path, table.path))}${peer.history}`);
      expect(history).toEqual([[3, 'MERGE', null], [2, 'UPDATE', null], [1, 'DELETE', null], [0, 'CREATE TABLE AS SELECT', 'ErrorIfExists']]); // prettier-ignore
    });

    test('what we replace, restore, optimize and vacuum is the same for both', async () => {
      const table = place('maintained');
      const file = join(temporary.path, `${peer.name}.kept.parquet`);
      await engine.withLease(async (lease) => {
        await writeTable({ ...table, query: rows(0, 200), lease, mode: 'error', partitionBy: ['part'] });
        const opened = await openTable(table);
        for (const offset of [200, 300]) await opened.append(rows(offset, 100), { lease });
        await lease.run(sql`COPY (${rows(0, 400)}) TO ${literal(file)} (FORMAT parquet)`);
        await opened.replace(rows(50, 10), { where: sql`l >= 9007199254740993 + 50 AND l < 9007199254740993 + 90` }, { lease });
        await opened.replace(rows(7, 1), { partitions: 'dynamic' }, { lease });
        await opened.restore({ version: 2, lease });
        await opened.optimize({ lease, where: sql`part IS NOT NULL` });
        await opened.optimize({ lease, zorderBy: ['i', 'text', 'instant'] });
        await opened.vacuum({ lease, retainHours: 0, force: true });
        const added = { name: 'added', type: 'date', nullable: true, metadata: { comment: 'new' } };
        await opened.alter({ kind: 'addColumns', columns: [{ field: added, position: { kind: 'first' } }] });
        await opened.alter({ kind: 'setProperties', properties: { 'delta.checkpointInterval': '3', note: 'x' } });
      });
      const kept = sql`${columns} FROM read_parquet(${literal(file)})`;
      expect(await difference(engine, sql`${columns} FROM (${await tableToSql(table)})`, kept)).toEqual(none);
      expect(await difference(engine, sql`${columns} FROM ${await theyRead(table.path)}`, kept)).toEqual(none);
      const history = await session.run(`${set('table', join(temporary.path, table.path))}${peer.history}`);
      expect(history).toMatchObject([[9, 'SET TBLPROPERTIES', null], [8, 'ADD COLUMNS', null], [7, 'OPTIMIZE', null], [6, 'OPTIMIZE', null], [5, 'RESTORE', null], [4, 'WRITE', 'Overwrite'], [3, 'WRITE', 'Overwrite'], {}, {}, {}]); // prettier-ignore
    });

    // In turn, each on what the other left: by a seed, so that a failure can be had again.
    // With Spark only under VERIFY: delta-three.test.ts takes turns with it too.
    test.runIf(peer.name !== 'Spark' || countOf(0, 1) === 1)(
      'histories of both come out as those of DuckDB',
      { timeout: 600_000 },
      async () => {
        const steps = countOf(24, 200);
        const table = place('mixed');
        let random = 20_261;
        const pick = (below: number) => {
          random = (random * 48_271) % 2_147_483_647;
          return random % below;
        };
        const list = (from: number, count: number) => Array.from({ length: count }, (_, index) => [from + index, pick(100)] as const);
        const asSql = (values: readonly (readonly [number, number])[]) =>
          sql`SELECT * FROM (VALUES ${unsafeSql(values.map(([id, n]) => `(${id}::BIGINT, ${n}::BIGINT)`).join(', '))}) AS v(id, n)`;
        const file = join(temporary.path, `${peer.name}.mixed.parquet`);
        const done: string[] = [];
        await engine.withLease(async (lease) => {
          const first = asSql(list(0, 20));
          await lease.run(sql`CREATE TEMP TABLE mixed AS ${first}`);
          await writeTable({ ...table, query: first, lease, mode: 'error' });
          for (let step = 0; step < steps; step += 1) {
            const change = ['append', 'delete', 'update', 'merge', 'optimize'][pick(5)] ?? 'append';
            const where = ['id % 5 = 1', 'n > 60', 'id < 4 OR n = 3', 'id BETWEEN 10 AND 14'][pick(4)] ?? 'true';
            const values = change === 'append' ? list(100 + step * 10, 6) : change === 'merge' ? list(pick(40), 6) : [];
            const source = values.length === 0 ? sql`SELECT 1` : asSql(values);
            const isOurs = pick(2) === 0;
            done.push(`${isOurs ? 'we' : 'they'} ${change} ${where}`);
            if (isOurs) {
              const opened = await openTable(table);
              if (change === 'append') await opened.append(source, { lease });
            else if (change === 'delete') await opened.delete(unsafeSql(where), { lease });
            else if (change === 'update') await opened.update({ n: sql`n + 1` }, unsafeSql(where), { lease });
            else if (change === 'optimize') await opened.optimize({ lease });
            else await opened.merge({ source, on: sql`t.id = s.id`, lease, clauses: [{ when: 'matched', action: 'updateAll' }, { when: 'notMatched', action: 'insertAll' }] }); // prettier-ignore
            } else {
              const given = { table: join(temporary.path, table.path), change, where, rows: values };
              const assigned = Object.entries(given).map(([name, value]) => set(name, value));
              await session.run(`${assigned.join('')}${peer.change}`);
            }
            if (change === 'append') await lease.run(sql`INSERT INTO mixed ${source}`);
          else if (change === 'delete') await lease.run(sql`DELETE FROM mixed WHERE ${unsafeSql(where)}`);
          else if (change === 'update') await lease.run(sql`UPDATE mixed SET n = n + 1 WHERE ${unsafeSql(where)}`);
          else if (change === 'merge') await lease.run(sql`MERGE INTO mixed AS t USING (${source}) AS s ON t.id = s.id WHEN MATCHED THEN UPDATE WHEN NOT MATCHED THEN INSERT`); // prettier-ignore
            const now = await tableToSql(table, { lease });
            const [differs] = await lease.rows(sql`SELECT count(*)::INTEGER AS n FROM
            ((FROM (${now}) EXCEPT ALL FROM mixed) UNION ALL (FROM mixed EXCEPT ALL FROM (${now})))`);
            expect({ done, differs: differs?.['n'] }).toEqual({ done, differs: 0 });
          }
          await lease.run(sql`COPY mixed TO ${literal(file)} (FORMAT parquet)`);
        });
        const theirs = sql`SELECT id, n FROM ${await theyRead(table.path)}`;
        expect(await difference(engine, theirs, sql`SELECT id, n FROM read_parquet(${literal(file)})`)).toEqual(none);
        keepEvidence(`delta-mixed-${peer.name.toLowerCase()}`, { seed: 20_261, steps, ours: done.filter((one) => one.startsWith('we')).length, changes: Object.fromEntries(Map.groupBy(done, (one) => one.split(' ').slice(0, 2).join(' ')).entries().map(([name, all]) => [name, all.length])), different: 0 }); // prettier-ignore
      },
    );
  });
}
