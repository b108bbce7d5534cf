import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { type ErrorDocument } from '#core';
import { openTable, planToSql, writeTable } from '#delta';
import { type Engine, openDuckdbEngine } from '#engine';
import { sql } from '#sql';
import { openLocalStore } from '#storage';

import { temporaryFolder } from '../support/cli.ts';
import { count, keepEvidence } from '../support/evidence.ts';

const program = fileURLToPath(new URL('../support/delta-writer.ts', import.meta.url));
let engine: Engine;
beforeAll(async () => {
  engine = await openDuckdbEngine({ threads: 1 });
});
afterAll(async () => await engine[Symbol.asyncDispose]());

type Answer = { readonly value: number; readonly version?: number; readonly error?: ErrorDocument };

/** A process that writes to the table `t`; `answers` are those that came before it ended. */
function startWriter(root: string) {
  const child = spawn(process.execPath, [program, root, 't'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  child.stdin.on('error', () => undefined); // a killed process reads no more
  const answers: Answer[] = [];
  const ready = Promise.withResolvers<void>();
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line === 'ready') ready.resolve();
    else answers.push(JSON.parse(line) as Answer); // the program's own lines
  });
  return {
    answers,
    ended,
    ready: ready.promise,
    send: (mode: 'append' | 'overwrite', value: number, rows: number) => child.stdin.write(`${JSON.stringify({ mode, value, rows })}\n`),
    finish: () => child.stdin.end(),
    kill: () => child.kill('SIGKILL'),
  };
}

async function values(
  root: string,
  version?: number,
): Promise<readonly { readonly value: number; readonly n: number; readonly distinct: number }[]> {
  const store = await openLocalStore(root);
  const table = await openTable({ store, path: 't', engine });
  const query = await planToSql((await table.snapshot({ version })).scan(), store);
  const rows = await engine.withLease(async (lease) =>
    await lease.rows(sql`SELECT value, count(*)::INTEGER AS n, count(DISTINCT row)::INTEGER AS distinct_rows FROM (${query}) AS t GROUP BY value ORDER BY value`),
  ); // prettier-ignore
  return rows.map((row) => ({ value: Number(row['value']), n: Number(row['n']), distinct: Number(row['distinct_rows']) }));
}

test(
  'a writer killed at any moment leaves a whole table: what it acknowledged, or the one write it was at',
  { timeout: count(600_000, 7_200_000) },
  async () => {
    using folder = temporaryFolder();
    const rowCount = 2000;
    const loops = count(50, 1000);
    const seen = { loops, acknowledged: 0, killedAfterTheCommit: 0 };
    let value = 0;
    let known: number | undefined; // the value that the table has
    for (let loop = 0; loop < loops; loop += 1) {
      const writer = startWriter(folder.path);
      await writer.ready;
      const first = value + 1;
      for (let write = 0; write < 40; write += 1) writer.send('overwrite', (value += 1), rowCount);
      await sleep(Math.random() * 300);
      writer.kill();
      await writer.ended;
      expect(writer.answers.filter(({ error }) => error !== undefined)).toEqual([]);
      const acknowledged = writer.answers.at(-1)?.value;
      const isTable = known !== undefined || existsSync(join(folder.path, 't/_delta_log/00000000000000000000.json'));
      if (!isTable && acknowledged === undefined) continue;
      const found = await values(folder.path);
      const before = known;
      known = found[0]?.value;
      expect(found).toEqual([{ value: known, n: rowCount, distinct: rowCount }]);
      expect(acknowledged === undefined ? [before, first] : [acknowledged, acknowledged + 1]).toContain(known);
      seen.acknowledged += writer.answers.length;
      seen.killedAfterTheCommit += Number(known !== undefined && known !== (acknowledged ?? before));
    }
    keepEvidence('delta-kill', seen);
    // What the dead left is gone with the next opening.
    await openLocalStore(folder.path);
    expect(readdirSync(join(folder.path, '.lakestead-staging'))).toEqual([]);
  },
);

test('4 processes that append to one table lose nothing and double nothing', { timeout: 120_000 }, async () => {
  using folder = temporaryFolder();
  const writes = count(12, 200);
  const writers = Array.from({ length: 4 }, () => startWriter(folder.path));
  await Promise.all(writers.map(async ({ ready }) => await ready));
  for (const [index, writer] of writers.entries()) {
    for (let write = 0; write < writes; write += 1) writer.send('append', index * 1000 + write, 3);
    writer.finish();
  }
  await Promise.all(writers.map(async ({ ended }) => await ended));
  const acknowledged = writers.flatMap(({ answers }) => answers);
  expect(acknowledged.filter(({ error }) => error !== undefined)).toEqual([]);
  const right = acknowledged.map(({ value }) => value);
  expect(right).toHaveLength(4 * writes);
  expect(await values(folder.path)).toEqual(right.toSorted((a, b) => a - b).map((value) => ({ value, n: 3, distinct: 3 })));
});

const canMount = process.platform === 'linux' && process.getuid?.() === 0;
if (!canMount) process.stderr.write('SKIPPED: a full disk: needs root on Linux, to mount a small tmpfs\n');

test.skipIf(!canMount)('on a full disk a write is DISK_FULL, and the table is what it was', async () => {
  using folder = temporaryFolder();
  const mount = join(folder.path, 'small');
  mkdirSync(mount);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', mount]);
  try {
    const store = await openLocalStore(mount);
    const write = async (rows: number) =>
      await engine.withLease(
        async (lease) =>
          await writeTable({
            store,
            path: 't',
            engine,
            lease,
            mode: 'overwrite',
            query: sql`SELECT 7 AS value, random() AS row FROM range(${rows}::BIGINT)`,
          }),
      );
    await write(1000);
    const before = await values(mount);
    await expect(write(1_000_000)).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(await values(mount)).toEqual(before);
    const fill = async (): Promise<never> => {
      for (;;) await write(1000);
    };
    await expect(fill()).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(await values(mount)).toHaveLength(1);
    const [staged = ''] = readdirSync(join(mount, '.lakestead-staging'));
    expect(readdirSync(join(mount, '.lakestead-staging', staged))).toEqual([]);
  } finally {
    execFileSync('umount', [mount]);
  }
});
