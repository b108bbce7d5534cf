import { relative, resolve } from 'node:path';

import type { Command } from 'commander';

import { LakesteadError } from '#core';
import { createProject } from '#demo';

import type { Action } from './command-line.ts';
import { commandName, parseCount, printJson } from './options.ts';
import { perform } from './perform.ts';
import type { Terminal } from './terminal.ts';
import { formatCount } from './text-table.ts';

type Options = { readonly template: string; readonly scale: string; readonly seed: string; readonly json?: boolean };
type Generated = { readonly tables: readonly { readonly table: string; readonly rows: number }[] };

export function addInitCommand(program: Command, terminal: Terminal, act: Action): void {
  program
    .command('init')
    .description('Makes a project folder; the demo comes with its own SQL Server.')
    .argument('<dir>')
    .option('--template <name>', 'adventureworks or empty', 'adventureworks')
    .option('--scale <N>', 'how much data: 1 is 542 order lines, 10000 is 5.4 million', '1')
    .option('--seed <N>', 'another seed gives other data of the same shape', '1')
    .option('--json', 'one JSON document on standard output, no progress')
    .action((dir: string, options: Options) =>
      act(async () => {
        const { template } = options;
        if (template !== 'adventureworks' && template !== 'empty') {
          throw new LakesteadError('USAGE', `there is no template "${template}"`, { hint: 'templates: adventureworks, empty' });
        }
        const scale = parseCount('scale', options.scale);
        if (scale < 1) throw new LakesteadError('USAGE', '--scale takes a number from 1 on');
        const project = resolve(dir);
        await createProject({ dir: project, template });
        const generated =
          template === 'empty'
            ? { tables: [] }
            : ((await perform(terminal, { project }, 'demo generate', { scale, seed: parseCount('seed', options.seed) })) as Generated);
        if (options.json) printJson(terminal, { dir: project, template, ...generated });
        else report(terminal, project, generated);
        return undefined;
      }),
    );
}

function report(terminal: Terminal, project: string, generated: Generated): void {
  const rows = generated.tables.reduce((sum, table) => sum + table.rows, 0);
  const where = relative(process.cwd(), project) || '.';
  terminal.note(
    `made ${where}${generated.tables.length > 0 ? `: a SQL Server with ${generated.tables.length} tables, ${formatCount(rows)} rows` : ''}`,
  );
  terminal.note(`next: ${commandName()} run${where === '.' ? '' : ` --project ${where}`}`);
}
