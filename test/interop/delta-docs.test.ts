import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { expect, test } from 'vitest';

import { temporaryFolder } from '../support/cli.ts';

test('the examples of the reference run as pasted', () => {
  using folder = temporaryFolder();
  const text = readFileSync(new URL('../../docs/reference/delta.md', import.meta.url), 'utf8');
  const examples = [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, example = '']) => example);
  expect(examples.map((example) => run(example, folder.path))).toEqual([
    [
      'version 1',
      'files 1 of 4',
      '[ { orders: 333, amount: 249250.5 } ]',
      'updated 1 inserted 1',
      'then 1000 now 1001',
      "[ undefined, undefined, undefined, 'Append', 'Overwrite' ]",
    ],
    [
      'DELTA_CONSTRAINT',
      '[',
      "  { id: 1, status: 'new', row: 0 },",
      "  { id: 2, status: 'paid', row: 1 },",
      "  { id: 3, status: 'new', row: 2 }",
      ']',
      '[',
      "  { change: 'update_postimage', status: 'paid' },",
      "  { change: 'update_preimage', status: 'new' }",
      ']',
    ],
  ]);
});

function run(example: string, folder: string): readonly string[] {
  // Read from standard input, a module finds packages from the working folder: the checkout, which is the package itself.
  const output = execFileSync(process.execPath, ['--input-type=module-typescript', '-'], {
    input: example.replace("'lake'", JSON.stringify(folder)),
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1' },
  });
  return output.trim().split('\n');
}
