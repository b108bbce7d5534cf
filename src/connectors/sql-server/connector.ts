import { type ConnectionConfiguration, type Request, TYPES } from 'tedious';

import { LakesteadError, Secret } from '#core';

import type { Connector, ProcedureParameter, SourceQuery, SourceTable } from '../connector.ts';
import { classifySqlServerError, describeServer } from './classify-error.ts';
import { type Answer, RowConnection } from './row-connection.ts';
import { readSqlServerSettings, type SqlServerSettings } from './settings.ts';

/** A SQL Server or Azure SQL database over TDS: one connection, exact values, rows as they come. */
export async function openSqlServerConnector(
  name: string,
  typeProperties: Readonly<Record<string, unknown>>,
  signal?: AbortSignal,
): Promise<Connector> {
  const settings = readSqlServerSettings(name, typeProperties);
  const connection = await connect(settings, signal);
  const fail = (error: unknown) => classifySqlServerError(error, { server: settings.server, isLogin: false });

  const ask = async (text: string, send: (request: Request) => void, limits: Limits): Promise<Answer> => {
    const limit = startLimit(limits, signal, settings.commandTimeoutMs);
    try {
      const answer = await connection.ask(text, send, limit.signal);
      const batches = async function* () {
        try {
          yield* answer.batches;
        } catch (error) {
          throw fail(error);
        } finally {
          limit.stop();
        }
      };
      return { ...answer, batches: batches() };
    } catch (error) {
      limit.stop();
      throw fail(error);
    }
  };
  const rows = async (text: string, limits: Limits): Promise<readonly (readonly string[])[]> => {
    const { batches } = await ask(text, (request) => connection.execSqlBatch(request), limits);
    const found: string[][] = [];
    for await (const { rowCount, columns } of batches)
      for (let row = 0; row < rowCount; row += 1) found.push(columns.map((column) => String(column[row] ?? '')));
    return found;
  };

  return {
    check: async (options = {}) => {
      const [row] = await rows('SELECT @@VERSION, DB_NAME(), SUSER_SNAME()', options);
      return { server: describeServer(settings.server), version: row?.[0] ?? '', database: row?.[1] ?? '', user: row?.[2] ?? '' };
    },
    tables: async (options = {}) => {
      const found = await rows(
        'SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE FROM INFORMATION_SCHEMA.TABLES ORDER BY TABLE_SCHEMA, TABLE_NAME',
        options,
      );
      return found.map(([schema = '', table = '', type]): SourceTable => ({ schema, table, kind: type === 'VIEW' ? 'view' : 'table' }));
    },
    read: async (query, options) => {
      const { columns, batches, bytesRead, stop } = await ask(textOf(query), (request) => connection.execSqlBatch(request), options);
      const unnamed = columns.findIndex((column) => column.name === '');
      if (columns.length === 0 || unnamed >= 0) {
        await stop();
        const problem =
          columns.length === 0 ? 'the query returns no rows and no columns' : `column ${unnamed + 1} of the query has no name`;
        throw new LakesteadError('SQL_SYNTAX', `${describeServer(settings.server)}: ${problem}`, {
          hint: columns.length === 0 ? 'a source needs a SELECT' : 'give it one with AS',
        });
      }
      return { columns, rows: { kind: 'batches', batches, bytesRead } };
    },
    call: async (procedure, parameters, options = {}) => {
      const send = (request: Request) => {
        for (const parameter of parameters) addParameter(request, parameter);
        connection.callProcedure(request);
      };
      const { batches } = await ask(procedure, send, options);
      // What it selects is not wanted, its errors are: they come at the end.
      for await (const _ of batches);
    },
    [Symbol.asyncDispose]: async () => {
      connection.close();
      await Promise.resolve();
    },
  };
}

type Limits = { readonly timeoutMs?: number | undefined; readonly signal?: AbortSignal | undefined };

