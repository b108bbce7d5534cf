import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const bin = fileURLToPath(new URL('../../bin/lakestead', import.meta.url));

export type CliOptions = {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Given to the command on its standard input. */
  readonly input?: string;
  /** Called with the process as soon as it runs. */
  readonly onStart?: (child: ChildProcess) => void;
};

export type CliResult = { readonly exitCode: number | null; readonly stdout: string; readonly stderr: string };

/** Runs the real command line in a process of its own, to its end. */
export async function lakestead(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const child = spawn(process.execPath, [bin, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...process.env, CI: undefined, VITEST: undefined, NODE_OPTIONS: undefined, NO_COLOR: '1', ...options.env },
  });
  options.onStart?.(child);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => {}); // a command that does not read its input may end before it is written
  child.stdin.end(options.input ?? '');
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code));
  });
  return { exitCode, stdout, stderr };
}

/** Runs a command with `--json` and gives its document; fails with what it said when it did not succeed. */
export async function lakesteadJson<T>(args: readonly string[], options: CliOptions = {}): Promise<T> {
  const result = await lakestead([...args, '--json'], options);
  if (result.exitCode !== 0)
    throw new Error(`lakestead ${args.join(' ')} exited with ${result.exitCode}\n${result.stdout}\n${result.stderr}`);
  return JSON.parse(result.stdout) as T; // a test names the document that the command's reference promises
}

/** A new folder that is removed when the test ends. */
export function temporaryFolder(prefix = 'lakestead-test-'): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), prefix));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }) };
}
