/**
 * How long does the main job take, and how does that compare with what else one would use?
 *
 * Whole processes from start to exit, peers in the same run on the same input, in turn; medians, CPU time and memory of
 * all processes of each. `npm run bench -- [--scale 1:9] [--scale 10000:3] [--without spark]`: a scale and its runs. Peers are
 * installed by `node test/services/python.ts` and `node test/services/spark.ts`; one that is missing is said aloud and left out.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { findPython } from '../test/services/python.ts';
import { findDeltaJars } from '../test/services/spark.ts';
import { type Contestant, describeMachine, type Figures, measureProcess, summarise, tableHead } from './measure.ts';

const { values: options } = parseArgs({
  options: {
    scale: { type: 'string', multiple: true, default: ['1:9'] },
    without: { type: 'string', multiple: true, default: [] },
  },
});

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const python = findPython();
const work = mkdtempSync(join(tmpdir(), 'lakestead-bench-'));

const measure = (name: string, command: readonly string[]) => measureProcess(name, command, join(work, 'output.txt'));

async function benchScale(scale: number, runs: number): Promise<string> {
  const project = join(work, `scale-${scale}`);
  const bin = here('../bin/lakestead');
  const lakestead = (...args: string[]) => [process.execPath, bin, ...args, '--project', project];
  execFileSync(process.execPath, [bin, 'init', project, '--scale', String(scale)], { stdio: 'inherit' });
  const yaml = join(project, 'lakestead.yaml');
  writeFileSync(yaml, `${readFileSync(yaml, 'utf8').replace(/^engine:.*$/m, '')}\nengine: { memoryLimit: 512MB, threads: 2 }\n`);
  const peer = (name: string) => {
    const folder = join(work, name);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    return folder;
  };
  measure('warm-up', lakestead('run', '--json'));

  const ours: Figures[] = [];
  const ourSteps: Figures[] = [];
  const plain: Figures[] = [];
  const deltaRs: Figures[] = [];
  const bronze = join(project, 'lake/bronze/SalesLT');
  for (let round = 0; round < runs; round += 1) {
    ours.push(measure('lakestead run', lakestead('run', '--json')));
    ourSteps.push({ wall: silverAndGoldSeconds(join(work, 'output.txt')) });
    plain.push(
      measure('plain DuckDB', [
        process.execPath,
        here('peers/plain-duckdb.ts'),
        join(project, '.lakestead/databases/AdventureWorksLT.duckdb'),
        peer('plain'),
        '512MB',
        '2',
      ]),
    );
    if (python !== undefined && !options.without.includes('delta-rs')) {
      deltaRs.push(measure('delta-rs', [python, here('peers/medallion_delta_rs.py'), bronze, peer('delta-rs')]));
    }
  }
  const base = { name: 'Lakestead, whole job', rounds: ours };
  const contestants: Contestant[] = [
    base,
    { name: 'Lakestead, its silver and gold steps', rounds: ourSteps },
    { name: 'plain DuckDB script, same reads and writes', rounds: plain },
    { name: 'delta-rs + pyarrow, silver and gold only', rounds: deltaRs },
    ...sparkContestants(bronze, peer('spark')),
  ];
  return [
    `### Scale ${scale}`,
    '',
    ...tableHead,
    ...contestants.filter(({ rounds }) => rounds.length > 0).map((contestant) => summarise(contestant, base)),
    '',
  ].join('\n');
}

/** Seconds that the two notebook activities took, from the run's own document. */
function silverAndGoldSeconds(output: string): number {
  type Activity = { type: string; durationMs: number; activities?: Activity[] };
  const run = JSON.parse(readFileSync(output, 'utf8')) as { activities: Activity[] };
  const all = (activities: readonly Activity[]): Activity[] =>
    activities.flatMap((activity) => [activity, ...all(activity.activities ?? [])]);
  return all(run.activities)
    .filter(({ type }) => type === 'DatabricksNotebook')
    .reduce((sum, { durationMs }) => sum + durationMs / 1000, 0);
}

function sparkContestants(bronze: string, target: string): Contestant[] {
  const jars = findDeltaJars();
  if (python === undefined || jars === undefined || options.without.includes('spark')) {
    console.log('SKIPPED: Spark (node test/services/python.ts and node test/services/spark.ts install it)');
    return [];
  }
  const figures = measure('Spark', [python, here('peers/medallion_spark.py'), bronze, target, jars, '3']);
  const seconds = [...readFileSync(join(work, 'output.txt'), 'utf8').matchAll(/^round \d+ ([\d.]+)$/gm)].map((match) => Number(match[1]));
  const [cold = Number.NaN, ...warm] = seconds;
  return [
    { name: 'Spark local[2], cold: start and first round of silver and gold', rounds: [{ wall: cold }] },
    { name: 'Spark local[2], warm: a later round of silver and gold', rounds: warm.map((wall) => ({ wall })) },
    { name: `Spark local[2], the whole process of ${seconds.length} rounds`, rounds: [figures] },
  ];
}

try {
  const parts: string[] = [];
  for (const asked of options.scale) {
    const [scale = '1', runs = '5'] = asked.split(':');
    parts.push(await benchScale(Number(scale), Number(runs)));
  }
  const report = `# The main job: time, processor, memory\n\nMade by \`npm run bench -- ${process.argv.slice(2).join(' ')}\` on ${new Date().toISOString().slice(0, 10)} (${describeMachine()}).\n\nPeers run in turn on the same input. CPU and memory are those of all processes of a contestant; a part of a process has none.\n\n${parts.join('\n')}`;
  console.log(report);
  mkdirSync(here('../docs/evidence'), { recursive: true });
  writeFileSync(here('../docs/evidence/bench-main-job.md'), report);
} finally {
  rmSync(work, { recursive: true, force: true });
}
