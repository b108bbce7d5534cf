import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

import type { Command } from 'commander';

import { LakesteadError } from '#core';
import type { CheckFinding, CheckResult, CommitResult, OptimizeResult, RepairResult, RestoreResult, VacuumResult } from '#delta';
import { isUrl, keepUp, type UpkeepRequest } from '#project';

import type { Action } from './command-line.ts';
import { parseCount, printJson } from './options.ts';
import type { Terminal } from './terminal.ts';
import { formatBytes, formatCount } from './text-table.ts';

type Verb<K extends UpkeepRequest['verb']> = Omit<Extract<UpkeepRequest, { verb: K }>, 'path' | 'verb'>;
type Json = { readonly json?: boolean };

/** `delta check|optimize|vacuum|restore|clone|convert` of a folder of this machine or a URL. */
export function addUpkeepCommands(delta: Command, terminal: Terminal, act: Action): void {
  const command = (name: string, description: string) =>
    delta
      .command(name)
      .description(description)
      .argument('<path>', 'the folder of the table on this machine, or its URL')
      .option('--json', 'one JSON document on standard output');
  /** Performs it, and prints the document or its line for people; the exit code is what `failed` says. */
  const perform = async <T>(request: UpkeepRequest, { json }: Json, say: (result: T) => string): Promise<T> => {
    if (!isUrl(request.path) && !existsSync(request.path))
      throw new LakesteadError('DELTA_NOT_A_TABLE', `there is no folder ${request.path}`, {
        hint: 'give the folder of a Delta table on this machine; of the lake of a project, use lakestead sql',
      });
    const path = isUrl(request.path) ? request.path : resolve(request.path);
    const result = (await keepUp({ ...request, path }, { signal: terminal.signal })) as T; // by the verb
    if (json === true) printJson(terminal, result);
    else terminal.out(`${say(result)}\n`);
    return result;
  };
  command('check', 'Verifies a table against its files; changes nothing. Exit code 1 when something is wrong.')
    .option('--repair', 'mend by a new commit what the log can mend: missing files leave the table, wrong statistics go')
    .action((path: string, { repair = false, ...options }: Json & { readonly repair?: boolean }) =>
      act(async () => {
        if (repair) {
          const { findings } = await perform<RepairResult>(
            { verb: 'check', path, repair },
            options,
            ({ version, repaired, findings: left }) =>
              [
                version === undefined ? 'nothing that a commit can mend' : `version ${version} mends:\n${describeFindings(repaired)}`,
                ...(left.length === 0 ? [] : [`left as it is:\n${describeFindings(left)}`]),
              ].join('\n'),
          );
          return findings.length === 0 ? undefined : 1;
        }
        const { findings } = await perform<CheckResult>({ verb: 'check', path }, options, ({ version, files, findings: all }) =>
          all.length === 0 ? `version ${version}: ${formatCount(files)} files, all as the log says` : describeFindings(all),
        );
        return findings.length === 0 ? undefined : 1;
      }),
    );
  command('optimize', 'Writes small files together; no row changes.')
    .option('--where <sql>', 'only partitions that fit')
    .option('--zorder <columns>', 'sort by these columns, with commas between, so that filters on any of them leave files out')
    .option('--full', 'of a clustered table: also the files that are clustered already')
    .option('--purge', 'write files with deleted rows again, without those')
    .action((path: string, { where, zorder, full, purge, ...options }: OptimizeArgs) =>
      act(async () => {
        const request: Verb<'optimize'> = { where, zorderBy: zorder?.split(',').map((name) => name.trim()), full, purge };
        await perform<OptimizeResult>({ verb: 'optimize', path, ...request }, options, ({ filesAdded, filesRemoved, version }) =>
          version === undefined ? 'nothing to do' : `version ${version}: ${filesRemoved} files became ${filesAdded}`,
        );
        return undefined;
      }),
    );
  command('vacuum', 'Removes files that no version within the retention needs.')
    .option('--retain-hours <N>', "how long ago they left the table (default: the table's own retention, else 168)")
    .option('--dry-run', 'only say which')
    .option('--lite', 'only what the log says was removed: the folder is not listed')
    .option('--force', 'take fewer hours than the retention: nobody reads or writes the table now')
    .action((path: string, { retainHours, ...options }: Json & Omit<Verb<'vacuum'>, 'retainHours'> & { readonly retainHours?: string }) =>
      act(async () => {
        const { dryRun, force, lite } = options;
        const hours = retainHours === undefined ? undefined : parseCount('retain-hours', retainHours);
        await perform<VacuumResult>({ verb: 'vacuum', path, retainHours: hours, dryRun, force, lite }, options, ({ files, bytes }) =>
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
        const request: Verb<'restore'> = parseWhen({ version, timestamp });
        await perform<RestoreResult>(
          { verb: 'restore', path, ...request },
          options,
          (did) => `version ${did.version}: ${did.filesRestored} files came back, ${did.filesRemoved} went`,
        );
        return undefined;
      }),
    );
  command('clone', 'Makes a table at another place that reads the files of this one where they are.')
    .argument('<target>', 'the folder of the clone')
    .option('--version <N>', 'of this version')
    .option('--timestamp <T>', 'of the newest version not after an instant, ISO 8601')
    .action((path: string, target: string, { version, timestamp, ...options }: Json & When) =>
      act(async () => {
        const to = isUrl(target) ? target : resolve(target);
        await perform<CommitResult>({ verb: 'clone', path, target: to, ...parseWhen({ version, timestamp }) }, options, () => `${target} is a clone of ${path}`); // prettier-ignore
        return undefined;
      }),
    );
  command('convert', 'Makes a Delta table of a folder of Parquet files, which stay as they are.')
    .option(
      '--partition-by <columns>',
      'types of the columns in the names of folders: "day DATE, region STRING" (default: told from the values)',
    )
    .option('--no-statistics', 'do not read the files: filters leave none out then')
    .action(
      (path: string, { partitionBy, statistics, ...options }: Json & { readonly partitionBy?: string; readonly statistics?: boolean }) =>
        act(async () => {
          const pairs = (partitionBy ?? '').split(',').map((part) => part.trim()).filter((part) => part !== ''); // prettier-ignore
          const types = pairs.map((part): [string, string] => {
            const [, name, type] = /^(\S+)\s+(\S.*)$/.exec(part) ?? [];
            if (name !== undefined && type !== undefined) return [name, type];
            throw new LakesteadError('USAGE', `"${part}" is no column with its type`, {
              hint: 'write --partition-by "day DATE, region STRING"',
            });
          });
          const request: Verb<'convert'> = { partitionBy: Object.fromEntries(types), withStatistics: statistics };
          await perform<{ readonly version: number }>({ verb: 'convert', path, ...request }, options, () => `${path} is a Delta table`);
          return undefined;
        }),
    );
}

type OptimizeArgs = Json & Pick<Verb<'optimize'>, 'where' | 'full' | 'purge'> & { readonly zorder?: string };
type When = { readonly version?: string | undefined; readonly timestamp?: string | undefined };

function parseWhen({ version, timestamp }: When): { readonly version: number | undefined; readonly timestamp: Date | undefined } {
  const at = timestamp === undefined ? undefined : new Date(timestamp);
  if (at !== undefined && Number.isNaN(at.getTime()))
    throw new LakesteadError('USAGE', `"${timestamp ?? ''}" is no instant`, { hint: 'write it as 2024-01-31T12:00:00Z' });
  return { version: version === undefined ? undefined : parseCount('version', version), timestamp: at };
}

function describeFindings(findings: readonly CheckFinding[]): string {
  return findings.map(({ file, problem, hint }) => `${file === undefined ? '' : `${file}: `}${problem}\n  hint: ${hint}`).join('\n');
}
