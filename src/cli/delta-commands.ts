import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

import type { Command } from 'commander';

import { LakesteadError } from '#core';
import { readDeltaPath, type SqlDocument, type TableDocument, type TableHistoryDocument } from '#project';

import type { Action } from './command-line.ts';
import { parseCount, printJson, withProjectOptions } from './options.ts';
import { perform, type ProjectOptions } from './perform.ts';
import { formatHistory, formatTableDocument } from './table-commands.ts';
import type { Terminal } from './terminal.ts';
import { formatCount, formatTable } from './text-table.ts';

type Options = ProjectOptions & {
  readonly json?: boolean;
  readonly version?: string;
  readonly timestamp?: string;
  readonly output?: string;
  readonly from?: string;
  readonly to?: string;
  readonly columns?: string;
  readonly where?: string;
};

export function addDeltaCommands(program: Command, terminal: Terminal, act: Action): void {
  const delta = program.command('delta').description('A Delta table by its path: a folder on this machine, or a lake address.');
  const command = (name: string, description: string) =>
    withProjectOptions(delta.command(name))
      .description(description)
      .argument('<path>')
      .option('--version <N>', 'the table as of a version')
      .option('--timestamp <T>', 'the table as of an instant, ISO 8601');
  command('show', 'Protocol, schema, size.').action((path: string, options: Options) =>
    act(async () => {
      const table = (await ask(terminal, 'show', path, options)) as TableDocument;
      if (options.json) printJson(terminal, table);
      else terminal.out(`${formatTableDocument(table)}\n`);
      return undefined;
    }),
  );
  command('history', 'Its commits, newest first.').action((path: string, options: Options) =>
    act(async () => {
      const history = (await ask(terminal, 'history', path, options)) as TableHistoryDocument;
      if (options.json) printJson(terminal, history);
      else terminal.out(`${formatHistory(history)}\n`);
      return undefined;
    }),
  );
  const readAct = (verb: 'read' | 'changes') => (path: string, options: Options) =>
    act(async () => {
      const document = (await ask(terminal, verb, path, options)) as SqlDocument;
      if (options.output !== undefined) {
        if (options.json) printJson(terminal, { rowCount: document.rowCount, output: resolve(options.output) });
        else terminal.note(`wrote ${formatCount(document.rowCount)} rows to ${options.output}`);
      } else if (!options.json) {
        for (const table of document.tables) terminal.out(`${formatTable(table.columns, table.rows)}\n`);
      }
      return undefined;
    });
  command('read', 'Its rows.')
    .option('--columns <names>', 'only these columns, with commas between')
    .option('--where <sql>', 'only the rows for which this holds')
    .option('--output <file>', 'write them to a Parquet file')
    .action(readAct('read'));
  withProjectOptions(delta.command('changes'))
    .description('What changed from one version to another: its change feed.')
    .argument('<path>')
    .requiredOption('--from <N>', 'the first version')
    .option('--to <N>', 'the last version; default the newest')
    .option('--output <file>', 'write them to a Parquet file')
    .action(readAct('changes'));
}

/** A folder of this machine is read by this process itself; anything else is an address in the project's lake. */
async function ask(terminal: Terminal, verb: 'show' | 'history' | 'read' | 'changes', path: string, options: Options): Promise<unknown> {
  if (options.version !== undefined && options.timestamp !== undefined) {
    throw new LakesteadError('USAGE', '--version and --timestamp cannot be given together', { hint: 'leave one of them out' });
  }
  const args = {
    verb,
    path,
    version: options.version === undefined ? undefined : parseCount('version', options.version),
    timestamp: options.timestamp,
    from: options.from === undefined ? undefined : parseCount('from', options.from),
    to: options.to === undefined ? undefined : parseCount('to', options.to),
    columns: options.columns?.split(',').map((name) => name.trim()),
    where: options.where,
    output: options.output === undefined ? undefined : resolve(options.output),
    format: options.json ? ('json' as const) : ('table' as const),
  };
  const emit = (event: { readonly kind: string } & Readonly<Record<string, unknown>>) => {
    if (event.kind === 'text') terminal.out(String(event['text']));
  };
  if (existsSync(path)) return await readDeltaPath({ ...args, path: resolve(path) }, { signal: terminal.signal, emit });
  try {
    return await perform(terminal, options, 'delta', args, emit);
  } catch (error) {
    if (options.project !== undefined || !(error instanceof LakesteadError) || error.code !== 'CONFIG_NOT_FOUND') throw error;
    throw new LakesteadError(
      'DELTA_NOT_A_TABLE',
      `there is no folder "${path}" here, and no project in whose lake it could be an address`,
      {
        cause: error,
        hint: 'give the folder of a Delta table; an address such as gold/SalesLT/Address needs a project: --project <dir>',
      },
    );
  }
}