/** One signal for cancel and time limit; each gives its own error. The limit counts until the last row is taken. */
function startLimit({ timeoutMs, signal }: Limits, outer: AbortSignal | undefined, fallbackMs: number | undefined) {
  const controller = new AbortController();
  const cancelled = () => controller.abort(new LakesteadError('CANCELLED', 'the statement was cancelled on the server'));
  const sources = [signal, outer].filter((one) => one !== undefined);
  for (const source of sources) {
    if (source.aborted) cancelled();
    source.addEventListener('abort', cancelled, { once: true });
  }
  const milliseconds = timeoutMs ?? fallbackMs;
  const timer =
    milliseconds === undefined
      ? undefined
      : setTimeout(
          () =>
            controller.abort(
              new LakesteadError('TIMEOUT', `the statement took longer than ${milliseconds / 1000} s and was cancelled on the server`, {
                hint: 'raise queryTimeout of the source',
              }),
            ),
          // A longer delay than this would fire at once.
          Math.min(milliseconds, 2 ** 31 - 1),
        );
  return {
    signal: controller.signal,
    stop: () => {
      clearTimeout(timer);
      for (const source of sources) source.removeEventListener('abort', cancelled);
    },
  };
}

function driverConfig(settings: SqlServerSettings, encrypt: SqlServerSettings['encrypt']): ConnectionConfiguration {
  const { server, password } = settings;
  return {
    server: server.host,
    authentication: {
      type: 'default',
      options: { userName: settings.user, password: password instanceof Secret ? password.reveal() : password },
    },
    options: {
      ...(server.port === undefined ? {} : { port: server.port }),
      ...(server.instance === undefined ? {} : { instanceName: server.instance }),
      ...(settings.database === '' ? {} : { database: settings.database }),
      ...(settings.certificateName === undefined ? {} : { serverName: settings.certificateName }),
      encrypt,
      trustServerCertificate: settings.trustServerCertificate,
      connectTimeout: settings.connectTimeoutMs,
      // Time limits are ours: the driver's ends with the first packet of the answer.
      requestTimeout: 0,
      maxRetriesOnTransientErrors: 0,
      multiSubnetFailover: settings.multiSubnetFailover,
      readOnlyIntent: settings.readOnlyIntent,
      packetSize: settings.packetSize,
      appName: 'lakestead',
      // What the server's own tools set. The driver's default for it changes what a query may do with quotes.
      enableQuotedIdentifier: true,
      abortTransactionOnError: false,
      useUTC: true,
    },
  };
}

/** @param encrypt as the settings say, or more where the server requires it */
async function connect(
  settings: SqlServerSettings,
  signal: AbortSignal | undefined,
  encrypt: SqlServerSettings['encrypt'] = settings.encrypt,
): Promise<RowConnection> {
  const cancelled = (cause?: unknown) => new LakesteadError('CANCELLED', 'the connection was given up while it was made', { cause });
  if (isAborted(signal)) throw cancelled();
  const connection = new RowConnection(driverConfig(settings, encrypt));
  let loginNumber: number | undefined;
  // A wrong database is told as 4060 and then as a failed login: the first says what is wrong.
  connection.on('errorMessage', ({ number }: { readonly number: number }) => (loginNumber ??= number));
  const stop = () => connection.close();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    await new Promise<void>((resolve, reject) => connection.connect((error) => (error ? reject(error) : resolve())));
    return connection;
  } catch (error) {
    connection.close();
    if (isAborted(signal)) throw cancelled(error);
    const requiresEncryption = error instanceof Error && 'code' in error && error.code === 'EENCRYPT' && encrypt === false;
    if (requiresEncryption) return await connect(settings, signal, true);
    throw classifySqlServerError(error, { server: settings.server, loginNumber, isLogin: true });
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

const isAborted = (signal: AbortSignal | undefined): boolean => signal?.aborted === true;

function textOf(query: SourceQuery): string {
  if (query.kind === 'query') return query.text;
  const quote = (name: string) => `[${name.replaceAll(']', ']]')}]`;
  return `SELECT * FROM ${query.schema === undefined ? '' : `${quote(query.schema)}.`}${quote(query.table)}`;
}

/** Text converts to every type of a parameter without loss, which the driver's own numbers and dates do not. */
function addParameter(request: Request, { name, value, type = 'String' }: ProcedureParameter): void {
  const bare = name.replace(/^@/, '');
  if (value === null || value === undefined) request.addParameter(bare, TYPES.NVarChar, null);
  else if (/^boolean$/i.test(type) || typeof value === 'boolean')
    request.addParameter(bare, TYPES.Bit, typeof value === 'boolean' ? value : /^(?:true|1)$/i.test(String(value)));
  else request.addParameter(bare, TYPES.NVarChar, typeof value === 'object' ? JSON.stringify(value) : String(value));
}
