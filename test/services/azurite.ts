import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { requireOrSkip } from './availability.ts';
import { follow, servicesFolder } from './python.ts';

// Pinned. Not a dependency of the package: its tree is 450 packages, 360 MB.
const version = '3.37.0';
const folder = join(servicesFolder, `azurite-${version}`);
const program = join(folder, 'node_modules/azurite/dist/src/blob/main.js');

/** Microsoft's emulator of Azure Blob Storage on a free port of loopback, in memory; stopped when disposed. */
export type Azurite = AsyncDisposable & {
  /** The account's address, as `endpoint` takes it. */
  readonly endpoint: string;
  readonly account: string;
  /** The emulator's key, which its documentation publishes. */
  readonly accountKey: string;
  readonly connectionString: string;
};

const account = 'devstoreaccount1';
const accountKey = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

/** Installs Azurite with npm when it is missing (about 40 seconds). */
async function installAzurite(): Promise<void> {
  if (existsSync(program)) return;
  const partial = `${folder}.${process.pid}`;
  mkdirSync(partial, { recursive: true });
  writeFileSync(join(partial, 'package.json'), '{ "private": true }\n');
  await follow('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', `azurite@${version}`], partial);
  // A folder with the final name is complete.
  if (existsSync(program)) rmSync(partial, { recursive: true });
  else renameSync(partial, folder);
}

/** True where Azurite is installed; else said aloud, and red where CI is set. */
export function findAzurite(): boolean {
  return requireOrSkip('Azurite', existsSync(program) ? true : undefined, 'node test/services/azurite.ts') === true;
}

/** Starts Azurite and waits until it answers a request. */
export async function startAzurite(): Promise<Azurite> {
  const port = await freePort();
  const args = ['--blobHost', '127.0.0.1', '--blobPort', String(port), '--inMemoryPersistence', '--silent', '--skipApiVersionCheck'];
  const child = spawn(process.execPath, [program, ...args, '--disableTelemetry'], { stdio: ['ignore', 'ignore', 'inherit'] });
  const endpoint = `http://127.0.0.1:${port}/${account}`;
  await waitUntilUp(child, endpoint);
  return {
    endpoint,
    account,
    accountKey,
    connectionString: `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${accountKey};BlobEndpoint=${endpoint};`,
    [Symbol.asyncDispose]: async () => await stop(child),
  };
}

async function waitUntilUp(child: ChildProcess, endpoint: string): Promise<void> {
  for (let waitedMs = 0; waitedMs < 60_000; waitedMs += 50) {
    if (child.exitCode !== null) throw new Error(`Azurite ended with ${child.exitCode}`);
    try {
      await fetch(`${endpoint}?comp=list`); // 403 without a signature, but an answer
      return;
    } catch {
      await sleep(50); // it does not listen yet
    }
  }
  await stop(child);
  throw new Error('Azurite did not answer within a minute');
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}

async function freePort(): Promise<number> {
  return await new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port'))));
    });
  });
}

if (import.meta.main) {
  await installAzurite();
  process.stdout.write(`${folder}\n`);
}
