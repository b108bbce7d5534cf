import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { z } from 'zod';

import { describeError, LakesteadError } from '#core';
import { openState } from '#state';

import type { Command, CommandContext } from './command.ts';
import { openLogFile } from './log-file.ts';
import { openProject, type Project } from './project.ts';
import { runCommand } from './run-command.ts';
import { secretCommands } from './secret-commands.ts';
import { serveCommand } from './serve-command.ts';
import { sourceCommands } from './source-commands.ts';
import { sqlCommand } from './sql-command.ts';
import { statusCommand } from './status-command.ts';
import { tableCommands } from './table-commands.ts';

const commands: Readonly<Record<string, Command>> = {
  run: runCommand,
  serve: serveCommand,
  sql: sqlCommand,
  status: statusCommand,
  ...secretCommands,
  ...sourceCommands,
  ...tableCommands,
};

const environmentArgs = z.looseObject({ env: z.string().optional() });

/** A project as its owner has it: performs commands by name. Environments open when a command first names them. */
export type ProjectOwner = AsyncDisposable & {
  readonly perform: (request: { readonly command: string; readonly args: unknown }, context: CommandContext) => Promise<unknown>;
};

/** Opens a project's state and log; runs that an owner left when it was killed are ended as failed. */
export async function openProjectOwner(dir: string): Promise<ProjectOwner> {
  const stateDir = join(dir, '.lakestead');
  mkdirSync(stateDir, { recursive: true });
  const log = openLogFile(stateDir, new Date());
  const state = openState(dir);
  for (const runId of state.runs.closeAbandoned()) log.warn('run was abandoned by a process that ended', { runId });
  const projects = new Map<string | undefined, Project>();
  const projectOf = (env: string | undefined): Project => {
    let project = projects.get(env);
    if (project === undefined) {
      project = openProject({ dir, env, state, log });
      projects.set(env, project);
    }
    return project;
  };
  return await Promise.resolve({
    perform: async ({ command: name, args }, context) => {
      const found = commands[name];
      if (found === undefined) throw new LakesteadError('USAGE', `the owner knows no command "${name}"`);
      log.info('command', { command: name });
      try {
        return await found(projectOf(environmentArgs.parse(args).env), args, context);
      } catch (error) {
        const { code, message } = describeError(error);
        log.error('command failed', { command: name, code, message });
        throw error;
      }
    },
    [Symbol.asyncDispose]: async () => {
      for (const project of projects.values()) await project[Symbol.asyncDispose]();
      state[Symbol.dispose]();
      log[Symbol.dispose]();
    },
  });
}
