import { createHash, randomBytes, randomInt, X509Certificate } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';

import { type Log, LakesteadError } from '#core';

import * as messages from './backend-messages.ts';
import { ByteWriter } from './byte-writer.ts';
import { MessageBody } from './message-body.ts';
import { MessageReader } from './message-reader.ts';
import { pgErrorOf, type PgError } from './pg-error.ts';
import { ScramExchange } from './scram.ts';
import { Session } from './session.ts';
import { Settings } from './settings.ts';
import type { PgBackend } from './sql-session.ts';

type PgServerOptions = {
  readonly backend: PgBackend;
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
  /** PEM texts. Without them TLS is not offered. */
  readonly tls?: { readonly key: string; readonly cert: string } | undefined;
  /** Refuses whoever does not begin with TLS. */
  readonly requiresTls?: boolean | undefined;
  readonly log: Log;
  readonly limits?: Partial<PgLimits> | undefined;
};

/** What bounds the memory and the time that clients can take. */
type PgLimits = {
  /** Connections at a time, let in or not. Default 500. */
  readonly connections: number;
  /** Connections at a time that have not been let in yet. Default 100. */
  readonly halfOpen: number;
  /** For how long a client may take to come in. Default 10 s. */
  readonly loginMs: number;
  /** The longest message. Default 64 MiB. */
  readonly messageBytes: number;
  /** Rows that suspended portals of one session keep in memory. Default 256 MiB. */
  readonly keptBytes: number;
};

const defaultLimits: PgLimits = {
  connections: 500,
  halfOpen: 100,
  loginMs: 10_000,
  messageBytes: 64 * 1024 * 1024,
  keptBytes: 256 * 1024 * 1024,
};

/** A server of PostgreSQL's protocol 3.0 to 3.2. */
export type PgServer = AsyncDisposable & { readonly port: number };

const sslRequest = 80_877_103;
const gssRequest = 80_877_104;
const cancelRequest = 80_877_102;
/** The newest minor version of protocol 3 that is spoken: that with long keys for cancelling. */
const newestMinor = 2;

/**
 * Listens for clients of PostgreSQL until it is disposed; sessions that are open then end with 57P01.
 *
 * @throws {LakesteadError} `CONNECT_TCP` when the port is taken
 */
export async function openPgServer(options: PgServerOptions): Promise<PgServer> {
  const host = new PgHost(options);
  const server = createServer({ noDelay: true, keepAlive: true }, (socket) => void host.accept(socket));
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new LakesteadError('CONNECT_TCP', `${options.host}:${options.port} cannot be listened on: ${error.message}`, { cause: error }))); // prettier-ignore
    server.listen(options.port, options.host, () => resolve());
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    [Symbol.asyncDispose]: async () => await close(server, host),
  };
}

async function close(server: Server, host: PgHost): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  await host.end();
  await closed;
}

type Running = { readonly secret: Buffer; readonly session: Session; readonly tell: (error: PgError) => Promise<void> };

class PgHost {
  readonly #options: PgServerOptions;
  readonly #limits: PgLimits;
  readonly #context: SecureContext | undefined;
  readonly #channelBinding: Buffer | undefined;
  readonly #running = new Map<number, Running>();
  readonly #sockets = new Map<Socket, { isIn: boolean; done: Promise<void> }>();
  /** Makes the salts of users that do not exist. */
  readonly #secret = randomBytes(32);

  constructor(options: PgServerOptions) {
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    if (options.tls === undefined) return;
    this.#context = createSecureContext({ ...options.tls, minVersion: 'TLSv1.2' });
    this.#channelBinding = createHash('sha256').update(new X509Certificate(options.tls.cert).raw).digest();
  }

