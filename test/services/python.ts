import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** Where services are installed: inside the checkout, ignored by Git. */
export const servicesFolder = fileURLToPath(new URL('../../.services', import.meta.url));

// Pinned: the answers of these packages are what the interoperability tests compare with.
const packages = [
  'deltalake==1.6.6',
  'pyarrow==26.0.1',
  'duckdb==2.0.0',
  'pyspark==4.2.0',
  'python-tds==1.17.1',
  'mssql-python==1.16.0',
  'psycopg[binary]==3.3.9',
  'asyncpg==0.32.0',
  'pg8000==1.31.6',
];

const folder = join(servicesFolder, 'python');
const stamp = join(folder, 'installed.txt');
const interpreter = join(folder, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');

/** The Python interpreter with delta-rs, pyarrow, DuckDB and PySpark of the pinned versions; `undefined` when not installed. */
export function findPython(): string | undefined {
  return isInstalled() ? interpreter : undefined;
}

/** Installs what is missing with `python3 -m venv` and pip (about a minute, 500 MB), once for all who ask at the same time. */
export async function installPython(): Promise<string> {
  const lock = `${folder}.lock`;
  mkdirSync(servicesFolder, { recursive: true });
  while (!isInstalled()) {
    try {
      mkdirSync(lock);
    } catch {
      await sleep(1000); // another process installs
      continue;
    }
    try {
      if (!existsSync(interpreter)) await follow('python3', ['-m', 'venv', folder]);
      await follow(interpreter, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages]);
      writeFileSync(stamp, packages.join('\n'));
    } finally {
      rmSync(lock, { recursive: true, force: true });
    }
  }
  return interpreter;
}

function isInstalled(): boolean {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === packages.join('\n');
}

/** Runs a command, its output shown; throws when it fails. */
export async function follow(command: string, args: readonly string[], cwd?: string): Promise<void> {
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'], ...(cwd === undefined ? {} : { cwd }) });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${String(code)}`);
}

if (import.meta.main) process.stdout.write(`${await installPython()}\n`);
