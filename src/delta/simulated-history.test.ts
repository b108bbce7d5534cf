import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { openTable, planToSql, writeTable } from '#delta';
import { type Engine, openDuckdbEngine } from '#engine';
import { sql } from '#sql';
import type { ObjectStore } from '#storage';

import { count, keepEvidence, seedRange } from '../../test/support/evidence.ts';
import { play, rates, seed } from '../../test/support/simulated-clients.ts';
import { calm, openSimulatedStore, randomBy } from '../../test/support/simulated-store.ts';
import { type Action, formatCommit, parseCommit } from './actions.ts';
import { newCommitInfo, removes, writeMetrics } from './commit-actions.ts';
import { commit } from './commit.ts';
import { commitPath } from './log-segment.ts';
import { loadSnapshot } from './snapshot.ts';
import { nothingStaged } from './stage.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openDuckdbEngine({ threads: 1 });
});
afterAll(async () => await engine[Symbol.asyncDispose]());

type Step = 'append' | 'overwrite';
const scripts = (steps: number) =>
  fc.array(fc.array(fc.oneof({ weight: 4, arbitrary: fc.constant<Step>('append') }, { weight: 1, arbitrary: fc.constant<Step>('overwrite') }), { minLength: 1, maxLength: steps }), { minLength: 2, maxLength: 4 }); // prettier-ignore
const schemaString = JSON.stringify({ type: 'struct', fields: [{ name: 'a', type: 'integer', nullable: true, metadata: {} }] });

/** A table without data: its log's version 0. */
async function createLog(store: ObjectStore): Promise<void> {
  const metaData = { id: 'm', name: undefined, description: undefined, format: { provider: 'parquet', options: {} }, schemaString, partitionColumns: [], configuration: {}, createdTime: 0 }; // prettier-ignore
  const protocol = { minReaderVersion: 1, minWriterVersion: 2, readerFeatures: undefined, writerFeatures: undefined };
  await store.put(commitPath('t', 0), Buffer.from(formatCommit([{ protocol }, { metaData }])));
}

/** Commits one file by the log alone: no data is written. */
async function writeLog(store: ObjectStore, step: Step, id: string): Promise<number> {
  const location = { store, path: 't', engine };
  const snapshot = await loadSnapshot(location);
  const add = { path: `${id}.parquet`, partitionValues: {}, size: 1, modificationTime: 0, dataChange: true, stats: undefined, tags: undefined, deletionVector: undefined, baseRowId: undefined, defaultRowCommitVersion: undefined, clusteringProvider: undefined }; // prettier-ignore
  const actions: Action[] = [{ add }, ...(step === 'overwrite' ? removes(snapshot) : [])];
  const commitInfo = newCommitInfo('WRITE', { mode: step, id }, snapshot.version, step === 'append', writeMetrics(nothingStaged, 0), {});
  const { version } = await commit(location, { readVersion: snapshot.version, actions, commitInfo, reads: step === 'append' ? 'nothing' : 'table' }); // prettier-ignore
  return version;
}

/** The commits that are really there, from version 1 on: none is missing between. */
async function readHistory(store: ObjectStore): Promise<readonly (readonly Action[])[]> {
  const commits: (readonly Action[])[] = [];
  const names: string[] = [];
  for await (const { path } of store.list('t/_delta_log')) if (/\/\d{20}\.json$/.test(path)) names.push(path);
  for (const [version, name] of names.entries()) {
    expect(name).toBe(commitPath('t', version));
    if (version > 0) commits.push(parseCommit(new TextDecoder().decode(await store.get(name)), name));
  }
  return commits;
}

