import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A folder of the public test data that stands beside the checkout; undefined (and said aloud) when it is not there. */
export function findSharedData(name: string): string | undefined {
  const folder = fileURLToPath(new URL(`../../../shared/data/${name}`, import.meta.url));
  if (existsSync(folder)) return folder;
  if (process.env['CI'] === 'true') throw new Error(`the test data "${name}" is not beside the checkout`);
  console.warn(`SKIPPED: the public test data "${name}" is not beside this checkout (../shared/data/${name})`);
  return undefined;
}
