import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { findTable, tableToSql } from '#delta';
import { openDuckdbEngine, type Engine } from '#engine';
import { literal, sql } from '#sql';
import { openLocalStore } from '#storage';

import { lakestead, lakesteadJson, temporaryFolder } from '../support/cli.ts';
import { tables } from '../support/end-state.ts';
import { count, keepEvidence } from '../support/evidence.ts';

type Content = Readonly<Record<string, string>>;

/** Rows and a checksum of everything in the lake that a reader would take for a table. */
async function readLake(engine: Engine, project: string): Promise<Content> {
  const content: Record<string, string> = {};
  const store = await openLocalStore(join(project, 'lake'));
  await using lease = await engine.lease();
  for (const layer of ['bronze', 'silver', 'gold']) {
    for (const table of tables) {
      const path = `${layer}/SalesLT/${table}`;
      const parquet = join(project, 'lake', path, `${table}.parquet`);
      if (layer === 'bronze' && !existsSync(parquet)) continue;
      if (layer !== 'bronze' && (await findTable({ store, path, engine })) === undefined) continue;
      const relation =
        layer === 'bronze' ? sql`SELECT * FROM read_parquet(${literal(parquet)})` : await tableToSql({ store, path, engine });
      const [row] = await lease.rows(
        sql`SELECT count(*)::VARCHAR || ' ' || coalesce(sum(hash(t)::HUGEINT), 0)::VARCHAR AS v FROM (${relation}) AS t`,
      );
      content[path] = String(row?.['v']);
    }
  }
  return content;
}

test(
  `a main job that is killed at a random moment (${count(20, 200)} times) shows no half table, and the next one ends right`,
  { timeout: 3_600_000 },
  async () => {
    using folder = temporaryFolder();
    const project = join(folder.path, 'demo');
    await using engine = await openDuckdbEngine();
    await lakesteadJson(['init', project]);
    const started = performance.now();
    await lakesteadJson(['run', '--project', project]);
    const durationMs = performance.now() - started;
    const whole = await readLake(engine, project);
    expect(Object.keys(whole)).toHaveLength(30);

    const rounds = count(20, 200);
    let killed = 0;
    for (let round = 0; round < rounds; round += 1) {
      const result = await lakestead(['run', '--project', project, '--json'], {
        onStart: (child) => void setTimeout(() => child.kill('SIGKILL'), Math.random() * durationMs),
      });
      if (result.exitCode === null) killed += 1;
      // What is there after a kill is whole: the old commit or the new one, which hold the same rows.
      expect(await readLake(engine, project)).toEqual(whole);
      if (round % 5 === 4) {
        expect((await lakesteadJson<{ status: string }>(['run', '--project', project])).status).toBe('Succeeded');
        expect(await readLake(engine, project)).toEqual(whole);
      }
    }
    expect(killed).toBeGreaterThan(rounds / 4);
    const leftovers = readdirSync(join(project, 'lake'), { recursive: true, encoding: 'utf8' }).filter((name) =>
      /\.(partial|tmp)$/.test(name),
    );
    expect(leftovers.length).toBeLessThan(rounds * 4);
    keepEvidence('kill', { rounds, killed });
  },
);
