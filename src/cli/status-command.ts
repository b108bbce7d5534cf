import type { Command } from 'commander';

import type { StatusDocument } from '#project';

import type { Action } from './command-line.ts';
import { parseCount, printJson, withProjectOptions } from './options.ts';
import { perform, type ProjectOptions } from './perform.ts';
import type { Terminal } from './terminal.ts';
import { formatDuration, formatTable } from './text-table.ts';

export function addStatusCommand(program: Command, terminal: Terminal, act: Action): void {
  withProjectOptions(program.command('status'))
    .description('What runs now and what ran before.')
    .option('--runs <N>', 'how many runs to show', '10')
    .action((options: ProjectOptions & { runs: string; json?: boolean }) =>
      act(async () => {
        // The owner's document is typed where it is made.
        const status = (await perform(terminal, options, 'status', { runs: parseCount('runs', options.runs, 1) })) as StatusDocument;
        if (options.json) printJson(terminal, status);
        else terminal.out(`${formatStatus(status)}\n`);
        return undefined;
      }),
    );
}

function formatStatus(status: StatusDocument): string {
  if (status.runs.length === 0) return 'nothing has run yet: try "lakestead run"';
  return formatTable(
    ['run', 'pipeline', 'status', 'started', 'took', 'error'],
    status.runs.map((run) => [
      run.runId.slice(0, 8),
      run.pipeline,
      run.status,
      run.startedAt,
      run.durationMs === undefined ? '' : formatDuration(run.durationMs),
      run.error === undefined ? '' : `${run.error.code}: ${run.error.message}`,
    ]),
  );
}
