import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';

import { findPython } from '../test/services/python.ts';

/** `cpu` and `peakMb` are those of a whole process: a part of one has none. */
export type Figures = { readonly wall: number; readonly cpu?: number; readonly peakMb?: number };
export type Contestant = { readonly name: string; readonly rounds: readonly Figures[] };

/** Runs a command to its end by the operating system's own accounting; what it prints goes to `log`. */
export function measureProcess(name: string, command: readonly string[], log: string): Figures {
  const line = execFileSync(findPython() ?? 'python3', [fileURLToPath(new URL('peers/measure.py', import.meta.url)), log, ...command], {
    encoding: 'utf8',
  });
  const { status, ...figures } = JSON.parse(line) as Figures & { status: number }; // measure.py's one line
  if (status !== 0) throw new Error(`${name} failed with ${status}:\n${readFileSync(log, 'utf8').slice(-4000)}`);
  return figures;
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** A row of the table; `base` is what the others are compared with. */
export function summarise({ name, rounds }: Contestant, base: Contestant): string {
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

/** The head of the table that {@link summarise} makes the rows of. */
export const tableHead = ['| | runs | wall s, median | least-most | CPU s | peak MB | x Lakestead |', '|---|---:|---:|---|---:|---:|---:|'];

/** What the figures were measured on. */
export function describeMachine(): string {
  return `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} processors, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
}
