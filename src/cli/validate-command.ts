import { resolve } from 'node:path';

import type { Command } from 'commander';

import { type ValidationFinding, validateProject } from '#project';

import type { Action } from './command-line.ts';
import { printJson } from './options.ts';
import { exitCodes, type Terminal } from './terminal.ts';

export function addValidateCommand(program: Command, terminal: Terminal, act: Action): void {
  program
    .command('validate')
    .description('Checks a whole project, or a factory folder, without running it.')
    .argument('[folder]', 'a project or a factory folder (default: this project)')
    .option('--target <name>', 'say what would not deploy there: adf, synapse, fabric, databricks')
    .option('--env <name>', 'the environment of lakestead.yaml')
    .option('--json', 'one JSON document on standard output')
    .action((folder: string | undefined, options: { target?: string; env?: string; json?: boolean }) =>
      act(async () => {
        const findings = await validateProject({ dir: resolve(folder ?? '.'), target: options.target, env: options.env });
        if (options.json) printJson(terminal, findings);
        else terminal.out(`${formatFindings(findings)}\n`);
        return findings.some((finding) => finding.severity === 'error') ? exitCodes.failed : exitCodes.ok;
      }),
    );
}

function formatFindings(findings: readonly ValidationFinding[]): string {
  const lines = findings.map(({ file, line, severity, code, message, activity }) =>
    [`${file}${line === undefined ? '' : `:${line}`}`, severity, code, activity === undefined ? message : `${activity}: ${message}`].join(
      '  ',
    ),
  );
  const count = (severity: string, name = severity) => {
    const { length } = findings.filter((finding) => finding.severity === severity);
    return `${length} ${name}${length === 1 ? '' : 's'}`;
  };
  return [...lines, `${count('error')}, ${count('warning')}, ${count('info', 'note')}`].join('\n');
}
