import { Connection, type ConnectionConfiguration, Request } from 'tedious';

import { LakesteadError, Secret } from '#core';

import type { Connector, SourceTable } from './connector.ts';
import { parseServerName, type SqlServerName } from './sql-server-name.ts';

type Settings = { readonly server: SqlServerName; readonly database: string; readonly config: ConnectionConfiguration };

/**
 * A SQL Server over TDS: whether it can be reached, and what is there. Reading its rows is refused by name: the driver
 * rounds decimals, money and times, and a wrong value is worse than none.
 */
export async function openSqlServerConnector(
  name: string,
  typeProperties: Readonly<Record<string, unknown>>,
  signal?: AbortSignal,
): Promise<Connector> {
  const settings = readSettings(name, typeProperties);
  const connection = await connect(settings, signal);
  const rows = async (query: string): Promise<string[][]> =>
    await new Promise((resolve, reject) => {
      const found: string[][] = [];
      const request = new Request(query, (error) => (error ? reject(classify(error, settings)) : resolve(found)));
      request.on('row', (columns: { value: unknown }[]) => found.push(columns.map(({ value }) => String(value))));
      connection.execSql(request);
    });
  const refuse = async (what: string): Promise<never> =>
    await Promise.reject(
      new LakesteadError('FACTORY_UNSUPPORTED', `${what} a SQL Server over TDS is not supported yet ('${name}')`, {
        hint: 'let an embedded database stand in, filled by "lakestead source load"',
      }),
    );
  return {
    check: async () => {
      const [row] = await rows('SELECT @@VERSION, DB_NAME(), SUSER_SNAME()');
      return { server: describe(settings.server), version: row?.[0] ?? '', database: row?.[1] ?? '', user: row?.[2] ?? '' };
    },
    tables: async () => {
      const found = await rows(
        'SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE FROM INFORMATION_SCHEMA.TABLES ORDER BY TABLE_SCHEMA, TABLE_NAME',
      );
      return found.map(([schema = '', table = '', type]): SourceTable => ({ schema, table, kind: type === 'VIEW' ? 'view' : 'table' }));
    },
    read: async () => await refuse('reading rows of'),
    call: async () => await refuse('calling procedures of'),
    [Symbol.asyncDispose]: async () => {
      connection.close();
      await Promise.resolve();
    },
  };
}

const describe = ({ host, port, instance }: SqlServerName): string =>
  `${host}${instance === undefined ? '' : `\\${instance}`}${port === undefined ? '' : `,${port}`}`;

