import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { z } from 'zod';

import { openGateway, ownerPrincipal } from '#access';
import { openCatalog } from '#catalog';
import { openDuckdbEngine } from '#engine';
import { type Certificate, lakeBackend, makeCertificate, makeVerifier, openPgServer } from '#serve';

import { command } from './command.ts';

const serveArgs = z.object({ pgPort: z.int().min(0).max(65_535) });

/** Where a server can be found, and how one comes in. */
export type ServeDocument = {
  readonly pg: { readonly host: string; readonly port: number };
  readonly user: string;
  /** A file of this user alone; the password is another one at each start. */
  readonly passwordFile: string;
  readonly database: string;
  /** The certificate that clients check the server's by. */
  readonly caFile: string;
};

const maxSessions = 200;
const host = '127.0.0.1';
const database = 'lake';
const user = 'owner';

/** `serve`: the lake over PostgreSQL's protocol, for programs of this machine, until the command is cancelled. */
export const serveCommand = command(serveArgs, async (project, { pgPort }, { signal, emit }): Promise<null> => {
  const folder = join(project.config.projectDir, '.lakestead', 'serve');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const password = randomBytes(18).toString('base64url');
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  const users = new Map([[user, { verifier: await makeVerifier(password), principal: ownerPrincipal }]]);
  const { memoryLimit, threads } = project.config.engine;
  // An engine of its own: each session holds a connection for as long as it lasts, and commands of the project must not wait for one.
  await using engine = await openDuckdbEngine({ memoryLimit, threads, tempDirectory: join(folder, 'tmp'), maxLeases: maxSessions });
  const { lake, log } = project;
  const gateway = openGateway({ engine, catalog: openCatalog({ lake, engine }), lake, log });
  const backend = lakeBackend({ engine, gateway, users, database });
  const tls = await keptCertificate(folder);
  await using server = await openPgServer({ backend, host, port: pgPort, tls, log, limits: { connections: maxSessions } });
  const document: ServeDocument = { pg: { host, port: server.port }, user, passwordFile, database, caFile: join(folder, 'cert.pem') };
  await emit({ kind: 'ready', document });
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
    if (signal.aborted) resolve();
  });
  rmSync(passwordFile, { force: true });
  return null;
});

/** The certificate of an earlier start, so that clients that trust it go on to. */
async function keptCertificate(folder: string): Promise<Certificate> {
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  if (existsSync(certFile) && existsSync(keyFile)) return { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
  const made = await makeCertificate();
  writeFileSync(keyFile, made.key, { mode: 0o600 });
  writeFileSync(certFile, made.cert);
  return made;
}
