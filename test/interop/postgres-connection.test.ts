import { once } from 'node:events';
import { connect as connectSocket, createServer, type Server, type Socket } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { inspect } from 'node:util';

import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type Connector, openConnector } from '#connectors';
import { describeError, type ErrorCode, LakesteadError, Secret } from '#core';
import { type Engine, type Lease, openDuckdbEngine } from '#engine';

import { findPostgres, type PostgresServer, startPostgres } from '../services/postgres.ts';

const password = 'correct horse; "battery" staple';
const connect = async (port: number, more: Record<string, unknown> = {}, signal?: AbortSignal): Promise<Connector> =>
  await openConnector(
    {
      kind: 'service',
      name: 'pg',
      type: 'PostgreSqlV2',
      typeProperties: { server: '127.0.0.1', port, database: 'postgres', username: 'postgres', ...more },
    },
    signal,
  );

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

describe.skipIf(!findPostgres())('the connection to a real PostgreSQL', () => {
  let plain: PostgresServer;
  let encrypted: PostgresServer;
  let engine: Engine;
  let lease: Lease;
  beforeAll(async () => {
    engine = await openDuckdbEngine({ threads: 1 });
    lease = await engine.lease();
    const byPassword = 'host all clerk 127.0.0.1/32 scram-sha-256';
    [plain, encrypted] = await Promise.all([
      startPostgres({ hba: [byPassword, 'host all blocked 127.0.0.1/32 reject'] }),
      startPostgres({ tls: ['localhost'], hba: ['hostnossl all all 127.0.0.1/32 reject', byPassword] }),
    ]);
    for (const [server, ssl] of [
      [plain, false],
      [encrypted, { rejectUnauthorized: false }],
    ] as const) {
      const client = new pg.Client({ host: '127.0.0.1', port: server.port, user: server.user, database: 'postgres', ssl });
      await client.connect();
      await client.query(
        `CREATE ROLE clerk LOGIN PASSWORD ${pg.escapeLiteral(password)}; CREATE ROLE blocked LOGIN; CREATE ROLE guest NOLOGIN`,
      );
      await client.query('CREATE ROLE outsider LOGIN');
      await client.query('CREATE DATABASE vault');
      await client.query('REVOKE CONNECT ON DATABASE vault FROM PUBLIC');
      await client.end();
    }
  }, 120_000);
  afterAll(async () => {
    await lease[Symbol.asyncDispose]();
    await engine[Symbol.asyncDispose]();
    await Promise.all([plain[Symbol.asyncDispose](), encrypted[Symbol.asyncDispose]()]);
  });

  async function fault(port: number, more: Record<string, unknown> = {}, signal?: AbortSignal): Promise<LakesteadError> {
    try {
      await using connector = await connect(port, more, signal);
      await connector.check();
    } catch (error) {
      if (error instanceof LakesteadError) return error;
      throw error;
    }
    throw new Error('it connected');
  }
  const isEncrypted = async (connector: Connector) => {
    const found: string[] = [];
    const query = { kind: 'query', text: 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()' } as const;
    const { rows } = await connector.read(query, { lease });
    if (rows.kind === 'batches') for await (const batch of rows.batches) found.push(String(batch.columns[0]?.[0]));
    return found;
  };

  const logins: readonly (readonly [claim: string, more: Record<string, unknown>, code: ErrorCode, words: RegExp])[] = [
    ['a name without address', { server: 'no-such-host.invalid' }, 'CONNECT_DNS', /no-such-host\.invalid:\d+ cannot be resolved/],
    ['a port where nothing listens', { port: 1 }, 'CONNECT_TCP', /127\.0\.0\.1:1 refused the connection/],
    ['a wrong password', { username: 'clerk', password: 'wrong' }, 'CONNECT_LOGIN', /password authentication failed/],
    ['no password where one is wanted', { username: 'clerk' }, 'CONNECT_LOGIN', /wants a password/],
    ['a user that is not there', { username: 'nobody' }, 'CONNECT_LOGIN', /role "nobody" does not exist/],
    ['a user that may not log in', { username: 'guest' }, 'CONNECT_LOGIN', /not permitted to log in/],
    ['a user that pg_hba.conf rejects', { username: 'blocked' }, 'CONNECT_LOGIN', /pg_hba\.conf rejects/],
    ['a database that is not there', { database: 'nowhere' }, 'CONNECT_DATABASE', /"nowhere" does not exist/],
    ['a database that is closed to the user', { database: 'vault', username: 'outsider' }, 'CONNECT_DATABASE', /permission denied/],
    ['TLS from a server without', { sslMode: 'require' }, 'CONNECT_TLS', /does not support SSL/],
    ['a TLS mode that would fall back', { sslMode: 'prefer' }, 'FACTORY_INVALID', /TLS mode .*prefer/],
    ['a TLS mode like a property of every object', { sslMode: 'constructor' }, 'FACTORY_INVALID', /TLS mode/],
    ['a client certificate', { sslMode: 'require', sslCertificate: 'x.pem' }, 'FACTORY_UNSUPPORTED', /sslcertificate/],
    ['a port that is none', { port: 'many' }, 'FACTORY_INVALID', /port/],
    ['a time-out that is no number', { timeout: 'long' }, 'FACTORY_INVALID', /seconds in .*timeout/],
    ['no user', { username: '' }, 'FACTORY_INVALID', /names no user/],
  ];
  for (const [claim, more, code, words] of logins) {
    test(`${claim} is ${code}`, async () => {
      const error = await fault(plain.port, more);
      expect([error.code, error.message]).toEqual([code, expect.stringMatching(words)]);
      expect(error.hint).not.toBe(undefined);
    });
  }

  test('a server that takes the connection and says nothing is told from one that refuses it', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const port = portOf(silent);
    const error = await fault(port, { timeout: 0.3 });
    expect([error.code, error.message]).toEqual([
      'CONNECT_TCP',
      `127.0.0.1:${port} took the connection, but no login came about within 0.3 s`,
    ]);
    const abort = AbortSignal.timeout(200);
    const started = performance.now();
    expect((await fault(port, {}, abort)).code).toBe('CANCELLED');
    expect(performance.now() - started).toBeLessThan(15_000);
    silent.close();
  });

  test('a connection that was cancelled before it began is not made', async () => {
    expect((await fault(plain.port, {}, AbortSignal.abort())).code).toBe('CANCELLED');
    const why = new LakesteadError('TIMEOUT', 'the activity took longer than 1 s');
    expect(await fault(plain.port, {}, AbortSignal.abort(why))).toBe(why);
  });

  test('a password with quotes and semicolons logs in, as property and in a connection string', async () => {
    await using one = await connect(plain.port, { username: 'clerk', password: new Secret(password, 'test') });
    expect(await one.check()).toMatchObject({ user: 'clerk', database: 'postgres', server: `127.0.0.1:${plain.port}` });
    const text = `Host=127.0.0.1;Port=${plain.port};Database=postgres;UID=clerk;Password="${password.replaceAll('"', '""')}";EncryptionMethod=0`;
    const typeProperties = { connectionString: new Secret(text, 'test') };
    await using other = await openConnector({ kind: 'service', name: 'pg', type: 'PostgreSql', typeProperties });
    expect(await other.check()).toMatchObject({ user: 'clerk' });
  });

  test('no secret is in an error', async () => {
    const secret = (value: string) => new Secret(value, 'test');
    const attempts: Record<string, unknown>[] = [
      { username: 'clerk', password: secret('hunter2') },
      { username: 'clerk', password: 'hunter2' },
      { username: secret('hunter2') },
      { database: secret('hunter2') },
      { sslMode: secret('hunter2') },
      { port: secret('hunter2') },
      { timeout: secret('hunter2') },
      { server: secret('hunter2.invalid') },
      { connectionString: secret('Host=127.0.0.1;Password="hunter2') },
      { server: undefined, connectionString: secret(`Host=127.0.0.1;UID=clerk;Password=hunter2`), username: undefined },
    ];
    for (const more of attempts) {
      const error = await fault(plain.port, more);
      const shown = `${inspect(error, { depth: 10, showHidden: true })}${JSON.stringify(describeError(error))}${error.stack}`;
      expect(shown).not.toContain('hunter2');
    }
  });

  test('require encrypts without asking who answers; verify-full refuses a self-signed certificate', async () => {
    await using connector = await connect(encrypted.port, { sslMode: 'require' });
    expect(await isEncrypted(connector)).toEqual(['true']);
    for (const sslMode of ['verify-full', 'verify-ca', 5]) {
      const error = await fault(encrypted.port, { sslMode });
      expect([error.code, error.message]).toEqual(['CONNECT_TLS', expect.stringMatching(/self-signed certificate/)]);
    }
    const error = await fault(encrypted.port);
    expect([error.code, error.hint]).toEqual(['CONNECT_LOGIN', expect.stringMatching(/may want TLS/)]);
    const wrong = await fault(encrypted.port, { sslMode: 'require', username: 'clerk', password: 'wrong' });
    expect(wrong.code).toBe('CONNECT_LOGIN');
  });

  // "Copy data from PostgreSQL using Azure Data Factory": 0 no encryption, 1 SSL, 6 RequestSSL.
  test("EncryptionMethod of Data Factory's older connection strings says the same", async () => {
    const byText = (text: string) => ({
      server: undefined,
      connectionString: `host=127.0.0.1;port=${encrypted.port};database=postgres;uid=postgres;${text}`,
    });
    await using connector = await connect(0, { ...byText('EncryptionMethod=1;ValidateServerCertificate=0'), port: undefined });
    expect(await isEncrypted(connector)).toEqual(['true']);
    const codes: string[] = [];
    for (const text of ['EncryptionMethod=1;ValidateServerCertificate=1', 'EncryptionMethod=0', 'EncryptionMethod=6', 'EncryptionMethod=3'])
      codes.push((await fault(encrypted.port, byText(text))).code);
    expect(codes).toEqual(['CONNECT_TLS', 'CONNECT_LOGIN', 'FACTORY_INVALID', 'FACTORY_INVALID']);
  });

  test('a certificate whose authority is known is good for its name alone, and verify-ca does not ask the name', async () => {
    const authorities = getCACertificates('default');
    setDefaultCACertificates([...authorities, encrypted.certificate ?? '']);
    try {
      await using connector = await connect(encrypted.port, { server: 'localhost', sslMode: 'verify-full' });
      expect(await isEncrypted(connector)).toEqual(['true']);
      await using byAuthority = await connect(encrypted.port, { sslMode: 'verify-ca' });
      expect(await isEncrypted(byAuthority)).toEqual(['true']);
      const error = await fault(encrypted.port, { sslMode: 'verify-full' });
      expect([error.code, error.message]).toEqual(['CONNECT_TLS', expect.stringMatching(/IP: 127\.0\.0\.1 is not in the cert/)]);
    } finally {
      setDefaultCACertificates(authorities);
    }
  });

  /** Passes the first connection on and does to every later one what it is told: a network that has changed since. */
  async function proxy(port: number, later: (socket: Socket) => void): Promise<AsyncDisposable & { port: number }> {
    let count = 0;
    const server = createServer((socket) => {
      count += 1;
      if (count > 1) return later(socket);
      const upstream = connectSocket(port, '127.0.0.1');
      socket.on('error', () => upstream.destroy()).on('close', () => upstream.destroy());
      upstream.on('error', () => socket.destroy());
      socket.pipe(upstream).pipe(socket);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return { port: portOf(server), [Symbol.asyncDispose]: async () => await new Promise((resolve) => server.close(() => resolve())) };
  }

  test('a server that takes no request to stop loses the connection', { timeout: 20_000 }, async () => {
    const ways: readonly (readonly [PostgresServer, string, (socket: Socket) => void])[] = [
      [plain, 'disable', (socket) => socket.destroy()],
      [encrypted, 'require', (socket) => socket.end().resume()],
      [encrypted, 'require', (socket) => socket.resume()],
    ];
    await Promise.all(
      ways.map(async ([server, sslMode, later]) => {
        await using between = await proxy(server.port, later);
        await using connector = await connect(between.port, { sslMode, username: 'clerk', password });
        const started = performance.now();
        const read = connector.read({ kind: 'query', text: 'SELECT pg_sleep(30)' }, { lease, signal: AbortSignal.timeout(100) });
        await expect(read).rejects.toMatchObject({ code: 'CANCELLED' });
        expect(performance.now() - started).toBeLessThan(10_000);
        await expect(connector.check()).rejects.toMatchObject({ code: 'CONNECT_FAILED' });
      }),
    );
  });

  test('a statement over TLS is interrupted over TLS', async () => {
    await using connector = await connect(encrypted.port, { sslMode: 'require', username: 'clerk', password });
    const started = performance.now();
    const read = connector.read({ kind: 'query', text: 'SELECT pg_sleep(30)' }, { lease, timeoutMs: 200 });
    await expect(read).rejects.toMatchObject({ code: 'TIMEOUT' });
    expect(performance.now() - started).toBeLessThan(15_000);
    expect(await isEncrypted(connector)).toEqual(['true']);
  });
});
