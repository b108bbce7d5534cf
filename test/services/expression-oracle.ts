import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { follow, servicesFolder } from './python.ts';

const version = '1.4.4';
const folder = join(servicesFolder, `expression-oracle-${version}`);
const program = fileURLToPath(new URL('expression_oracle.py', import.meta.url));

/** The evaluator with the .NET that it runs on, and the wheel whose OpenSSL 1.1 that .NET needs. */
const packages = [`data-factory-testing-framework==${version}`, 'dotnetcore2==3.1.23', 'pythonnet==3.2.1'];
const opensslWheel = 'psycopg2-binary==2.9.3';

/** An expression with what it refers to, each part as a text of JSON. */
type OracleCase = { readonly expression: string; readonly item?: string };

/** What the evaluator says: JSON of the value, or its refusal. */
export type OracleAnswer = { readonly value: string } | { readonly error: string };

/** Microsoft's own evaluator of pipeline expressions in a process of its own; disposing ends it. */
export type ExpressionOracle = AsyncDisposable & {
  /** Answers in the order of the cases. */
  evaluate(cases: readonly OracleCase[]): Promise<readonly OracleAnswer[]>;
};

/** The installed evaluator, or undefined. */
function findExpressionOracle(): string | undefined {
  return process.platform === 'linux' && existsSync(folder) ? folder : undefined;
}

/** Installs the evaluator from PyPI into a virtual environment of its own (150 MB). */
async function installExpressionOracle(): Promise<void> {
  if (findExpressionOracle() !== undefined) return;
  const partial = `${folder}.${process.pid}`;
  mkdirSync(servicesFolder, { recursive: true });
  await follow('python3', ['-m', 'venv', join(partial, 'venv')]);
  const pip = ['-m', 'pip', '--quiet', '--disable-pip-version-check'];
  const python = join(partial, 'venv/bin/python');
  await follow(python, [...pip, 'install', ...packages]);
  const wheels = join(partial, 'wheels');
  await follow(python, [...pip, 'download', opensslWheel, '--python-version', '3.10', '--only-binary=:all:', '--no-deps', '-d', wheels]);
  await follow(python, ['-m', 'zipfile', '-e', join(wheels, readdirSync(wheels)[0] ?? ''), wheels]);
  // .NET looks for the plain names.
  const libraries = join(wheels, 'psycopg2_binary.libs');
  for (const file of readdirSync(libraries)) {
    const plain = /^(libssl|libcrypto)-.*(\.so\.1\.1)$/.exec(file);
    if (plain !== null) symlinkSync(file, join(libraries, `${plain[1]}${plain[2]}`));
  }
  // A folder with the final name is complete.
  if (existsSync(folder)) rmSync(partial, { recursive: true });
  else renameSync(partial, folder);
}

/** Starts the evaluator (about a second); undefined when it is not installed. */
export async function startExpressionOracle(): Promise<ExpressionOracle | undefined> {
  const found = findExpressionOracle();
  if (found === undefined) return undefined;
  const lib = join(found, 'venv/lib');
  const site = join(lib, readdirSync(lib).find((name) => name.startsWith('python')) ?? '', 'site-packages');
  const child = spawn(join(found, 'venv/bin/python'), [program, site], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      ...process.env,
      LD_LIBRARY_PATH: join(found, 'wheels/psycopg2_binary.libs'),
      CLR_ICU_VERSION_OVERRIDE: '72.1',
      LANG: 'en_US.UTF-8',
      TZ: 'UTC',
    },
  });
  const oracle = new RunningOracle(child);
  await oracle.ready();
  return oracle;
}

class RunningOracle implements ExpressionOracle {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  #errors = '';

  constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-5000);
    });
  }

  async ready(): Promise<void> {
    await this.#answer();
  }

  async evaluate(cases: readonly OracleCase[]): Promise<readonly OracleAnswer[]> {
    const parameters = JSON.stringify({ globalParameters: {}, parameters: {}, libraryVariables: {}, dataset: {}, linkedService: {} });
    const lines = cases.map(
      ({ expression, item }) => `${JSON.stringify({ expression, parameters, variables: '{}', item: item ?? null, activities: '{}' })}\n`,
    );
    this.#child.stdin.write(lines.join(''));
    const answers: OracleAnswer[] = [];
    while (answers.length < cases.length) answers.push(await this.#answer());
    return answers;
  }

  async #answer(): Promise<OracleAnswer> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`the evaluator ended: ${this.#errors}`);
    return JSON.parse(value) as OracleAnswer; // the program's own form
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#child.once('close', () => resolve());
    this.#child.stdin.end();
    await promise;
  }
}

if (import.meta.main) {
  await installExpressionOracle();
  process.stdout.write(`${findExpressionOracle() ?? ''}\n`);
}
