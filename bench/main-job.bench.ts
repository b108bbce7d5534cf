/**
 * How long does the main job take, and how does that compare with what else one would use?
 *
 * Whole processes from start to exit, peers in the same run on the same input, in turn; medians, CPU time and memory of
 * all processes of each. `npm run bench -- [--scale 1:9] [--scale 10000:3] [--without spark]`: a scale and its runs. Peers are
 * installed by `node test/services/python.ts` and `node test/services/spark.ts`; one that is missing is said aloud and left out.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { findPython } from '../test/services/python.ts';
import { findDeltaJars } from '../test/services/spark.ts';

const { values: options } = parseArgs({
  options: {
    scale: { type: 'string', multiple: true, default: ['1:9'] },
    without: { type: 'string', multiple: true, default: [] },
  },
});

/** `cpu` and `peakMb` are those of a whole process: a part of one has none. */
type Figures = { readonly wall: number; readonly cpu?: number; readonly peakMb?: number };
type Contestant = { readonly name: string; readonly rounds: readonly Figures[] };

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const python = findPython();
const work = mkdtempSync(join(tmpdir(), 'lakestead-bench-'));

/** Runs a command to its end by the operating system's own accounting. */
function measure(name: string, command: readonly string[], env: Readonly<Record<string, string>> = {}): Figures {
  const log = join(work, 'output.txt');
  const line = execFileSync(python ?? 'python3', [here('peers/measure.py'), log, ...command], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  const { status, ...figures } = JSON.parse(line) as Figures & { status: number }; // measure.py's one line
  if (status !== 0) throw new Error(`${name} failed with ${status}:\n${readFileSync(log, 'utf8').slice(-4000)}`);
  return figures;
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function summarise({ name, rounds }: Contestant, base: Contestant): string {
  const wall = median(rounds.map((round) => round.wall));
  const of = (figure: 'cpu' | 'peakMb', digits: number) => {
    const found = rounds.map((round) => round[figure]).filter((one) => one !== undefined);
    return found.length === 0 ? '' : median(found).toFixed(digits);
  };
  const ratio = wall / median(base.rounds.map((round) => round.wall));
  const walls = rounds.map((round) => round.wall);
  const range = rounds.length < 2 ? '' : `${Math.min(...walls).toFixed(2)}-${Math.max(...walls).toFixed(2)}`;
  return `| ${name} | ${rounds.length} | ${wall.toFixed(2)} | ${range} | ${of('cpu', 2)} | ${of('peakMb', 0)} | ${ratio.toFixed(2)} |`;
}

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
    '| | runs | wall s, median | least-most | CPU s | peak MB | x Lakestead |',
    '|---|---:|---:|---|---:|---:|---:|',
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
  const machine = `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} processors, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
  const report = `# The main job: time, processor, memory\n\nMade by \`npm run bench -- ${process.argv.slice(2).join(' ')}\` on ${new Date().toISOString().slice(0, 10)} (${machine}).\n\nPeers run in turn on the same input. CPU and memory are those of all processes of a contestant; a part of a process has none.\n\n${parts.join('\n')}`;
  console.log(report);
  mkdirSync(here('../docs/evidence'), { recursive: true });
  writeFileSync(here('../docs/evidence/bench-main-job.md'), report);
} finally {
  rmSync(work, { recursive: true, force: true });
}
