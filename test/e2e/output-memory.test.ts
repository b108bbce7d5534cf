import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { lakestead, lakesteadJson, temporaryFolder } from '../support/cli.ts';

const folder = temporaryFolder();
const project = join(folder.path, 'demo');
beforeAll(async () => {
  await lakesteadJson(['init', project]);
  await lakesteadJson(['run', '--project', project]);
});
afterAll(() => folder[Symbol.dispose]());

/** The most memory that the process had so far, in MB. */
function peakMemory(pid: number | undefined): number {
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8')) ?? [];
  return Number(kilobytes ?? 0) / 1024;
}

/** Writes so many rows, made of a table of the lake, into a file: the peak of the process that did it, in MB. */
async function write(rows: number, output: string): Promise<number> {
  const query = `SELECT i, repeat(City, 5) AS city FROM range(${rows}) r(i) JOIN gold.SalesLT.Address ON Address_ID = 1 + i % 450`;
  let peak = 0;
  let timer: NodeJS.Timeout | undefined;
  const { exitCode, stderr } = await lakestead(['sql', '--project', project, query, '--output', output], {
    onStart: ({ pid }) => {
      timer = setInterval(() => {
        try {
          peak = Math.max(peak, peakMemory(pid));
        } catch {
          clearInterval(timer); // it has ended: the last peak counts
        }
      }, 20);
    },
  });
  clearInterval(timer);
  expect([exitCode, stderr]).toEqual([0, expect.stringContaining(`wrote ${rows.toLocaleString('en')} rows`)]);
  return peak;
}

for (const format of ['csv', 'ndjson', 'parquet']) {
  test.skipIf(process.platform !== 'linux')(`ten times the rows as ${format} need no more memory`, { timeout: 60_000 }, async () => {
    const [few, many] = [join(folder.path, `few.${format}`), join(folder.path, `many.${format}`)];
    const base = await write(300_000, few);
    const peak = await write(3_000_000, many);
    expect(statSync(many).size).toBeGreaterThan(5 * statSync(few).size);
    expect(base).toBeGreaterThan(50); // it was measured
    // Kept whole anywhere, the rows would take 200 MB and more.
    expect(peak - base).toBeLessThan(100);
  });
}
