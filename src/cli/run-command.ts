import { relative } from 'node:path';
import { styleText } from 'node:util';

import type { Command } from 'commander';

import type { RunDocument } from '#project';

import type { Action } from './command-line.ts';
import { commandName, parseAssignments, printJson, withProjectOptions } from './options.ts';
import { perform, type ProjectOptions } from './perform.ts';
import { showProgress } from './show-progress.ts';
import { exitCodes, formatError, type Terminal } from './terminal.ts';
import { formatBytes, formatCount, formatDuration, formatTable } from './text-table.ts';

type Options = ProjectOptions & { readonly json?: boolean; readonly param: readonly string[] };

export function addRunCommand(program: Command, terminal: Terminal, act: Action): void {
  withProjectOptions(program.command('run'))
    .description("Runs a pipeline, or the project's main ones.")
    .argument('[pipeline]', 'name, or folder:name where names clash')
    .option('--param <name=value>', 'a parameter of the pipeline', (value: string, before: readonly string[]) => [...before, value], [])
    .action((pipeline: string | undefined, options: Options) =>
      act(async () => {
        const asJson = options.json === true;
        const args = { pipeline, parameters: parseAssignments('param', options.param), summary: !asJson };
        using progress = showProgress(terminal);
        const run = (await perform(terminal, options, 'run', args, asJson ? () => {} : progress.tell)) as RunDocument;
        progress[Symbol.dispose]();
        if (asJson) printJson(terminal, run);
        else showSummary(terminal, run, options.project);
        if (run.status === 'Succeeded') return exitCodes.ok;
        return run.status === 'Cancelled' ? exitCodes.cancelled : exitCodes.failed;
      }),
    );
}

function showSummary(terminal: Terminal, run: RunDocument, projectDir: string | undefined): void {
  terminal.note('');
  if (run.error !== undefined) terminal.note(formatError(run.error));
  const outcome = run.status === 'Succeeded' ? styleText('green', run.status) : styleText('red', run.status);
  terminal.note(`${outcome} in ${formatDuration(run.durationMs)}  (run ${run.runId.slice(0, 8)})`);
  for (const step of steps(run)) terminal.note(`  ${step}`);
  if (run.lake === undefined) return;
  const { dir, tables } = run.lake;
  const layers = [...new Set(tables.map(({ layer }) => layer))].toSorted((a, b) => rank(a) - rank(b));
  const names = [...new Set(tables.map((table) => table.name.slice(table.layer.length + 1)))];
  const cell = (layer: string, name: string): string => {
    const table = tables.find((one) => one.name === `${layer}.${name}`);
    return table === undefined ? '' : `${table.rows === undefined ? '?' : formatCount(table.rows)} rows, ${formatBytes(table.sizeBytes)}`;
  };
  terminal.out(
    `\n${formatTable(
      ['table', ...layers],
      names.map((name) => [name, ...layers.map((layer) => cell(layer, name))]),
    )}\n`,
  );
  const where = /^https?:/.test(dir) ? dir : relative(process.cwd(), dir) || '.';
  terminal.note(`\nThe lake is ${where}. Try next:`);
  const command = commandName();
  const project = projectDir === undefined ? '' : ` --project ${/\s/.test(projectDir) ? `"${projectDir}"` : projectDir}`;
  terminal.note(`  ${command} sql${project} --database gold_db "select top 10 * from address"`);
  terminal.note(`  ${command} table show${project} gold.SalesLT.Address`);
  terminal.note(`  ${command} status${project}`);
}

const rank = (layer: string): number => ['bronze', 'silver', 'gold'].indexOf(layer) + 1 || 9;

/** The time of each step: the activities of the pipelines, not what is inside loops. */
function steps(run: RunDocument): string[] {
  const top = run.activities.flatMap((activity) =>
    activity.type === 'ExecutePipeline' && activity.activities !== undefined
      ? activity.activities.map((one) => ({ ...one, name: `${activity.name} / ${one.name}` }))
      : [activity],
  );
  const width = Math.max(0, ...top.map(({ name }) => name.length));
  return top.map(
    ({ name, status, durationMs }) =>
      `${name.padEnd(width)}  ${formatDuration(durationMs).padStart(8)}${status === 'Succeeded' ? '' : `  ${status}`}`,
  );
}
