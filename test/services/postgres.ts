import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { requireOrSkip } from './availability.ts';
import { follow } from './python.ts';

const run = promisify(execFile);
const bin = '/usr/lib/postgresql/15/bin';
const isRoot = process.getuid?.() === 0;

/** A PostgreSQL 15 of its own on a free port of loopback; stopped when disposed. */
export type PostgresServer = AsyncDisposable & {
  readonly port: number;
  readonly user: 'postgres';
  /** The certificate in PEM that it made and signed itself, where TLS was asked for. */
  readonly certificate: string | undefined;
};

export type PostgresOptions = {
  /** The names, or addresses, of the self-signed certificate. Without them there is no TLS. */
  readonly tls?: readonly [string, ...string[]];
  /** Lines of pg_hba.conf before the one that lets everybody of loopback in. */
  readonly hba?: readonly string[];
};

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
export async function startPostgres({ tls, hba = [] }: PostgresOptions = {}): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), 'lakestead-postgres-'));
  const data = join(folder, 'data');
  const asPostgres = async (program: string, args: readonly string[]) => {
    if (isRoot) await run('runuser', ['-u', 'postgres', '--', `${bin}/${program}`, ...args]);
    else await run(`${bin}/${program}`, [...args]);
  };
  if (isRoot) await run('chown', ['postgres', folder]);
  await asPostgres('initdb', ['-D', data, '-U', 'postgres', '-A', 'trust', '-N', '-E', 'UTF8', '--locale=C.UTF-8']);
  const rules = join(data, 'pg_hba.conf');
  writeFileSync(rules, [...hba, readFileSync(rules, 'utf8')].join('\n'));
  const certificate = tls === undefined ? undefined : await makeCertificate(data, tls);
  const port = await freePort();
  await asPostgres('pg_ctl', [
    '-D',
    data,
    '-w',
    '-l',
    join(folder, 'log'),
    '-o',
    `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=${folder}${tls === undefined ? '' : ' -c ssl=on'}`,
    'start',
  ]);
  return {
    port,
    user: 'postgres',
    certificate,
    [Symbol.asyncDispose]: async () => {
      await asPostgres('pg_ctl', ['-D', data, '-m', 'immediate', '-w', 'stop']);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A key and its self-signed certificate where PostgreSQL looks for them. */
async function makeCertificate(data: string, names: readonly [string, ...string[]]): Promise<string> {
  const [key, certificate] = [join(data, 'server.key'), join(data, 'server.crt')];
  const altNames = names.map((name) => `${isIP(name) === 0 ? 'DNS' : 'IP'}:${name}`).join(',');
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  await run('openssl', [
    ...request,
    '-subj',
    `/CN=${names[0]}`,
    '-addext',
    `subjectAltName=${altNames}`,
    '-keyout',
    key,
    '-out',
    certificate,
  ]);
  if (isRoot) await run('chown', ['postgres', key, certificate]);
  await run('chmod', ['600', key]);
  return readFileSync(certificate, 'utf8');
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
