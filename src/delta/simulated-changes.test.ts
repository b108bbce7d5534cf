import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { checkTable, createTable, type DeltaTable, openTable, planToSql, type StructType } from '#delta';
import { type Engine, type Lease, openDuckdbEngine } from '#engine';
import { sql } from '#sql';

import { count, keepEvidence, seedRange } from '../../test/support/evidence.ts';
import { play, rates, seed } from '../../test/support/simulated-clients.ts';
import { calm, openSimulatedStore, randomBy } from '../../test/support/simulated-store.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openDuckdbEngine({ threads: 1 });
});
afterAll(async () => await engine[Symbol.asyncDispose]());

const schema: StructType = {
  type: 'struct',
  fields: ['id', 'n'].map((name) => ({ name, type: 'integer', nullable: true, metadata: {} })),
};

type Step = { readonly kind: 'insert' | 'delete' | 'update' | 'merge' | 'optimize'; readonly id: number };
const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('insert', 'delete', 'update', 'update', 'merge', 'merge', 'optimize'),
  id: fc.integer({ min: 0, max: 5 }),
});
const features = fc.constantFrom<Readonly<Record<string, string>>>(
  { 'delta.enableRowTracking': 'true' },
  {
    'delta.enableRowTracking': 'true',
    'delta.enableDeletionVectors': 'true',
    'delta.enableInCommitTimestamps': 'true',
    'delta.checkpointInterval': '4',
  },
);

/** One step; what it is called stands in the history. */
async function perform(table: DeltaTable, { kind, id }: Step, lease: Lease, name: string): Promise<number | undefined> {
  const options = { lease, userMetadata: name };
  switch (kind) {
    case 'insert':
      return (await table.append(sql`SELECT ${id}::INTEGER AS id, 0::INTEGER AS n`, options)).version;
    case 'delete':
      return (await table.delete(sql`id = ${id}`, options)).version;
    case 'update':
      return (await table.update({ n: sql`n + 1` }, sql`id = ${id}`, options)).version;
    case 'merge':
      return (
        await table.merge({
          source: sql`SELECT ${id}::INTEGER AS id`,
          on: sql`t.id = s.id`,
          clauses: [
            { when: 'matched', action: 'update', set: { n: sql`t.n + 10` } },
            { when: 'notMatched', action: 'insert', values: { id: sql`s.id`, n: sql`100` } },
          ],
          ...options,
        })
      ).version;
    case 'optimize':
      return (await table.optimize(options)).version;
  }
}

/** What the rows are after a step that was committed: the numbers of each id, sorted. */
function apply(rows: readonly (readonly [number, number])[], { kind, id }: Step): readonly (readonly [number, number])[] {
  const isThere = rows.some(([one]) => one === id);
  switch (kind) {
    case 'insert':
      return [...rows, [id, 0]];
    case 'delete':
      return rows.filter(([one]) => one !== id);
    case 'update':
      return rows.map(([one, n]) => [one, one === id ? n + 1 : n]);
    case 'merge':
      return isThere ? rows.map(([one, n]) => [one, one === id ? n + 10 : n]) : [...rows, [id, 100]];
    case 'optimize':
      return rows;
  }
}

test(
  'deletes, updates, merges and optimize of clients at once on such a store: each version is what its commits make of the rows, and ids stay with them',
  { timeout: 3_600_000 },
  async () => {
    const seeds = seedRange(count(3, 100));
    const seen = { histories: 0, steps: 0, commits: 0 };
    for (const runSeed of seeds) {
      const clients = fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { minLength: 2, maxLength: 3 });
      await fc.assert(
        fc.asyncProperty(seed, rates, clients, features, async (networkSeed, faults, scripts, properties) => {
          await using store = openSimulatedStore(networkSeed, { ...calm, ...faults });
          const base = { store: store.truth, path: 't', engine };
          // Else an append may pass a change that did not see it, and the order of versions is not that of a model.
          await createTable({ ...base, schema, properties: { ...properties, 'delta.isolationLevel': 'Serializable' } });
          await engine.withLease(
            async (lease) =>
              await (await openTable(base)).append(sql`SELECT i::INTEGER AS id, 0::INTEGER AS n FROM range(3) r(i)`, { lease }),
          );
          const beliefs = await play(store, scripts, randomBy(networkSeed), async (client, one, name) => {
            const table = await openTable({ store: client, path: 't', engine });
            return await engine.withLease(async (lease) => (await perform(table, one, lease, name)) ?? -1);
          });
          const table = await openTable(base);
          // What was committed, by its name in the history: the truth, whatever clients believe.
          const history = (await table.history()).toReversed().slice(2);
          const names = history.map(({ userMetadata }) => userMetadata);
          expect(new Set(names).size).toBe(names.length);
          for (const { id, outcome, version = -1 } of beliefs) {
            if (outcome === 'refused') expect(names).not.toContain(id);
            if (outcome === 'committed' && version >= 0) expect(names[version - 2]).toBe(id);
          }
          let rows: readonly (readonly [number, number])[] = [
            [0, 0],
            [1, 0],
            [2, 0],
          ];
          let ids = await idsOf(table, 1);
          for (const [index, name] of names.entries()) {
            const [client = '', turn = ''] = (name ?? '').split('-');
            const one = scripts[Number(client)]?.[Number(turn)];
            if (one === undefined) throw new Error(`${name ?? 'a commit without a name'} is no step`);
            rows = apply(rows, one);
            const found = await rowsOf(table, index + 2);
            expect(found.map(([id, n]) => `${id}:${n}`)).toEqual(rows.map(([id, n]) => `${id}:${n}`).toSorted());
            // A row that was there keeps its id; none is given out twice.
            const now = await idsOf(table, index + 2);
            const kept = now.filter((id) => ids.includes(id));
            expect(new Set(now).size).toBe(now.length);
            const isGone = one.kind === 'delete' ? ids.length - kept.length : 0;
            expect(kept.length + isGone).toBe(ids.length);
            ids = now;
          }
          await engine.withLease(async (lease) => expect((await checkTable(table, { lease })).findings).toEqual([]));
          seen.histories += 1;
          seen.steps += beliefs.length;
          seen.commits += names.length;
        }),
        { seed: runSeed, numRuns: 8 },
      );
    }
    process.stdout.write(`simulated changes: seeds ${seeds[0] ?? ''}..${seeds.at(-1) ?? ''}, ${JSON.stringify(seen)}\n`);
    keepEvidence(`delta-simulated-changes-${seeds[0] ?? 0}-${seeds.at(-1) ?? 0}`, { seeds: [seeds[0], seeds.at(-1)], ...seen });
  },
);

async function rowsOf(table: DeltaTable, version: number): Promise<readonly (readonly [number, number])[]> {
  const query = await planToSql((await table.snapshot({ version })).scan(), table.store);
  const rows = await engine.withLease(
    async (lease) => await lease.rows(sql`SELECT id, n FROM (${query}) ORDER BY id::VARCHAR || ':' || n`),
  );
  return rows.map((row) => [Number(row['id']), Number(row['n'])]);
}

async function idsOf(table: DeltaTable, version: number): Promise<readonly number[]> {
  const query = await planToSql((await table.snapshot({ version })).scan(), table.store, { rowIds: true });
  const rows = await engine.withLease(async (lease) => await lease.rows(sql`SELECT __lakestead_row_id AS id FROM (${query}) ORDER BY 1`));
  return rows.map((row) => Number(row['id']));
}
