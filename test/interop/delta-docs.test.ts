import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { expect, test } from 'vitest';

import { findAzurite, startAzurite } from '../services/azurite.ts';
import { temporaryFolder } from '../support/cli.ts';

const reference = readFileSync(new URL('../../docs/reference/delta.md', import.meta.url), 'utf8');
const examples = [...reference.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, example = '']) => example);

test('the examples of the reference run as pasted', () => {
  using folder = temporaryFolder();
  expect(examples).toHaveLength(3);
  expect(examples.slice(0, 2).map((example) => run(example, folder.path))).toEqual([
    [
      'version 1',
      'files 1 of 4',
      '[ { orders: 329, amount: 249217.5 } ]',
      '329 rows, first id 13n',
      'files 4 version 1',
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

test.runIf(findAzurite())('the example on Azure runs as pasted against Azurite', { timeout: 60_000 }, async () => {
  await using azurite = await startAzurite();
  const example = examples.at(2) ?? '';
  const program = example.replace('http://127.0.0.1:10000/devstoreaccount1', azurite.endpoint);
  expect(run(program, '', { AZURE_STORAGE_KEY: azurite.accountKey })).toEqual(['[ { amount: 10.5 } ]', '3 versions']);
});

function run(example: string, folder: string, env: Readonly<Record<string, string>> = {}): readonly string[] {
  // Read from standard input, a module finds packages from the working folder: the checkout, which is the package itself.
  const output = execFileSync(process.execPath, ['--input-type=module-typescript', '-'], {
    input: folder === '' ? example : example.replace("'lake'", JSON.stringify(folder)),
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1', ...env },
  });
  return output.trim().split('\n');
}
