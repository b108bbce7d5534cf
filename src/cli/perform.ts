import { resolve } from 'node:path';

import { loadConfig } from '#config';
import { type CommandEvent, performCommand } from '#owner';
import { openProjectOwner } from '#project';

import type { Terminal } from './terminal.ts';

export type ProjectOptions = { readonly project?: string; readonly env?: string; readonly json?: boolean };

/**
 * Performs a command on the project of `options`, by its owner or as its owner. Paths in `args` must be absolute: the
 * owner's current folder is another one.
 */
export async function perform(
  terminal: Terminal,
  options: ProjectOptions,
  command: string,
  args: Readonly<Record<string, unknown>>,
  emit: (event: CommandEvent) => void | Promise<void> = () => {},
): Promise<unknown> {
  const { projectDir } = loadConfig({ dir: resolve(options.project ?? '.'), ...(options.env === undefined ? {} : { env: options.env }) });
  return await performCommand(
    { command, args: { ...args, env: options.env } },
    {
      dir: projectDir,
      open: () => openProjectOwner(projectDir),
      signal: terminal.signal,
      emit,
      onDrain: (count) => {
        // With --json standard error is for the one document of an error.
        if (options.json !== true)
          terminal.note(`waiting for ${count} command${count === 1 ? '' : 's'} of other terminals (Ctrl-C stops them)`);
      },
    },
  );
}
