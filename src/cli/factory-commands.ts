import { readFileSync } from 'node:fs';

import type { Command } from 'commander';

import { LakesteadError } from '#core';
import { evaluateCases, formatExactJson } from '#factory';

import type { Action } from './command-line.ts';
import { exitCodes, type Terminal } from './terminal.ts';

type Options = { readonly context?: string; readonly cases?: string; readonly json?: boolean };

export function addFactoryCommands(program: Command, terminal: Terminal, act: Action): void {
  const factory = program.command('factory').description("Data Factory's language.");
  factory
    .command('evaluate')
    .description('The value of a pipeline expression, or of a file of cases.')
    .argument('[expression]')
    .option('--context <file>', 'parameters, variables, activities, item ... as JSON')
    .option('--cases <file>', 'a JSON list of {id, expression, context}')
    .option('--json', 'one JSON document on standard output')
    .action((expression: string | undefined, options: Options) =>
      act(async () => {
        if ((expression === undefined) === (options.cases === undefined)) {
          throw new LakesteadError('USAGE', 'give either an expression or --cases <file>');
        }
        if (options.cases !== undefined) {
          terminal.out(`${formatExactJson(evaluateCases(readText(options.cases), options.cases))}\n`);
          return undefined;
        }
        const context = options.context === undefined ? '{}' : readText(options.context);
        const [answer] = evaluateCases(
          `[{"id":"expression","expression":${JSON.stringify(expression)},"context":${context}}]`,
          options.context ?? 'the command line',
        );
        if (answer === undefined) throw new LakesteadError('INTERNAL', 'an expression gave no answer');
        const { id: _, ...result } = answer;
        terminal.out(`${formatExactJson('error' in result || options.json ? result : result.value)}\n`);
        return 'error' in result ? exitCodes.failed : exitCodes.ok;
      }),
    );
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new LakesteadError('USAGE', `cannot read ${file}`, { cause: error });
  }
}
