/**
 * How long does it take to open a table and to plan a filtered scan, with 300,000 files in a checkpoint or 1,000 commits without
 * one, and to read 10 million rows of which 1 % are deleted by deletion vectors?
 *
 * Whole processes from start to exit, in turn; medians, CPU time, memory. `npm run bench:delta-open -- [--runs 3]`. Lakestead is the built package, as it is installed. delta-rs is
 * installed by `node test/services/python.ts`; where it is missing that is said aloud.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { findPython } from '../test/services/python.ts';
import { type Contestant, describeMachine, type Figures, measureProcess, summarise, tableHead } from './measure.ts';

const { values: options } = parseArgs({ options: { runs: { type: 'string', default: '3' } } });
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const python = findPython();
const work = mkdtempSync(join(tmpdir(), 'lakestead-bench-'));
const log = join(work, 'output.txt');
const node = process.execPath;
const parts: string[] = [];
execFileSync(node, [here('../tooling/build-package.ts')]);

/** Runs commands in turn, and adds their table to the report; the first is what the others are compared with. */
function compare(title: string, commands: readonly (readonly [name: string, command: readonly string[]])[]): void {
  const rounds = commands.map((): Figures[] => []);
  for (let run = 0; run < Number(options.runs); run += 1)
    commands.forEach(([name, command], index) => rounds[index]?.push(measureProcess(name, command, log)));
  const contestants = commands.map(([name], index): Contestant => ({ name, rounds: rounds[index] ?? [] }));
  const [first] = contestants;
  if (first === undefined) return;
  parts.push(`### ${title}`, '', ...tableHead, ...contestants.map((one) => summarise(one, first)), '');
  console.log(parts.slice(-4).join('\n'));
}

try {
  if (python === undefined) console.log('SKIPPED: delta-rs (node test/services/python.ts installs it)');
  const theirs = (folder: string) =>
    python === undefined ? [] : [['delta-rs', [python, here('peers/delta_open_rs.py'), 'open', folder]] as const];
  for (const [name, title] of [
    ['files', 'open a table of 300,000 files in a checkpoint, and plan a filtered scan'],
    ['commits', 'open a table of 1,000 commits without a checkpoint'],
  ] as const) {
    const folder = join(work, name);
    measureProcess('make', [node, here('peers/delta_open.ts'), `make-${name}`, folder], log);
    compare(title, [['Lakestead', [node, here('peers/delta_open.mjs'), folder]], ...theirs(folder)]);
  }
  const marked = join(work, 'marked');
  const change = [node, here('peers/delta_change.ts')];
  measureProcess('make', [...change, 'make-marked', marked], log);
  measureProcess('delete', [...change, 'delete', marked], log);
  compare('read 10 million rows, all columns, 1 % deleted by deletion vectors', [
    ['the same files by read_parquet alone', [...change, 'read-plain', marked]],
    ['Lakestead', [...change, 'read', marked]],
  ]);
  const report = `# Opening a Delta table: time, processor, memory\n\nMade by \`npm run bench:delta-open -- ${process.argv.slice(2).join(' ')}\` on ${new Date().toISOString().slice(0, 10)} (${describeMachine()}).\n\nWhole processes in turn. Start of the process included: Lakestead is the built package; half of what it takes to open the table is loading DuckDB and its modules.\n\n${parts.join('\n')}`;
  mkdirSync(here('../docs/evidence'), { recursive: true });
  writeFileSync(here('../docs/evidence/bench-delta-open.md'), report);
} finally {
  rmSync(work, { recursive: true, force: true });
}
