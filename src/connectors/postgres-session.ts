import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import pg from 'pg';

import { LakesteadError } from '#core';

import { type CancelKey, requestCancel } from './postgres-cancel.ts';
import { classifyConnectError, classifyStatementError, type Reached } from './postgres-error.ts';
import { type PostgresSettings, reveal } from './postgres-settings.ts';

/** One statement. With values, or `single`, it goes by the extended protocol, which takes no second statement behind it. */
export type Statement = { readonly text: string; readonly values?: readonly unknown[]; readonly single?: boolean };

export type StatementResult = { readonly rows: (string | null)[][]; readonly fields: readonly pg.FieldDef[] };

/** What ends a statement early: the caller's wish, or a moment of `performance.now()` with the limit it stands for. */
export type Limit = { readonly signal?: AbortSignal | undefined; readonly timeout?: { readonly atMs: number; readonly limitMs: number } };

/** A server that does not answer an interrupted statement within this time loses the connection. */
const patienceMs = 5000;
const longestTimerMs = 2 ** 31 - 1;

/** One connection to a PostgreSQL server. Its statements run one after the other; each can be interrupted on the server. */
export class PostgresSession implements AsyncDisposable {
  readonly #settings: PostgresSettings;
  readonly #client: pg.Client;
  readonly #key: CancelKey;
  /** The statement before: one is sent when the last has ended, so that an interruption meets the right one. */
  #last: Promise<unknown> = Promise.resolve();
  readonly #closing = new AbortController();

  private constructor(settings: PostgresSettings, client: pg.Client, key: CancelKey) {
    this.#settings = settings;
    this.#client = client;
    this.#key = key;
  }

  /** Connects and logs in, within the time-out of the settings. */
  static async open(settings: PostgresSettings, signal?: AbortSignal): Promise<PostgresSession> {
    const socket = new Socket();
    const client = new pg.Client({
      host: reveal(settings.host),
      port: settings.port,
      database: reveal(settings.database),
      user: reveal(settings.user),
      password: () => {
        if (settings.password !== undefined) return settings.password.reveal();
        throw new LakesteadError('CONNECT_LOGIN', `${settings.server}: the server wants a password`, {
          hint: 'give one: password: ${secret:name}',
        });
      },
      ssl: settings.ssl,
      stream: () => socket,
      connectionTimeoutMillis: settings.connectTimeoutMs,
      application_name: 'lakestead',
      // Every value arrives as PostgreSQL's own text: nothing is lost before we decode it.
      types: { getTypeParser: () => (value: unknown) => value },
    });
    client.on('error', () => {}); // a connection that breaks shows in the statement that runs on it
    let key: CancelKey = { processId: 0, secretKey: 0 };
    client.connection.on('backendKeyData', (message: { processID: number; secretKey: number }) => {
      key = { processId: message.processID, secretKey: message.secretKey };
    });
    let reached: Reached = 'nothing';
    socket.once('connect', () => (reached = 'server'));
    const cancel = () => socket.destroy();
    try {
      signal?.throwIfAborted();
      signal?.addEventListener('abort', cancel, { once: true });
      await client.connect();
      const session = new PostgresSession(settings, client, key);
      await session.run({
        text: "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; SET extra_float_digits = 3; SET bytea_output = 'hex'",
      });
      return session;
    } catch (error) {
      socket.destroy();
      throw signal?.aborted === true ? cancelledBy(signal, error) : classifyConnectError(error, settings, reached);
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  /** Runs a statement; every value is text or null. */
  async run(statement: Statement, limit: Limit = {}): Promise<StatementResult> {
    const result = this.#last.then(async () => await this.#interruptible(statement, limit));
    this.#last = result.catch(() => undefined); // it is reported to who asked for it
    return await result;
  }

  async #interruptible(statement: Statement, { signal: own, timeout }: Limit): Promise<StatementResult> {
    const signal = own === undefined ? this.#closing.signal : AbortSignal.any([this.#closing.signal, own]);
    const leftMs = timeout === undefined ? Number.POSITIVE_INFINITY : timeout.atMs - performance.now();
    const cancelled = () => cancelledBy(signal);
    const tooLong = () =>
      new LakesteadError('TIMEOUT', `reading from ${this.#settings.server} took longer than ${(timeout?.limitMs ?? 0) / 1000} s`, {
        hint: "raise the source's queryTimeout, or read less",
      });
    if (signal.aborted) throw cancelled();
    if (leftMs <= 0) throw tooLong();
    const { text, values, single } = statement;
    const query = { text, rowMode: 'array', ...(values && { values: [...values] }), ...(single && { queryMode: 'extended' }) } as const;
    const running = this.#client.query<(string | null)[]>(query);
    let stopped: (() => LakesteadError) | undefined;
    let interruption: Promise<void> | undefined;
    const interrupt = (why: () => LakesteadError) => {
      stopped ??= why;
      interruption ??= this.#interrupt(running);
    };
    const abort = () => interrupt(cancelled);
    signal.addEventListener('abort', abort, { once: true });
    const timer = leftMs > longestTimerMs ? undefined : setTimeout(() => interrupt(tooLong), leftMs);
    try {
      const { rows, fields } = await running;
      if (stopped === undefined) return { rows, fields };
    } catch (error) {
      if (stopped === undefined) throw classifyStatementError(error, this.#settings);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      await interruption;
    }
    throw stopped();
  }

  /** Asks until the statement has ended: a request that overtakes the statement on its way to the server does nothing. */
  async #interrupt(running: Promise<unknown>): Promise<void> {
    const answer = { isHere: false };
    const over = running.catch(() => undefined).then(() => (answer.isHere = true)); // how it ended is for who runs it
    const giveUpAt = performance.now() + patienceMs;
    while (!answer.isHere && performance.now() < giveUpAt) {
      await requestCancel(this.#settings, this.#key);
      await Promise.race([over, sleep(100)]);
    }
    if (!answer.isHere) this.#client.connection.stream.destroy();
  }

  /** Interrupts what still runs, so that the server does not work on for nobody, and leaves. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new LakesteadError('CANCELLED', 'the connection was closed'));
    await this.#last;
    const tooLate = setTimeout(() => this.#client.connection.stream.destroy(), patienceMs);
    await this.#client.end().catch(() => undefined); // it is being closed: what went wrong with it was reported before
    clearTimeout(tooLate);
  }
}

/** The error of who aborted, when it is one of ours: it says why. */
function cancelledBy(signal: AbortSignal, cause: unknown = signal.reason): LakesteadError {
  return signal.reason instanceof LakesteadError ? signal.reason : new LakesteadError('CANCELLED', 'reading was cancelled', { cause });
}
