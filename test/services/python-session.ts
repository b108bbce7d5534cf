import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { findPython, servicesFolder } from './python.ts';

const program = fileURLToPath(new URL('python_session.py', import.meta.url));

/** A running Python. One piece of program at a time; disposing ends the process. */
export type PythonSession = AsyncDisposable & {
  /** Runs a piece of Python; what it leaves in `result` comes back as JSON has it. An exception is thrown with its trace. */
  run(python: string): Promise<unknown>;
};

/** Starts the installed Python with its packages; `undefined` when it is not installed. */
export async function startPython(args: readonly string[] = []): Promise<PythonSession | undefined> {
  const python = findPython();
  if (python === undefined) return undefined;
  const session = new RunningPython(spawn(python, [program, ...args], { stdio: ['pipe', 'pipe', 'pipe'], cwd: servicesFolder }));
  await session.ready();
  return session;
}

class RunningPython implements PythonSession {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #reader: Interface;
  readonly #lines: AsyncIterator<string>;
  #errors = '';
  #turn: Promise<unknown> = Promise.resolve();

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
    const turn = this.#turn.then(async () => {
      this.#child.stdin.write(`${JSON.stringify({ python })}\n`);
      return await this.#answer();
    });
    this.#turn = turn.catch(() => undefined); // whoever asked gets the error
    return await turn;
  }

  async #answer(): Promise<unknown> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`Python ended: ${this.#errors}`);
    const answer = JSON.parse(value) as { readonly result?: unknown; readonly error?: string }; // the program's own form
    if (answer.error !== undefined) throw new Error(`Python says: ${answer.error}`);
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
