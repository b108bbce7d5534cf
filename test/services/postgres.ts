import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { requireOrSkip } from './availability.ts';
import { follow } from './python.ts';

const run = promisify(execFile);
const bin = '/usr/lib/postgresql/15/bin';
const isRoot = process.getuid?.() === 0;

/** A PostgreSQL 15 of its own on a free port of loopback; stopped when disposed. */
export type PostgresServer = AsyncDisposable & { readonly port: number; readonly user: 'postgres' };

/** Installs Debian's PostgreSQL 15 when it is missing and this is root. */
async function installPostgres(): Promise<void> {
  if (existsSync(`${bin}/initdb`) || !isRoot) return;
  await follow('apt-get', ['update', '-q']);
  await follow('apt-get', ['install', '-y', '-q', '--no-install-recommends', 'postgresql-15']);
}

/** True where Debian's PostgreSQL is; else said aloud, and red where CI is set. */
export function findPostgres(): boolean {
  return requireOrSkip('PostgreSQL 15', existsSync(`${bin}/initdb`) ? true : undefined, 'node test/services/postgres.ts') === true;
}

/** Starts a server: a new cluster in a temporary folder, trust on loopback, UTF-8. */
export async function startPostgres(): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), 'lakestead-postgres-'));
  const data = join(folder, 'data');
  const asPostgres = async (program: string, args: readonly string[]) => {
    if (isRoot) await run('runuser', ['-u', 'postgres', '--', `${bin}/${program}`, ...args]);
    else await run(`${bin}/${program}`, [...args]);
  };
  if (isRoot) await run('chown', ['postgres', folder]);
  await asPostgres('initdb', ['-D', data, '-U', 'postgres', '-A', 'trust', '-N', '-E', 'UTF8', '--locale=C.UTF-8']);
  const port = await freePort();
  await asPostgres('pg_ctl', [
    '-D',
    data,
    '-w',
    '-l',
    join(folder, 'log'),
    '-o',
    `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=${folder}`,
    'start',
  ]);
  return {
    port,
    user: 'postgres',
    [Symbol.asyncDispose]: async () => {
      await asPostgres('pg_ctl', ['-D', data, '-m', 'immediate', '-w', 'stop']);
      rmSync(folder, { recursive: true, force: true });
    },
  };
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

if (import.meta.main) await installPostgres();