async function connect(settings: Settings, signal: AbortSignal | undefined): Promise<Connection> {
  signal?.throwIfAborted();
  const connection = new Connection(settings.config);
  const stop = () => connection.close();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    return await new Promise((resolve, reject) => {
      connection.on('error', reject);
      connection.connect((error) => (error ? reject(error) : resolve(connection)));
    });
  } catch (error) {
    connection.close();
    throw classify(error, settings);
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

const synonyms: Readonly<Record<string, readonly string[]>> = {
  server: ['server', 'data source', 'address', 'addr', 'network address'],
  database: ['database', 'initial catalog'],
  user: ['username', 'user id', 'uid', 'user'],
  password: ['password', 'pwd'],
  encrypt: ['encrypt'],
  trust: ['trustservercertificate', 'trust server certificate'],
  timeout: ['connect timeout', 'connection timeout', 'timeout', 'connecttimeout'],
};

function readSettings(name: string, properties: Readonly<Record<string, unknown>>): Settings {
  const connection = properties['connectionString'];
  const inString = Object.fromEntries(
    [
      ...(connection instanceof Secret ? connection.reveal() : typeof connection === 'string' ? connection : '').matchAll(
        /\s*([^=;]+?)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^;]*))\s*(?:;|$)/g,
      ),
    ].map(([, key = '', a, b, c]) => [key.toLowerCase(), a ?? b ?? c ?? '']),
  );
  const own = Object.fromEntries(Object.entries(properties).map(([key, value]) => [key.toLowerCase(), value]));
  const find = (setting: string): string => {
    for (const key of synonyms[setting] ?? []) {
      const value = own[key] ?? inString[key];
      if (value instanceof Secret) return value.reveal();
      if (value !== undefined && value !== null && typeof value !== 'object') return String(value);
    }
    return '';
  };
  const written = find('server');
  if (written === '')
    throw new LakesteadError('FACTORY_INVALID', `the linked service '${name}' names no server`, {
      hint: 'typeProperties: { server, database, userName, password }',
    });
  const server = parseServerName(written);
  const authentication = String(own['authenticationtype'] ?? '');
  const integrated = String(inString['integrated security'] ?? own['integrated security'] ?? 'false');
  if (!['', 'sql', 'basic'].includes(authentication.toLowerCase()) || /^(?:true|yes|sspi)$/i.test(integrated)) {
    throw new LakesteadError(
      'FACTORY_UNSUPPORTED',
      `the linked service '${name}' logs in by ${authentication === '' ? 'Integrated Security' : authentication}, which is not supported`,
      { hint: 'give a SQL login: authenticationType SQL, userName, password' },
    );
  }
  const encrypt = find('encrypt').toLowerCase();
  return {
    server,
    database: find('database'),
    config: {
      server: server.host,
      authentication: { type: 'default', options: { userName: find('user'), password: find('password') } },
      options: {
        ...(server.port === undefined ? {} : { port: server.port }),
        ...(server.instance === undefined ? {} : { instanceName: server.instance }),
        ...(find('database') === '' ? {} : { database: find('database') }),
        encrypt: encrypt === 'strict' ? 'strict' : !['false', 'no', 'optional', 'disable'].includes(encrypt),
        trustServerCertificate: /^(?:true|yes)$/i.test(find('trust')),
        connectTimeout: Number(find('timeout') || 15) * 1000,
        appName: 'lakestead',
      },
    },
  };
}

/** SQL Server's own error numbers, and the driver's codes. Nobody but this file reads them. */
function classify(error: unknown, settings: Settings): LakesteadError {
  const message = error instanceof Error ? error.message : String(error);
  const facts = (typeof error === 'object' && error !== null ? error : {}) as {
    code?: unknown;
    number?: unknown;
    cause?: { code?: unknown };
    errors?: readonly unknown[];
  };
  const server = describe(settings.server);
  const code = [facts.code, facts.cause?.code].map(String);
  const make = (
    kind: 'CONNECT_LOGIN' | 'CONNECT_DATABASE' | 'CONNECT_PERMISSION' | 'CONNECT_DNS' | 'CONNECT_TLS' | 'CONNECT_TCP' | 'CONNECT_FAILED',
    text: string,
    hint: string,
  ) => new LakesteadError(kind, text, { cause: error, hint, data: { server } });
  if (facts.number === 4060)
    return make('CONNECT_DATABASE', `${server}: ${message}`, 'check the name of the database and the rights of the user');
  if (facts.number === 229 || facts.number === 230)
    return make('CONNECT_PERMISSION', `${server}: ${message}`, 'grant SELECT on what the query reads');
  if (facts.number === 18_456 || code.includes('ELOGIN'))
    return make('CONNECT_LOGIN', `${server}: ${message}`, 'check the user and the password: lakestead secret set <name>');
  if (code.includes('ENOTFOUND') || code.includes('EAI_AGAIN') || /ENOTFOUND|EAI_AGAIN/.test(message))
    return make('CONNECT_DNS', `the name ${settings.server.host} cannot be resolved`, 'check the name of the server');
  if (/self.signed|certificate|SSL|TLS/i.test(message))
    return make('CONNECT_TLS', `${server}: ${message}`, 'trust the certificate (trustServerCertificate), or set encrypt');
  if (code.includes('ESOCKET') || code.includes('ETIMEOUT') || code.includes('ECONNREFUSED') || code.includes('EINSTLOOKUP'))
    return make('CONNECT_TCP', `${server} cannot be reached: ${message}`, 'check address, port, instance and firewall');
  return make('CONNECT_FAILED', `${server}: ${message}`, 'see the log of the server');
}
