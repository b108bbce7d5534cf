import { extname, resolve } from 'node:path';

import type { Command } from 'commander';

import { LakesteadError } from '#core';
import type { SqlDocument } from '#project';

import type { Action } from './command-line.ts';
import { withProjectOptions } from './options.ts';
import { perform, type ProjectOptions } from './perform.ts';
import type { Terminal } from './terminal.ts';
import { formatBytes, formatDuration, formatRows, formatTable } from './text-table.ts';

type Options = ProjectOptions & {
  readonly json?: boolean;
  readonly database?: string;
  readonly dialect?: string;
  readonly format?: string;
  readonly output?: string;
};

const formats = ['table', 'json', 'csv', 'ndjson', 'parquet'];

export function addSqlCommand(program: Command, terminal: Terminal, act: Action): void {
  withProjectOptions(program.command('sql'))
    .description('Asks the lake or a database. Lake tables are layer.folder.table: gold.SalesLT.Address.')
    .argument('<query>')
    .option('--database <name>', 'a warehouse database (its dialect is T-SQL)')
    .option('--dialect <name>', 'duckdb (the lake) or tsql')
    .option('--format <name>', `${formats.join(', ')} (default: table; with --output what the file's name says, else csv)`)
    .option('--output <file>', 'write the result to a file')
    .action((query: string, options: Options) =>
      act(async () => {
        const format = options.json ? 'json' : (options.format ?? (options.output === undefined ? 'table' : formatOfFile(options.output)));
        if (!formats.includes(format)) throw new LakesteadError('USAGE', `--format takes ${formats.join(', ')}, not "${format}"`);
        if (format === 'parquet' && options.output === undefined)
          throw new LakesteadError('USAGE', '--format parquet needs --output <file>');
        const output = options.output === undefined ? undefined : resolve(options.output);
        const args = { query, database: options.database, dialect: options.dialect, format, output };
        const document = (await perform(terminal, options, 'sql', args, (event) => {
          if (event.kind === 'text') terminal.out(String(event['text']));
          else if (event.kind === 'message') terminal.note(String(event['text']));
          else if (event.kind === 'table') showTable(terminal, event['table'] as SqlDocument['tables'][number]); // as the command emits it
        })) as SqlDocument;
        show(terminal, document, output);
        return undefined;
      }),
    );
}

function show(terminal: Terminal, document: SqlDocument, output: string | undefined): void {
  const { fetched } = document;
  for (const table of document.tables) showTable(terminal, table);
  if (output !== undefined) terminal.note(`wrote ${formatRows(document.rowCount)} to ${output} in ${formatDuration(document.durationMs)}`);
  else if (document.rowCount === 0 && document.rowsAffected !== undefined) terminal.note(`${formatRows(document.rowsAffected)} affected`);
  if (fetched !== undefined) terminal.note(`fetched ${formatBytes(fetched.bytes)} from storage accounts in ${fetched.requests} requests`);
}

/** `.json`, `.ndjson` (also `.jsonl`), `.parquet`; anything else is CSV. */
function formatOfFile(file: string): string {
  const extension = extname(file).slice(1).toLowerCase();
  return extension === 'jsonl' ? 'ndjson' : ['json', 'ndjson', 'parquet'].includes(extension) ? extension : 'csv';
}

function showTable(terminal: Terminal, { columns, rows, isCut }: SqlDocument['tables'][number]): void {
  terminal.out(`${formatTable(columns, rows)}\n`);
  terminal.note(isCut ? `the first ${formatRows(rows.length)}; --format csv, json, ndjson or parquet gives all` : formatRows(rows.length));
}
