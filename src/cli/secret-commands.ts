import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';

import type { Command } from 'commander';

import { LakesteadError } from '#core';

import type { Action } from './command-line.ts';
import { printJson, withProjectOptions } from './options.ts';
import { perform, type ProjectOptions } from './perform.ts';
import type { Terminal } from './terminal.ts';

type Options = ProjectOptions & { readonly json?: boolean };

export function addSecretCommands(program: Command, terminal: Terminal, act: Action): void {
  const secret = program.command('secret').description("The project's vault. Values are never shown.");
  withProjectOptions(secret.command('set'))
    .description('Keeps a secret: asks for the value, or takes it from standard input.')
    .argument('<name>')
    .action((name: string, options: Options) =>
      act(async () => {
        const value = process.stdin.isTTY ? await ask(`value of ${name}: `) : await readInput();
        if (value === '')
          throw new LakesteadError('USAGE', 'an empty value was given', { hint: `printf %s "$VALUE" | lakestead secret set ${name}` });
        const document = await perform(terminal, options, 'secret set', { name, value });
        if (options.json) printJson(terminal, document);
        else terminal.note(`kept ${name}`);
        return undefined;
      }),
    );
  withProjectOptions(secret.command('list'))
    .description('The names of the secrets.')
    .action((options: Options) =>
      act(async () => {
        const names = (await perform(terminal, options, 'secret list', {})) as readonly string[];
        if (options.json) printJson(terminal, names);
        else terminal.out(names.map((name) => `${name}\n`).join(''));
        return undefined;
      }),
    );
  withProjectOptions(secret.command('rm'))
    .description('Removes a secret.')
    .argument('<name>')
    .action((name: string, options: Options) =>
      act(async () => {
        const document = await perform(terminal, options, 'secret rm', { name });
        if (options.json) printJson(terminal, document);
        else terminal.note(`removed ${name}`);
        return undefined;
      }),
    );
}

async function ask(question: string): Promise<string> {
  process.stderr.write(question);
  // What is typed is echoed to nowhere.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  try {
    return await lines.question('');
  } finally {
    lines.close();
    process.stderr.write('\n');
  }
}

async function readInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '');
}
