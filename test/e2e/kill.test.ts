import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { tableToSql } from '#delta';
import { openDuckdbEngine, type Engine } from '#engine';
import { ident, literal, sql } from '#sql';
import { openLocalStore } from '#storage';

import { lakestead, lakesteadJson, temporaryFolder } from '../support/cli.ts';
import { tables } from '../support/end-state.ts';
import { count, keepEvidence } from '../support/evidence.ts';
import { openSecondOpinion } from '../support/second-opinion.ts';

/** What a reader finds in each of the thirty tables: its rows without their date, and the dates that they have. */
type LakeContent = Readonly<Record<string, { readonly rows: string; readonly days: readonly string[] }>>;

async function readLake(engine: Engine, lake: string): Promise<LakeContent> {
  const content: Record<string, { rows: string; days: string[] }> = {};
  const store = await openLocalStore(lake);
  await using lease = await engine.lease();
  for (const layer of ['bronze', 'silver', 'gold']) {
    const date = ident(layer === 'gold' ? 'Modified_Date' : 'ModifiedDate');
    for (const table of tables) {
      const path = `${layer}/SalesLT/${table}`;
      const relation =
        layer === 'bronze'
          ? sql`FROM read_parquet(${literal(join(lake, path, `${table}.parquet`))})`
          : await tableToSql({ store, path, engine });
      const [row] = await lease.rows(sql`WITH t AS MATERIALIZED (${relation}) SELECT
        (SELECT count(*) || ' ' || sum(hash(r)::HUGEINT) FROM (SELECT * EXCLUDE (${date}) FROM t) AS r) AS rows,
        (SELECT string_agg(DISTINCT ${date}::DATE::VARCHAR, ' ') FROM t) AS days`);
      content[path] = { rows: String(row?.['rows']), days: String(row?.['days']).split(' ') };
    }
  }
  return content;
}

/** Sentences about tables that are not whole, hold a day that the source never had, or went back in time; none when all is well. */
function findFaults(before: LakeContent, after: LakeContent, newest: string): string[] {
  return Object.entries(after).flatMap(([path, { rows, days }]) => {
    const old = before[path];
    const [day = ''] = days;
    if (days.length !== 1) return [`${path} holds rows of ${days.join(' and ')}`];
    if (rows !== old?.rows) return [`${path} holds ${rows} instead of ${old?.rows}`];
    return day > newest || day < (old.days[0] ?? '') ? [`${path} went from ${old.days[0]} to ${day}, the source is at ${newest}`] : [];
  });
}

test(
  `a main job that is killed at a random moment (${count(20, 200)} times) shows no half table, and the next one ends right`,
  { timeout: 3_600_000 },
  async () => {
    using folder = temporaryFolder();
    const project = join(folder.path, 'demo');
    const lake = join(project, 'lake');
    await using engine = await openDuckdbEngine();
    await lakesteadJson(['init', project]);
    /** Every row of the source changes, so that a table holds either the old day or the new one. */
    const changeSource = async (round: number) => {
      const day = new Date(Date.UTC(2030, 0, 1 + round)).toISOString().slice(0, 10);
      await using opinion = await openSecondOpinion();
      await opinion.rows(`ATTACH '${join(project, '.lakestead/databases/AdventureWorksLT.duckdb')}' AS "AdventureWorksLT"`);
      for (const table of tables) await opinion.rows(`UPDATE AdventureWorksLT.SalesLT.${table} SET ModifiedDate = '${day}'`);
      return day;
    };
    await changeSource(0);
    const started = performance.now();
    await lakesteadJson(['run', '--project', project]);
    const durationMs = performance.now() - started;
    let content = await readLake(engine, lake);
    expect(Object.keys(content)).toHaveLength(30);

    const rounds = count(20, 200);
    let killed = 0;
    let reads = 0;
    let mixed = 0;
    for (let round = 1; round <= rounds; round += 1) {
      const day = await changeSource(round);
      const running = new AbortController();
      const run = lakestead(['run', '--project', project, '--json'], {
        onStart: (child) => void setTimeout(() => child.kill('SIGKILL'), Math.random() * durationMs),
      }).finally(() => running.abort());
      do {
        const found = await readLake(engine, lake);
        expect(findFaults(content, found, day)).toEqual([]);
        content = found;
        reads += 1;
      } while (!running.signal.aborted);
      if ((await run).exitCode === null) killed += 1;
      content = await readLake(engine, lake);
      if (new Set(Object.values(content).map(({ days }) => days.join())).size > 1) mixed += 1;
      if (round % 5 !== 0) continue;
      expect((await lakesteadJson<{ status: string }>(['run', '--project', project])).status).toBe('Succeeded');
      const whole = await readLake(engine, lake);
      expect(findFaults(content, whole, day)).toEqual([]);
      expect(Object.values(whole).filter(({ days }) => days.join() !== day)).toEqual([]);
      content = whole;
    }
    expect(killed).toBeGreaterThan(rounds / 4);
    // Some kills fell between two tables; else nothing above was put to the test.
    expect(mixed).toBeGreaterThan(0);
    // What a killed writer had staged has a name that no reader takes for data.
    const files = readdirSync(join(lake, 'bronze'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.parquet'));
    expect(files).toHaveLength(10);
    keepEvidence('kill', { rounds, killed, mixed, reads });
  },
);
