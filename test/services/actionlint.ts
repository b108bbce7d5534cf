import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { requireOrSkip } from './availability.ts';
import { servicesFolder } from './python.ts';

const version = '1.7.7';
const folder = join(servicesFolder, `actionlint-${version}`);
const name = process.platform === 'win32' ? 'actionlint.exe' : 'actionlint';
const program = join(folder, name);

/** What actionlint says of a workflow of GitHub, a line a fault; '' for none. */
export type LintWorkflow = (text: string) => string;

/**
 * actionlint, or undefined after one loud line. Unlike the engines it is built by Go: where there is no Go, also a
 * continuous build goes on without it.
 */
export function findActionlint(): LintWorkflow | undefined {
  if (!existsSync(program) && !hasGo()) {
    process.stderr.write('SKIPPED: actionlint: it is not installed, and there is no Go to build it\n');
    return undefined;
  }
  return requireOrSkip('actionlint', existsSync(program) ? lint : undefined, 'node test/services/actionlint.ts');
}

function lint(text: string): string {
  // Its own checks only: what else it would call differs by machine.
  const { stdout, stderr, error } = spawnSync(program, ['-no-color', '-oneline', '-shellcheck=', '-pyflakes=', '-'], {
    input: text,
    encoding: 'utf8',
  });
  if (error !== undefined) throw error;
  return `${stdout}${stderr}`;
}

function hasGo(): boolean {
  return spawnSync('go', ['version'], { stdio: 'ignore' }).status === 0;
}

/** Builds actionlint when it is missing (about 20 seconds). */
function installActionlint(): void {
  if (existsSync(program)) return;
  if (!hasGo()) {
    process.stdout.write('there is no Go here: actionlint is left out\n');
    return;
  }
  const partial = `${folder}.${process.pid}`;
  mkdirSync(partial, { recursive: true });
  const built = spawnSync('go', ['install', `github.com/rhysd/actionlint/cmd/actionlint@v${version}`], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, GOBIN: partial, GOTOOLCHAIN: 'local' },
  });
  if (built.status !== 0) throw new Error(`go install of actionlint ended with ${String(built.status)}`);
  // A folder with the final name is complete.
  if (existsSync(program)) rmSync(partial, { recursive: true });
  else renameSync(partial, folder);
}

if (import.meta.main) {
  installActionlint();
  process.stdout.write(`${program}\n`);
}