test(
  'on a store that loses, doubles, delays and reorders, with crashes and skewed clocks, history is one line and no file is lost or doubled',
  { timeout: 3_600_000 },
  async () => {
    const seeds = seedRange(count(36, 1800));
    const seen = { histories: 0, steps: 0, calls: 0, committed: 0, refused: 0, unknown: 0 };
    for (const runSeed of seeds) {
      await fc.assert(
        fc.asyncProperty(seed, rates, scripts(16), async (networkSeed, faults, clients) => {
          await using store = openSimulatedStore(networkSeed, faults);
          await createLog(store.truth);
          const beliefs = await play(store, clients, randomBy(networkSeed), writeLog);
          const commits = await readHistory(store.truth);
          const added = commits.map((actions) => actions.flatMap(({ add }) => (add ? [add.path] : [])));
          const versionOf = new Map(added.flatMap((paths, index) => paths.map((path) => [path.replace('.parquet', ''), index + 1])));
          expect(added.flat()).toHaveLength(versionOf.size); // no file twice
          for (const { id, outcome, version } of beliefs) {
            if (outcome === 'committed') expect([id, versionOf.get(id)]).toEqual([id, version]);
            if (outcome === 'refused') expect([id, versionOf.get(id)]).toEqual([id, undefined]);
            seen[outcome] += 1;
          }
          // A file is removed only while it is live, and every version reads as the log says.
          const live = new Set<string>();
          for (const [index, actions] of commits.entries()) {
            for (const { remove } of actions) if (remove) expect(live.delete(remove.path)).toBe(true);
            for (const path of added[index] ?? []) live.add(path);
            if (index % 7 !== 0 && index < commits.length - 1) continue;
            const { files } = await loadSnapshot({ store: store.truth, path: 't', engine }, { version: index + 1 });
            expect(files.paths.toSorted()).toEqual([...live].toSorted());
          }
          seen.histories += 1;
          seen.steps += beliefs.length;
          seen.calls += store.calls;
        }),
        { seed: runSeed, numRuns: 30 },
      );
    }
    process.stdout.write(`simulated log: seeds ${seeds[0] ?? ''}..${seeds.at(-1) ?? ''}, ${JSON.stringify(seen)}\n`);
    keepEvidence(`delta-simulated-log-${seeds[0] ?? 0}-${seeds.at(-1) ?? 0}`, { seeds: [seeds[0], seeds.at(-1)], ...seen });
    expect(seen.steps).toBeGreaterThan(seeds.length * 100);
    for (const outcome of ['committed', 'refused', 'unknown'] as const) expect(seen[outcome]).toBeGreaterThan(0);
  },
);

test(
  'rows that were written through such a store are there once, at their version and after it, until an overwrite',
  { timeout: 3_600_000 },
  async () => {
    const seeds = seedRange(count(4, 200));
    for (const runSeed of seeds) {
      await fc.assert(
        fc.asyncProperty(seed, rates, scripts(4), async (networkSeed, faults, clients) => {
          await using store = openSimulatedStore(networkSeed, { ...calm, ...faults });
          await engine.withLease(async (lease) => {
            await writeTable({ store: store.truth, path: 't', engine, lease, query: sql`SELECT 'first' AS id, 0 AS n`, mode: 'error' });
          });
          const beliefs = await play(store, clients, randomBy(networkSeed), async (client, step, id) => {
            const table = await openTable({ store: client, path: 't', engine });
            return await engine.withLease(async (lease) => {
              const query = sql`SELECT ${id}::VARCHAR AS id, range::INTEGER AS n FROM range(3)`;
              return (step === 'append' ? await table.append(query, { lease }) : await table.overwrite(query, { lease })).version;
            });
          });
          const table = await openTable({ store: store.truth, path: 't', engine });
          const newest = (await table.snapshot()).version;
          const committed = new Map(beliefs.flatMap(({ outcome, version, id }) => (outcome === 'committed' ? [[version, id]] : [])));
          const refused = new Set(beliefs.flatMap(({ outcome, id }) => (outcome === 'refused' ? [id] : [])));
          const commits = await readHistory(store.truth);
          let before = new Set(['first']);
          for (let version = 1; version <= newest; version += 1) {
            const query = await planToSql((await table.snapshot({ version })).scan(), store.truth);
            const rows = await engine.withLease(
              async (lease) =>
                await lease.rows(
                  sql`SELECT id, count(*)::INTEGER AS rows, count(DISTINCT n)::INTEGER AS numbers FROM (${query}) GROUP BY id`,
                ),
            );
            for (const { id, rows: found, numbers } of rows) if (id !== 'first') expect([id, found, numbers]).toEqual([id, 3, 3]);
            const ids = new Set(rows.map(({ id }) => String(id)));
            const isOverwrite = commits[version - 1]?.some(({ remove }) => remove !== undefined) === true;
            const own = [...ids].filter((id) => !before.has(id));
            expect(own).toHaveLength(1);
            expect(ids).toEqual(isOverwrite ? new Set(own) : new Set([...before, ...own]));
            const known = committed.get(version);
            if (known !== undefined) expect(own).toEqual([known]);
            expect(refused.has(own[0] ?? '')).toBe(false);
            before = ids;
          }
          for (const version of committed.keys()) expect(version).toBeLessThanOrEqual(newest);
        }),
        { seed: runSeed, numRuns: 10 },
      );
    }
    process.stdout.write(`simulated rows: seeds ${seeds[0] ?? ''}..${seeds.at(-1) ?? ''}\n`);
  },
);
