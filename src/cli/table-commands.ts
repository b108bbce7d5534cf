import type { Command } from 'commander';

import type { TableDocument, TableHistoryDocument, TableListDocument } from '#project';

import type { Action } from './command-line.ts';
import { printJson, withProjectOptions } from './options.ts';
import { perform, type ProjectOptions } from './perform.ts';
import type { Terminal } from './terminal.ts';
import { formatBytes, formatCount, formatTable } from './text-table.ts';

type Options = ProjectOptions & { readonly json?: boolean };

export function addTableCommands(program: Command, terminal: Terminal, act: Action): void {
  const table = program.command('table').description('The tables of the lake.');
  withProjectOptions(table.command('list'))
    .description('Tables with rows and bytes, of one layer or of all.')
    .argument('[layer]', 'bronze, silver, gold ...')
    .action((layer: string | undefined, options: Options) =>
      act(async () => {
        const list = (await perform(terminal, options, 'table list', { layer })) as TableListDocument;
        if (options.json) printJson(terminal, list);
        else terminal.out(`${formatTableList(list)}\n`);
        return undefined;
      }),
    );
  withProjectOptions(table.command('show'))
    .description('Columns, size and format of a table.')
    .argument('<table>', 'gold.SalesLT.Address, or its lake path')
    .action((name: string, options: Options) =>
      act(async () => {
        const document = (await perform(terminal, options, 'table show', { table: name })) as TableDocument;
        if (options.json) printJson(terminal, document);
        else terminal.out(`${formatTableDocument(document)}\n`);
        return undefined;
      }),
    );
  withProjectOptions(table.command('history'))
    .description('The commits of a Delta table, newest first.')
    .argument('<table>', 'gold.SalesLT.Address, or its lake path')
    .action((name: string, options: Options) =>
      act(async () => {
        const history = (await perform(terminal, options, 'table history', { table: name })) as TableHistoryDocument;
        if (options.json) printJson(terminal, history);
        else terminal.out(`${formatHistory(history)}\n`);
        return undefined;
      }),
    );
}

/** The tables of the lake for a person. */
function formatTableList(list: TableListDocument): string {
  if (list.length === 0) return 'the lake has no tables yet: try "lakestead run"';
  const table = formatTable(
    ['table', 'format', 'rows', 'size', 'files', 'version'],
    list.map(({ name, format, rows, sizeBytes, files, version }) => [
      name,
      format,
      rows === undefined ? '' : formatCount(rows),
      formatBytes(sizeBytes),
      String(files),
      version === undefined ? '' : String(version),
    ]),
  );
  const broken = list.flatMap(({ name, error }) => (error === undefined ? [] : `${name} cannot be read: ${error.code}: ${error.message}`));
  return [table, ...broken].join('\n');
}

export function formatTableDocument(table: TableDocument): string {
  const facts = [
    `${table.name}  ${table.format}`,
    `  ${table.address}`,
    `  ${table.rows === undefined ? '' : `${formatCount(table.rows)} rows, `}${formatBytes(table.sizeBytes)} in ${formatCount(table.files)} files${table.version === undefined ? '' : `, version ${table.version}`}`,
    ...describeFeatures(table),
    '',
  ];
  return `${facts.join('\n')}\n${formatTable(
    ['column', 'type', 'nullable'],
    table.columns.map((column) => [column.name, column.type, column.nullable ? 'yes' : 'no']),
  )}`;
}

/** What a Delta table asks of its readers and writers beyond what every table does. */
function describeFeatures({ features = [] }: TableDocument): readonly string[] {
  const more = features.filter((name) => name !== 'appendOnly' && name !== 'invariants');
  return more.length === 0 ? [] : [`  features: ${more.join(', ')}`];
}

export function formatHistory(history: TableHistoryDocument): string {
  return formatTable(
    ['version', 'time', 'operation', 'details'],
    history.map((entry) => [String(entry.version), entry.timestamp, entry.operation, JSON.stringify(entry.metrics ?? {})]),
  );
}
