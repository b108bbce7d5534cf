import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { createTable, type DeltaTable, openTable, tableToSql } from '#delta';
import { type Engine, type Lease, openDuckdbEngine } from '#engine';
import { sql, type Sql, unsafeSql } from '#sql';
import { type ObjectStore, openLocalStore } from '#storage';

import type { PythonSession } from '../services/python-session.ts';
import { temporaryFolder } from '../support/cli.ts';
import { peers, set } from '../support/delta-peers.ts';
import { count, keepEvidence } from '../support/evidence.ts';

const temporary = temporaryFolder();
let engine: Engine;
let store: ObjectStore;
const sessions = new Map<string, PythonSession>();

// Spark takes a second a step: in `npm test` it takes turns with us in delta-features.test.ts, and delta-rs in delta-rewrites.test.ts.
const isRun = peers.every(({ isThere }) => isThere) && count(0, 1) === 1;

describe.runIf(isRun)('delta-rs, Spark and we write to one table in turn', { timeout: 1_800_000 }, () => {
  beforeAll(async () => {
    engine = await openDuckdbEngine({ threads: 2 });
    store = await openLocalStore(temporary.path);
    for (const { peer } of peers) {
      const session = await peer.start();
      if (session === undefined) throw new Error(`${peer.name} does not start`);
      sessions.set(peer.name, session);
    }
  });
  afterAll(async () => {
    for (const session of sessions.values()) await session[Symbol.asyncDispose]();
    await engine[Symbol.asyncDispose]();
    temporary[Symbol.dispose]();
  });

  const valuesOf = (rows: readonly (readonly [number, number])[]): Sql =>
    sql`SELECT * FROM (VALUES ${unsafeSql(rows.map(([id, n]) => `(${id}::BIGINT, ${n}::BIGINT)`).join(', '))}) AS v(id, n)`;

  type Change = { readonly change: string; readonly where: string; readonly rows: readonly (readonly [number, number])[] };

  async function perform(table: DeltaTable, { change, where, rows }: Change, lease: Lease): Promise<void> {
    switch (change) {
      case 'append':
        await table.append(valuesOf(rows), { lease });
        return;
      case 'delete':
        await table.delete(unsafeSql(where), { lease });
        return;
      case 'update':
        await table.update({ n: sql`n + 1` }, unsafeSql(where), { lease });
        return;
      case 'optimize':
        await table.optimize({ lease });
        return;
      default: {
        const clauses = [{ when: 'matched', action: 'updateAll' }, { when: 'notMatched', action: 'insertAll' }] as const; // prettier-ignore
        await table.merge({ source: valuesOf(rows), on: sql`t.id = s.id`, lease, clauses });
      }
    }
  }

  async function model({ change, where, rows }: Change, lease: Lease): Promise<void> {
    if (change === 'append') await lease.run(sql`INSERT INTO model ${valuesOf(rows)}`);
    else if (change === 'delete') await lease.run(sql`DELETE FROM model WHERE ${unsafeSql(where)}`);
    else if (change === 'update') await lease.run(sql`UPDATE model SET n = n + 1 WHERE ${unsafeSql(where)}`);
    else if (change === 'merge')
      await lease.run(
        sql`MERGE INTO model AS t USING (${valuesOf(rows)}) AS s ON t.id = s.id WHEN MATCHED THEN UPDATE WHEN NOT MATCHED THEN INSERT`,
      );
  }

  for (const [name, properties] of [
    ['plain', {}],
    ['marked', { 'delta.enableDeletionVectors': 'true', 'delta.checkpointInterval': '7' }],
  ] as const) {
    test(`${name}: after each step it is what DuckDB makes of it`, async () => {
      const steps = 200;
      let random = 4_711;
      const pick = (below: number) => {
        random = (random * 48_271) % 2_147_483_647;
        return random % below;
      };
      const list = (from: number, length: number) => Array.from({ length }, (_, index) => [from + index, pick(100)] as const);
      const schema = {
        type: 'struct',
        fields: ['id', 'n'].map((field) => ({ name: field, type: 'long', nullable: true, metadata: {} })),
      } as const;
      const location = { store, path: name, engine };
      await createTable({ ...location, schema, properties });
      const done: string[] = [];
      const by = new Map<string, number>();
      await engine.withLease(async (lease) => {
        const first: Change = { change: 'append', where: 'true', rows: list(0, 20) };
        await lease.run(sql`CREATE OR REPLACE TEMP TABLE model AS ${valuesOf(first.rows)}`);
        await perform(await openTable(location), first, lease);
        for (let step = 0; step < steps; step += 1) {
          const change = ['append', 'delete', 'update', 'merge', 'merge', 'optimize'][pick(6)] ?? 'append';
          const where = ['id % 5 = 1', 'n > 60', 'id < 4 OR n = 3', 'id BETWEEN 10 AND 14'][pick(4)] ?? 'true';
          const rows = change === 'append' ? list(100 + step * 10, 6) : change === 'merge' ? list(pick(40), 6) : [];
          const who = ['Lakestead', ...peers.map(({ peer }) => peer.name)][pick(3)] ?? 'Lakestead';
          done.push(`${who} ${change} ${where}`);
          by.set(who, (by.get(who) ?? 0) + 1);
          const peer = peers.find((one) => one.peer.name === who)?.peer;
          if (peer === undefined) await perform(await openTable(location), { change, where, rows }, lease);
          else {
            const given = { table: join(temporary.path, name), change, where, rows };
            await sessions.get(who)?.run(`${Object.entries(given).map(([key, value]) => set(key, value)).join('')}${peer.change}`); // prettier-ignore
          }
          await model({ change, where, rows }, lease);
          const now = await tableToSql(location, { lease });
          const [differs] = await lease.rows(
            sql`SELECT count(*)::INTEGER AS n FROM ((FROM (${now}) EXCEPT ALL FROM model) UNION ALL (FROM model EXCEPT ALL FROM (${now})))`,
          );
          expect({ done, differs: differs?.['n'] }).toEqual({ done, differs: 0 });
        }
        const [expected] = await lease.rows(sql`SELECT sum(id * 1000 + n)::DOUBLE AS s, count(*)::DOUBLE AS n FROM model`);
        const spark = await sessions.get('Spark')?.run(`${set('table', join(temporary.path, name))}
row = spark.read.format("delta").load(table).selectExpr("sum(id * 1000 + n)", "count(*)").collect()[0]
result = [row[0], row[1]]`); // prettier-ignore
        expect(spark).toEqual([expected?.['s'] ?? null, expected?.['n']]);
      });
      keepEvidence(`delta-three-${name}`, { seed: 4711, steps, by: Object.fromEntries(by), different: 0 });
    });
  }
});
