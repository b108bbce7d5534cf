import { resolve } from 'node:path';

import type { Command } from 'commander';

import type { SourceCheck, SourceTable } from '#connectors';
import type { SourceLoadDocument } from '#project';

import type { Action } from './command-line.ts';
import { printJson, withProjectOptions } from './options.ts';
import { perform, type ProjectOptions } from './perform.ts';
import type { Terminal } from './terminal.ts';
import { formatCount, formatTable } from './text-table.ts';

type Options = ProjectOptions & { readonly json?: boolean };

export function addSourceCommands(program: Command, terminal: Terminal, act: Action): void {
  const source = program.command('source').description('Where data comes from: the linked services of the factory.');
  withProjectOptions(source.command('load'))
    .description('Fills an embedded SQL Server from CSV files.')
    .argument('<linkedService>')
    .requiredOption('--from <folder>', 'a folder of <schema>.<table>.csv')
    .requiredOption('--columns <file>', 'columns.json: types, keys and computed columns')
    .action((linkedService: string, options: Options & { from: string; columns: string }) =>
      act(async () => {
        const args = { linkedService, from: resolve(options.from), columns: resolve(options.columns) };
        const document = (await perform(terminal, options, 'source load', args)) as SourceLoadDocument;
        if (options.json) printJson(terminal, document);
        else {
          const rows = document.tables.map((table) => [`${table.schema}.${table.table}`, formatCount(table.rows)]);
          terminal.out(`${formatTable(['table', 'rows'], rows)}\n`);
        }
        return undefined;
      }),
    );
  withProjectOptions(source.command('check'))
    .description('Whether a source can be reached.')
    .argument('<linkedService>')
    .action((linkedService: string, options: Options) =>
      act(async () => {
        const check = (await perform(terminal, options, 'source check', { linkedService })) as SourceCheck;
        if (options.json) printJson(terminal, check);
        else
          terminal.out(
            `${linkedService} answers: ${check.version.split('\n')[0]}\n  server ${check.server}, database ${check.database}, user ${check.user}\n`,
          );
        return undefined;
      }),
    );
  withProjectOptions(source.command('tables'))
    .description('The tables and views of a source.')
    .argument('<linkedService>')
    .action((linkedService: string, options: Options) =>
      act(async () => {
        const tables = (await perform(terminal, options, 'source tables', { linkedService })) as readonly SourceTable[];
        if (options.json) printJson(terminal, tables);
        else
          terminal.out(
            tables.length === 0
              ? 'no tables\n'
              : `${formatTable(
                  ['table', 'kind'],
                  tables.map((table) => [`${table.schema}.${table.table}`, table.kind]),
                )}\n`,
          );
        return undefined;
      }),
    );
}
