import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Command } from 'commander';

import { LakesteadError } from '#core';

import type { Terminal } from './terminal.ts';

/** The options that every command on a project has. */
export function withProjectOptions(command: Command): Command {
  return command
    .option('--project <dir>', 'the project folder (default: this folder or one above)')
    .option('--env <name>', 'the environment of lakestead.yaml')
    .option('--json', 'one JSON document on standard output, no progress');
}

/** How this command is called from here: in a checkout by its path, installed by its name. */
export function commandName(): string {
  if (!import.meta.url.endsWith('.ts')) return 'lakestead';
  const path = relative(process.cwd(), fileURLToPath(new URL('../../bin/lakestead', import.meta.url)));
  return path.startsWith('..') ? 'lakestead' : path;
}

/** Prints a command's document. Numbers that JavaScript cannot hold are already exact text in it, see `exactJson`. */
export function printJson(terminal: Terminal, document: unknown): void {
  terminal.out(`${JSON.stringify(document, undefined, terminal.isInteractive ? 2 : undefined)}\n`);
}

/** A whole number from an option's text, from `least` on. */
export function parseCount(name: string, text: string, least = 0): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
  throw new LakesteadError('USAGE', `--${name} takes a whole number, not "${text}"`, { hint: `as in --${name} 3` });
}

/** `k=v` options as an object. */
export function parseAssignments(name: string, texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=');
      if (at < 1) throw new LakesteadError('USAGE', `--${name} takes name=value, not "${text}"`);
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}
