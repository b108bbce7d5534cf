import { readFileSync } from 'node:fs';

import { Command, CommanderError } from 'commander';

import { LakesteadError } from '#core';

import { addDeltaCommands } from './delta-commands.ts';
import { addFactoryCommands } from './factory-commands.ts';
import { addInitCommand } from './init-command.ts';
import { addRunCommand } from './run-command.ts';
import { addSecretCommands } from './secret-commands.ts';
import { addServeCommand } from './serve-command.ts';
import { addSourceCommands } from './source-commands.ts';
import { addSqlCommand } from './sql-command.ts';
import { addStatusCommand } from './status-command.ts';
import { addTableCommands } from './table-commands.ts';
import { exitCodes, openTerminal, reportError, type Terminal } from './terminal.ts';
import { addValidateCommand } from './validate-command.ts';

/** A command's work: says the exit code, or nothing for 0. */
export type Action = (work: () => Promise<number | undefined>) => Promise<void>;

/** Parses the arguments, performs the command and says the exit code. Writes to the process's own terminal. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  const terminal = openTerminal();
  const asJson = args.includes('--json');
  let exitCode: number = exitCodes.ok;
  const act: Action = async (work) => {
    exitCode = (await work()) ?? exitCodes.ok;
  };
  try {
    await buildProgram(terminal, act, asJson).parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return exitCodes.ok;
      return reportError(
        terminal,
        new LakesteadError('USAGE', error.message.replace(/^error: /, ''), { hint: 'lakestead --help shows every command' }),
        asJson,
      );
    }
    return reportError(terminal, error, asJson);
  }
}

function buildProgram(terminal: Terminal, act: Action, asJson: boolean): Command {
  const program = new Command('lakestead')
    .description('The end-to-end Azure data platform on one machine: Data Factory pipelines, a Delta lake, serverless T-SQL views.')
    .version(packageVersion())
    // Else `delta read <path> --version 3` would ask for the version of this program.
    .enablePositionalOptions()
    .showHelpAfterError(false)
    .configureOutput({ writeErr: (text) => void (asJson || text.startsWith('error:') || terminal.note(text.trimEnd())) })
    .addHelpText(
      'after',
      `
Start here:
  lakestead init demo            a demo project with its own SQL Server
  cd demo && lakestead run       its main job: bronze, silver, gold, views
  lakestead sql --database gold_db "select top 10 * from address"

Exit codes: 0 done; 1 failed, or findings that are errors; 2 a command line that is not understood; 130 cancelled.
With --json, standard output is one JSON document; an error that prevents it is one JSON document on standard error.`,
    );
  addInitCommand(program, terminal, act);
  addRunCommand(program, terminal, act);
  addValidateCommand(program, terminal, act);
  addStatusCommand(program, terminal, act);
  addTableCommands(program, terminal, act);
  addSqlCommand(program, terminal, act);
  addServeCommand(program, terminal, act);
  addSourceCommands(program, terminal, act);
  addSecretCommands(program, terminal, act);
  addDeltaCommands(program, terminal, act);
  addFactoryCommands(program, terminal, act);
  throwInsteadOfExit(program);
  return program;
}

function throwInsteadOfExit(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) throwInsteadOfExit(child);
}

function packageVersion(): string {
  // From src/cli and from dist/cli alike, the manifest is two folders up.
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : '0.0.0';
}
