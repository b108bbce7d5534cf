/**
 * How long do changes of a table of 10 million rows take, and how does that compare with delta-rs and Spark?
 *
 * Whole processes from start to exit, in turn, each on a copy of the same table (ten files of a million rows; a hundred small
 * ones for optimize); medians, CPU time, memory. `npm run bench:delta -- [--runs 3] [--only merge-scattered] [--without-spark]`. delta-rs is installed by
 * `node test/services/python.ts`; where it is missing that is said aloud.
 */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { findPython } from '../test/services/python.ts';
import { findDeltaJars } from '../test/services/spark.ts';
import { type Contestant, describeMachine, type Figures, measureProcess, summarise, tableHead } from './measure.ts';

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '3' },
    only: { type: 'string', multiple: true },
    'without-spark': { type: 'boolean', default: false },
  },
});

const changes: readonly (readonly [name: string, base: 'large' | 'small', what: string])[] = [
  ['append', 'large', 'append 5 million rows'],
  ['merge-scattered', 'large', 'merge 100,000 rows (1 %), scattered over all files'],
  ['merge-range', 'large', 'merge 100,000 rows (1 %), all of one range of keys'],
  ['delete', 'large', 'delete 1 %, scattered'],
  ['delete-range', 'large', 'delete 1 %, one range of keys'],
  ['update-range', 'large', 'update 1 %, one range of keys'],
  ['optimize', 'small', 'optimize 100 files of 100,000 rows'],
  ['zorder', 'small', 'optimize in z-order by two columns'],
];

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const python = findPython();
const jars = options['without-spark'] ? undefined : findDeltaJars();
const work = mkdtempSync(join(tmpdir(), 'lakestead-bench-'));
const log = join(work, 'output.txt');

function sizeOf(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(?:parquet|bin)$/.test(name) && !name.includes('_delta_log'))
    .reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

/** One change on a copy of a table, and how many bytes of data it wrote. */
function measureChange(
  name: string,
  command: readonly string[],
  base: string,
  more: readonly string[] = [],
): Figures & { readonly written: number } {
  const folder = join(work, 'copy');
  rmSync(folder, { recursive: true, force: true });
  cpSync(base, folder, { recursive: true });
  const before = sizeOf(folder);
  const figures = measureProcess(name, [...command, folder, ...more], log);
  return { ...figures, written: sizeOf(folder) - before };
}

/** The seconds of Spark's statement in a session that is warm: the start of one takes ten seconds. */
function measureSpark(name: string, base: string): Figures {
  measureChange('Spark', [python ?? '', here('peers/delta_change_spark.py'), name], base, [jars ?? '']);
  return { wall: Number(/seconds ([\d.]+)/.exec(readFileSync(log, 'utf8'))?.[1]) };
}

try {
  const bases = { large: join(work, 'large'), small: join(work, 'small'), marked: join(work, 'marked') };
  const ours = [process.execPath, here('peers/delta_change.ts')];
  measureProcess('make', [...ours, 'make', bases.large], log);
  measureProcess('make-marked', [...ours, 'make-marked', bases.marked], log);
  measureProcess('make-small', [...ours, 'make-small', bases.small], log);
  if (jars === undefined) console.log('SKIPPED: Spark (node test/services/spark.ts installs it)');
  if (python === undefined) console.log('SKIPPED: delta-rs (node test/services/python.ts installs it)');
  const parts: string[] = [];
  for (const [name, base, what] of changes) {
    if (options.only !== undefined && !options.only.includes(name)) continue;
    const lakestead: Figures[] = [];
    const marked: Figures[] = [];
    const deltaRs: Figures[] = [];
    const spark: Figures[] = [];
    const sparkMarked: Figures[] = [];
    const written = { lakestead: 0, marked: 0, deltaRs: 0 };
    for (let run = 0; run < Number(options.runs); run += 1) {
      const mine = measureChange('Lakestead', [...ours, name], bases[base]);
      lakestead.push(mine);
      written.lakestead = mine.written;
      if (/^(?:merge|delete|update)/.test(name)) {
        const asVectors = measureChange('with deletion vectors', [...ours, name], bases.marked);
        marked.push(asVectors);
        written.marked = asVectors.written;
      }
      if (python === undefined) continue;
      if (jars !== undefined) {
        spark.push(measureSpark(name, bases[base]));
        if (/^(?:merge|delete|update)/.test(name)) sparkMarked.push(measureSpark(name, bases.marked));
      }
      const theirs = measureChange('delta-rs', [python, here('peers/delta_change_rs.py'), name], bases[base]);
      deltaRs.push(theirs);
      written.deltaRs = theirs.written;
    }
    const mb = (bytes: number) => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB written`;
    const first: Contestant = { name: `Lakestead, ${mb(written.lakestead)}`, rounds: lakestead };
    const others = [
      { name: `Lakestead with deletion vectors, ${mb(written.marked)}`, rounds: marked },
      { name: `delta-rs, ${mb(written.deltaRs)}`, rounds: deltaRs },
      { name: 'Spark local[2], its statement alone', rounds: spark },
      { name: 'Spark with deletion vectors, its statement alone', rounds: sparkMarked },
    ];
    const contestants = [first, ...others].filter(({ rounds }) => rounds.length > 0);
    parts.push(`### ${what}`, '', ...tableHead, ...contestants.map((one) => summarise(one, first)), '');
    console.log(parts.slice(-4).join('\n'));
  }
  const report = `# Changes of a Delta table: time, processor, memory\n\nMade by \`npm run bench:delta -- ${process.argv.slice(2).join(' ')}\` on ${new Date().toISOString().slice(0, 10)} (${describeMachine()}).\n\nWhole processes in turn, each on a copy of the same table of 10 million rows with six columns. Both write files again, but for Lakestead with deletion vectors, which delta-rs does not write; Lakestead has a memory limit of 2 GB for its engine. Spark's figures are those of its statement in a session that is warm.\n\n${parts.join('\n')}`;
  mkdirSync(here('../docs/evidence'), { recursive: true });
  writeFileSync(here('../docs/evidence/bench-delta-changes.md'), report);
} finally {
  rmSync(work, { recursive: true, force: true });
}