  async accept(socket: Socket): Promise<void> {
    socket.on('error', () => undefined); // a client that went away is seen at the end of its messages
    const halfOpen = [...this.#sockets.values()].filter(({ isIn }) => !isIn).length;
    if (this.#sockets.size >= this.#limits.connections || halfOpen >= this.#limits.halfOpen) {
      const out = new ByteWriter();
      messages.errorResponse(out, fatal('53300', 'there are too many connections: try again later'));
      socket.end(out.take());
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    const entry = { isIn: false, done: promise };
    this.#sockets.set(socket, entry);
    try {
      await this.#talk(socket, entry);
    } catch (error) {
      this.#options.log.warn('a connection ended by an error', { error });
    } finally {
      socket.destroySoon();
      this.#sockets.delete(socket);
      resolve();
    }
  }

  async end(): Promise<void> {
    const reason = new LakesteadError('CANCELLED', 'the server is shutting down', { data: { sqlstate: '57P01' } });
    const all = [...this.#sockets];
    for (const { session, tell } of this.#running.values()) {
      // Not waited for: a client that does not read would keep the server from ending.
      if (session.isIdle) void tell(pgErrorOf(reason, 'FATAL')).catch(() => undefined);
      else session.cancel(reason);
    }
    for (const [socket] of all) socket.end();
    const hurry = setTimeout(() => {
      for (const [socket] of all) socket.destroy();
    }, 1000);
    await Promise.all(all.map(async ([, { done }]) => await done));
    clearTimeout(hurry);
  }

  async #talk(plain: Socket, entry: { isIn: boolean }): Promise<void> {
    const timer = setTimeout(() => plain.destroy(), this.#limits.loginMs);
    const letIn = () => {
      entry.isIn = true;
      clearTimeout(timer);
    };
    try {
      const line = await this.#open(plain);
      if (line !== undefined) await this.#serve(line, letIn);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Answers what may come before the first message: requests for encryption and for cancelling. */
  async #open(plain: Socket): Promise<Line | undefined> {
    let socket = plain;
    let reader = new MessageReader(socket, this.#limits.messageBytes);
    const encrypt = async () => {
      reader.release();
      const secure = new TLSSocket(socket, { isServer: true, secureContext: this.#context, ALPNProtocols: ['postgresql'] });
      secure.on('error', () => undefined);
      // A handshake may never come to its end.
      plain.once('close', () => secure.destroy());
      if (plain.destroyed) secure.destroy();
      await new Promise<void>((resolve) => {
        secure.once('secure', resolve);
        secure.once('close', () => resolve());
      });
      socket = secure;
      reader = new MessageReader(socket, this.#limits.messageBytes);
    };
    // TLS at once, without asking: a client of PostgreSQL 17 may (sslnegotiation=direct).
    if ((await reader.peek()) === 0x16 && this.#context !== undefined) await encrypt();
    for (let asked = 0; asked < 4; asked += 1) {
      const first = await reader.startup();
      if (first === undefined) return undefined;
      const body = new MessageBody(first.body);
      const code = body.int32();
      if (code === gssRequest) {
        socket.write('N');
        continue;
      }
      if (code === sslRequest) {
        const canEncrypt = this.#context !== undefined && !(socket instanceof TLSSocket);
        // What came behind the request was not encrypted, and would be taken for what is (CVE-2021-23214).
        if (reader.waiting > 0) return undefined;
        socket.write(canEncrypt ? 'S' : 'N');
        if (canEncrypt) await encrypt();
        continue;
      }
      if (code === cancelRequest) {
        this.#cancel(body.int32(), body.rest());
        return undefined;
      }
      return { socket, reader, out: new ByteWriter(), code, body };
    }
    return undefined;
  }

  #cancel(id: number, secret: Buffer): void {
    const running = this.#running.get(id);
    if (running?.secret.equals(secret) === true) running.session.cancel();
  }

  async #serve(line: Line, letIn: () => void): Promise<void> {
    const { socket, out, code, body } = line;
    const flush = async () => await send(socket, out);
    const end = async (error: PgError) => {
      messages.errorResponse(out, error);
      await flush();
    };
    const [major, minor] = [code >>> 16, code & 0xff_ff];
    if (major !== 3) return await end(fatal('0A000', `protocol ${major}.${minor} is not spoken here: 3.0 to 3.${newestMinor} are`));
    const given = new Map<string, string>();
    while (!body.isAtEnd) {
      const name = body.text();
      if (name === '') break;
      given.set(name, body.text());
    }
    const user = given.get('user') ?? '';
    if (user === '') return await end(fatal('28000', 'no user was named'));
    if (this.#options.requiresTls === true && !(socket instanceof TLSSocket)) return await end(fatal('28000', 'TLS is needed here: connect with sslmode=require')); // prettier-ignore
    const options = [...given.keys()].filter((name) => name.startsWith('_pq_.'));
    if (minor > newestMinor || options.length > 0) messages.negotiateVersion(out, Math.min(minor, newestMinor), options);
    try {
      if (!(await this.#authenticate(line, user))) return await end(fatal('28P01', `the user ${JSON.stringify(user)} was not let in`));
    } catch (error) {
      return await end(pgErrorOf(error, 'FATAL'));
    }
    await this.#run(line, { user, database: given.get('database') ?? user, given, minor, end, flush, letIn });
  }

  async #run(line: Line, login: Login): Promise<void> {
    const { socket, reader, out } = line;
    const { user, database, given, minor, end, flush, letIn } = login;
    const settings = new Settings(user);
    try {
      for (const [name, value] of startupSettings(given)) if (settings.has(name)) settings.set(name, value);
      settings.keep();
    } catch (error) {
      return await end(pgErrorOf(error, 'FATAL'));
    }
    const id = this.#newId();
    const secret = randomBytes(minor >= 2 ? 32 : 4);
    try {
      await using sql = await this.#options.backend.open(user, database);
      const zone = settings.get('timezone') ?? 'UTC';
      if (zone !== 'UTC') await sql.setTimeZone(zone);
      const session = new Session({ sql, settings, out, flush, next: async () => await reader.next(), log: this.#options.log, maxKeptBytes: this.#limits.keptBytes }); // prettier-ignore
      this.#running.set(id, { secret, session, tell: end });
      socket.once('close', () => session.cancel());
      letIn();
      messages.authenticationOk(out);
      for (const [name, value] of settings.reported()) messages.parameterStatus(out, name, value);
      messages.backendKey(out, id, secret);
      await session.serve();
    } catch (error) {
      if (!socket.destroyed) await end(pgErrorOf(error, 'FATAL'));
    } finally {
      this.#running.delete(id);
    }
  }

  #newId(): number {
    for (;;) {
      const id = randomInt(1, 2 ** 31 - 1);
      if (!this.#running.has(id)) return id;
    }
  }

  async #authenticate({ socket, reader, out }: Line, user: string): Promise<boolean> {
    const { backend } = this.#options;
    if (backend.isOpen) return true;
    const channelBinding = socket instanceof TLSSocket ? this.#channelBinding : undefined;
    const mechanisms = ['SCRAM-SHA-256', ...(channelBinding === undefined ? [] : ['SCRAM-SHA-256-PLUS'])];
    messages.askSasl(out, mechanisms.toReversed());
    await send(socket, out);
    const first = await reader.next();
    if (first?.type !== 'p') return false;
    const body = new MessageBody(first.body);
    const mechanism = body.text();
    const length = body.int32();
    if (!mechanisms.includes(mechanism) || length < 0) return false;
    const exchange = new ScramExchange({ verifier: await backend.verifierOf(user), channelBinding, mechanism }, this.#secret, user);
    const challenge = exchange.first(body.take(length).toString());
    if (challenge === undefined) return false;
    messages.saslStep(out, 'continue', challenge);
    await send(socket, out);
    const proof = await reader.next();
    const answer = proof?.type === 'p' ? exchange.last(proof.body.toString()) : undefined;
    if (answer === undefined) return false;
    messages.saslStep(out, 'final', answer);
    return true;
  }
}

/** A connection whose first message came: `body` stands behind the protocol's version. */
type Line = {
  readonly socket: Socket;
  readonly reader: MessageReader;
  readonly out: ByteWriter;
  readonly code: number;
  readonly body: MessageBody;
};

type Login = {
  readonly user: string;
  readonly database: string;
  readonly given: ReadonlyMap<string, string>;
  readonly minor: number;
  readonly end: (error: PgError) => Promise<void>;
  readonly flush: () => Promise<void>;
  readonly letIn: () => void;
};

/** Settings that came with the first message: by their names, and as `-c name=value` of `options`. asyncpg quotes its own. */
function* startupSettings(given: ReadonlyMap<string, string>): Generator<readonly [string, string]> {
  for (const [name, value] of given) {
    if (['user', 'database', 'options', 'replication'].includes(name) || name.startsWith('_pq_.')) continue;
    yield [name, value.replace(/^'(.*)'$/, '$1')];
  }
  for (const [, name = '', value = ''] of (given.get('options') ?? '').matchAll(/(?:-c\s*|--)([\w.]+)=((?:\\.|[^\s\\])*)/g)) {
    yield [name, value.replaceAll(/\\(.)/g, '$1')];
  }
}

/** Sends what was written, and waits while the client does not read. */
async function send(socket: Socket, out: ByteWriter): Promise<void> {
  if (out.length === 0) return;
  if (socket.destroyed || socket.writableEnded) {
    out.take();
    throw new LakesteadError('CANCELLED', 'the client went away');
  }
  if (socket.write(out.take())) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      socket.off('drain', done);
      socket.off('close', done);
      resolve();
    };
    socket.once('drain', done);
    socket.once('close', done);
  });
}

function fatal(state: string, message: string): PgError {
  return { severity: 'FATAL', state, message };
}
