import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { expect, test } from 'vitest';

import { temporaryFolder } from '../support/cli.ts';

test('the example of the reference runs as pasted', () => {
  using folder = temporaryFolder();
  const text = readFileSync(new URL('../../docs/reference/delta.md', import.meta.url), 'utf8');
  const [, example = ''] = /```ts\n([\s\S]*?)```/.exec(text) ?? [];
  // Read from standard input, a module finds packages from the working folder: the checkout, which is the package itself.
  const program = example.replace("'lake'", JSON.stringify(folder.path));
  const output = execFileSync(process.execPath, ['--input-type=module-typescript', '-'], {
    input: program,
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1' },
  });
  expect(output.trim().split('\n')).toEqual([
    'version 1',
    'files 1 of 4',
    '[ { orders: 333, amount: 249250.5 } ]',
    'updated 1 inserted 1',
    'then 1000 now 1001',
    "[ undefined, undefined, undefined, 'Append', 'Overwrite' ]",
  ]);
});
