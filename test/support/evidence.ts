import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';

/** True under `npm run verify`: tests then run the full counts. */
const isVerify = process.env['VERIFY'] === '1';

/** The small count of `npm test`, or the full one of `npm run verify`. */
export function count(small: number, full: number): number {
  return isVerify ? full : small;
}

/** The seeds of a test by chance: 1 to `how many`, or those of `npm run verify -- --seeds a..b`, by which a long run is done in parts. */
export function seedRange(howMany: number): readonly number[] {
  const [, first, last] = /^(\d+)\.\.(\d+)$/.exec(process.env['SEEDS'] ?? '') ?? [undefined, '1', String(howMany)];
  return Array.from({ length: Number(last) - Number(first) + 1 }, (_, index) => Number(first) + index);
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
