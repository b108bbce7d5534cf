import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';

/** True under `npm run verify`: tests then run the full counts. */
const isVerify = process.env['VERIFY'] === '1';

/** The small count of `npm test`, or the full one of `npm run verify`. */
export function count(small: number, full: number): number {
  return isVerify ? full : small;
}

/** Under `npm run verify`, keeps what a test saw in `docs/evidence/<name>.json`. */
export function keepEvidence(name: string, facts: Readonly<Record<string, unknown>>): void {
  if (!isVerify) return;
  const folder = new URL('../../docs/evidence/', import.meta.url);
  mkdirSync(folder, { recursive: true });
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  const machine = `${process.platform} ${process.arch}, ${cpus().length} processors, Node ${process.version}`;
  writeFileSync(
    new URL(`${name}.json`, folder),
    `${JSON.stringify({ date: new Date().toISOString().slice(0, 10), commit, machine, ...facts }, undefined, 2)}\n`,
  );
}
