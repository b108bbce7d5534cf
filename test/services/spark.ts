import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { findPython, follow, installPython, servicesFolder } from './python.ts';

const version = '4.4.0';
const folder = join(servicesFolder, `delta-jars-${version}`);
const pom = fileURLToPath(new URL('pom-delta.xml', import.meta.url));
const program = fileURLToPath(new URL('spark_session.py', import.meta.url));

/** The folder with Delta's jars (`delta-*.jar`) for PySpark's class path; `undefined` when not installed. */
export function findDeltaJars(): string | undefined {
  return existsSync(folder) ? folder : undefined;
}

/** Installs PySpark with pip and Delta's jars with Maven; needs Java 17 on the machine. */
export async function installSpark(): Promise<void> {
  await installPython();
  if (findDeltaJars() !== undefined) return;
  const partial = `${folder}.${process.pid}`;
  mkdirSync(servicesFolder, { recursive: true });
  await follow('mvn', ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${partial}`], servicesFolder);
  // A folder with the final name is complete.
  if (existsSync(folder)) rmSync(partial, { recursive: true });
  else renameSync(partial, folder);
}

/** A running Spark with Delta. One statement at a time. */
export type SparkSession = AsyncDisposable & {
  /** Runs Python in which `spark` is the session and `result` what comes back, as JSON has it. */
  run(python: string): Promise<unknown>;
  /** Runs one SQL statement; gives its rows, each value as Spark's `toJSON` writes it. */
  sql(statement: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
};

/** Starts Spark (about 8 seconds); keep it for many checks. `undefined` when it is not installed. */
export async function startSpark(): Promise<SparkSession | undefined> {
  const python = findPython();
  const jars = findDeltaJars();
  if (python === undefined || jars === undefined) return undefined;
  const paths = readdirSync(jars).filter((name) => name.startsWith('delta-') && name.endsWith('.jar')); // the others are Spark's already
  const child = spawn(python, [program, paths.map((name) => join(jars, name)).join(',')], { stdio: ['pipe', 'pipe', 'pipe'], cwd: servicesFolder });
  const session = new PythonSession(child);
  await session.ready();
  return session;
}

class PythonSession implements SparkSession {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;
  #errors = '';
  #queue: Promise<unknown> = Promise.resolve();

  constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    this.#reader = createInterface({ input: child.stdout });
    this.#lines = this.#reader[Symbol.asyncIterator]();
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-5000);
    });
  }

  async ready(): Promise<void> {
    await this.#answer();
  }

  async run(python: string): Promise<unknown> {
    const turn = this.#queue.then(async () => {
      this.#child.stdin.write(`${JSON.stringify({ python })}\n`);
      return await this.#answer();
    });
    this.#queue = turn.catch(() => undefined);
    return await turn;
  }

  async sql(statement: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const rows = await this.run(`result = [json.loads(row) for row in spark.sql(${JSON.stringify(statement)}).toJSON().collect()]`);
    return rows as readonly Readonly<Record<string, unknown>>[]; // what the line above makes
  }

  async #answer(): Promise<unknown> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`Spark ended: ${this.#errors}`);
    const answer = JSON.parse(value) as { readonly result?: unknown; readonly error?: string }; // the program's own form
    if (answer.error !== undefined) throw new Error(`Spark says: ${answer.error}`);
    return answer.result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('close', resolve));
    this.#child.stdin.end();
    const force = setTimeout(() => this.#child.kill('SIGKILL'), 15_000);
    await ended;
    clearTimeout(force);
    this.#reader.close();
  }
}

if (import.meta.main) {
  await installSpark();
  process.stdout.write(`${findDeltaJars() ?? ''}\n`);
}
