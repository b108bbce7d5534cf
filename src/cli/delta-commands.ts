import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

import type { Command } from 'commander';

import { LakesteadError } from '#core';
import { addUpkeepCommands } from './delta-upkeep-commands.ts';
import { askDeltaPath, isUrl, readDeltaPath, type SqlDocument, type TableDocument, type TableHistoryDocument } from '#project';

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
  readonly rowIds?: boolean;
  readonly explain?: boolean;
};

export function addDeltaCommands(program: Command, terminal: Terminal, act: Action): void {
  const delta = program
    .command('delta')
    .description('A Delta table by its path: a folder on this machine, the URL of one in Azure storage, or a lake address of a project.');
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
  const printRows = (document: SqlDocument, { json, output }: { readonly json?: boolean; readonly output?: string | undefined }) => {
    if (output !== undefined) {
      if (json) printJson(terminal, { rowCount: document.rowCount, output: resolve(output) });
      else terminal.note(`wrote ${formatCount(document.rowCount)} rows to ${output}`);
    } else if (!json) {
      for (const table of document.tables) terminal.out(`${formatTable(table.columns, table.rows)}\n`);
    }
  };
  const readAct = (verb: 'read' | 'changes') => (path: string, options: Options) =>
    act(async () => {
      const document = (await ask(terminal, verb, path, options)) as SqlDocument;
      if (options.explain !== true) printRows(document, options);
      return undefined;
    });
  command('read', 'Its rows.')
    .option('--columns <names>', 'only these columns, with commas between')
    .option('--where <sql>', 'only the rows for which this holds')
    .option('--row-ids', 'with row_id and row_commit_version, of a table with row tracking')
    .option('--explain', 'instead of rows say how many files and bytes would be read, and why not more')
    .option('--output <file>', 'write them to a Parquet file')
    .action(readAct('read'));
  delta
    .command('sql')
    .description("A query, or a statement in Spark's words, about the table in a folder of this machine or at a URL; it is called t.")
    .argument('<path>', 'the folder or URL; CREATE TABLE t makes the table there')
    .argument('<statement>')
    .option('--json', 'the rows as a JSON array')
    .option('--output <file>', 'write the rows to a Parquet file')
    .action((path: string, query: string, { json = false, output }: Pick<Options, 'json' | 'output'>) =>
      act(async () => {
        const format = output !== undefined ? ('parquet' as const) : json ? ('json' as const) : ('table' as const);
        const request = {
          path: isUrl(path) ? path : resolve(path),
          query,
          format,
          output: output === undefined ? undefined : resolve(output),
        };
        printRows(await askDeltaPath(request, { signal: terminal.signal, emit: emitTo(terminal) }), { json, output });
        return undefined;
      }),
    );
  addUpkeepCommands(delta, terminal, act);
  withProjectOptions(delta.command('changes'))
    .description('What changed from one version to another: its change feed.')
    .argument('<path>')
    .requiredOption('--from <N>', 'the first version')
    .option('--to <N>', 'the last version; default the newest')
    .option('--output <file>', 'write them to a Parquet file')
    .action(readAct('changes'));
}

/** Text of a result goes out as it comes. */
function emitTo(terminal: Terminal) {
  return (event: { readonly kind: string } & Readonly<Record<string, unknown>>) => {
    if (event.kind === 'text') terminal.out(String(event['text']));
  };
}

/** A folder of this machine, or a URL where no project is named, is read by this process itself; anything else is an address in the project's lake. */
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
    rowIds: options.rowIds,
    explain: options.explain,
    output: options.output === undefined ? undefined : resolve(options.output),
    format: options.json ? ('json' as const) : ('table' as const),
  };
  const emit = emitTo(terminal);
  const hasProject = options.project !== undefined || options.env !== undefined;
  if (isUrl(path) && !hasProject) return await readDeltaPath(args, { signal: terminal.signal, emit });
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
