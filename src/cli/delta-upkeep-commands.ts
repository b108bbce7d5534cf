import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

import type { Command } from 'commander';

import { LakesteadError } from '#core';
import type { CheckResult, OptimizeResult, RestoreResult, VacuumResult } from '#delta';
import { keepUp, type UpkeepRequest } from '#project';

import type { Action } from './command-line.ts';
import { parseCount, printJson } from './options.ts';
import type { Terminal } from './terminal.ts';
import { formatBytes, formatCount } from './text-table.ts';

type Verb<K extends UpkeepRequest['verb']> = Omit<Extract<UpkeepRequest, { verb: K }>, 'path' | 'verb'>;
type Json = { readonly json?: boolean };

/** `delta check|optimize|vacuum|restore` of a folder of this machine. */
export function addUpkeepCommands(delta: Command, terminal: Terminal, act: Action): void {
  const command = (name: string, description: string) =>
    delta
      .command(name)
      .description(description)
      .argument('<path>', 'the folder of the table on this machine')
      .option('--json', 'one JSON document on standard output');
  /** Performs it, and prints the document or its line for people; the exit code is what `failed` says. */
  const perform = async <T>(request: UpkeepRequest, { json }: Json, say: (result: T) => string): Promise<T> => {
    if (!existsSync(request.path))
      throw new LakesteadError('DELTA_NOT_A_TABLE', `there is no folder ${request.path}`, {
        hint: 'give the folder of a Delta table on this machine; of the lake of a project, use lakestead sql',
      });
    const result = (await keepUp({ ...request, path: resolve(request.path) }, { signal: terminal.signal })) as T; // by the verb
    if (json === true) printJson(terminal, result);
    else terminal.out(`${say(result)}\n`);
    return result;
  };
  command('check', 'Verifies a table against its files; changes nothing. Exit code 1 when something is wrong.').action(
    (path: string, options: Json) =>
      act(async () => {
        const { findings } = await perform<CheckResult>({ verb: 'check', path }, options, ({ version, files, findings: all }) =>
          all.length === 0
            ? `version ${version}: ${formatCount(files)} files, all as the log says`
            : all.map(({ file, problem, hint }) => `${file === undefined ? '' : `${file}: `}${problem}\n  hint: ${hint}`).join('\n'),
        );
        return findings.length === 0 ? undefined : 1;
      }),
  );
  command('optimize', 'Writes small files together; no row changes.')
    .option('--where <sql>', 'only partitions that fit')
    .option('--zorder <columns>', 'sort by these columns, with commas between, so that filters on any of them leave files out')
    .action((path: string, { where, zorder, ...options }: Json & { readonly where?: string; readonly zorder?: string }) =>
      act(async () => {
        const request: Verb<'optimize'> = { where, zorderBy: zorder?.split(',').map((name) => name.trim()) };
        await perform<OptimizeResult>({ verb: 'optimize', path, ...request }, options, ({ filesAdded, filesRemoved, version }) =>
          version === undefined ? 'nothing to do' : `version ${version}: ${filesRemoved} files became ${filesAdded}`,
        );
        return undefined;
      }),
    );
  command('vacuum', 'Removes files that no version within the retention needs.')
    .option('--retain-hours <N>', "how long ago they left the table (default: the table's own retention, else 168)")
    .option('--dry-run', 'only say which')
    .option('--force', 'take fewer hours than the retention: nobody reads or writes the table now')
    .action((path: string, { retainHours, ...options }: Json & Omit<Verb<'vacuum'>, 'retainHours'> & { readonly retainHours?: string }) =>
      act(async () => {
        const { dryRun, force } = options;
        const hours = retainHours === undefined ? undefined : parseCount('retain-hours', retainHours);
        await perform<VacuumResult>({ verb: 'vacuum', path, retainHours: hours, dryRun, force }, options, ({ files, bytes }) =>
          [
            ...(dryRun === true ? files : []),
            `${dryRun === true ? 'would remove' : 'removed'} ${formatCount(files.length)} files, ${formatBytes(bytes)}`,
          ].join('\n'),
        );
        return undefined;
      }),
    );
  command('restore', 'Makes an older version the newest one again, by a new commit.')
    .option('--version <N>', 'the version')
    .option('--timestamp <T>', 'the newest version not after an instant, ISO 8601')
    .action((path: string, { version, timestamp, ...options }: Json & { readonly version?: string; readonly timestamp?: string }) =>
      act(async () => {
        const at = timestamp === undefined ? undefined : new Date(timestamp);
        if (at !== undefined && Number.isNaN(at.getTime()))
          throw new LakesteadError('USAGE', `"${timestamp}" is no instant`, { hint: 'write it as 2024-01-31T12:00:00Z' });
        const request: Verb<'restore'> = { version: version === undefined ? undefined : parseCount('version', version), timestamp: at };
        await perform<RestoreResult>(
          { verb: 'restore', path, ...request },
          options,
          (did) => `version ${did.version}: ${did.filesRestored} files came back, ${did.filesRemoved} went`,
        );
        return undefined;
      }),
    );
}
