import { LakesteadError, Secret } from '#core';

import { parseConnectionString } from './connection-string.ts';

/** Where a PostgreSQL server is and how it is entered. */
export type PostgresSettings = {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: Secret | string | undefined;
  readonly ssl: false | { readonly rejectUnauthorized: boolean };
  readonly connectTimeoutMs: number;
};

/** TLS by `sslMode` (words and Data Factory's numbers) and `EncryptionMethod`. `prefer` and `allow` would fall back in silence: they are refused. */
const tlsModes: Readonly<Record<string, PostgresSettings['ssl']>> = {
  '': false, '0': false, disable: false, '3': { rejectUnauthorized: false }, require: { rejectUnauthorized: false },
  '4': { rejectUnauthorized: true }, 'verify-ca': { rejectUnauthorized: true }, '5': { rejectUnauthorized: true }, 'verify-full': { rejectUnauthorized: true },
}; // prettier-ignore

/** Settings from a linked service: `connectionString`, or the properties of PostgreSqlV2. */
export function readPostgresSettings(name: string, properties: Readonly<Record<string, unknown>>): PostgresSettings {
  const connection = properties['connectionString'];
  const inString =
    connection === undefined ? undefined : parseConnectionString(connection instanceof Secret ? connection.reveal() : String(connection));
  const find = (...names: readonly string[]): unknown => {
    for (const one of names) {
      const own = Object.entries(properties).find(([key]) => key.toLowerCase() === one)?.[1];
      const value = own ?? inString?.[one];
      if (value !== undefined && value !== null) return value;
    }
    return undefined;
  };
  const text = (value: unknown): string =>
    value instanceof Secret ? value.reveal() : typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  const host = text(find('server', 'host'));
  if (host === '')
    throw new LakesteadError('FACTORY_INVALID', `the linked service '${name}' names no server`, {
      hint: 'typeProperties: { server, port, database, username, password }',
    });
  const password = find('password', 'pwd');
  const mode = text(find('sslmode', 'ssl mode', 'encryptionmethod')).toLowerCase();
  const ssl = tlsModes[mode];
  if (ssl === undefined) {
    throw new LakesteadError('FACTORY_INVALID', `the linked service '${name}' has the TLS mode "${mode}", which is not known`, {
      hint: `sslMode: ${Object.keys(tlsModes)
        .filter((one) => /[a-z]/.test(one))
        .join(', ')}`,
    });
  }
  return {
    host,
    port: Number(text(find('port')) || 5432),
    database: text(find('database', 'initial catalog')) || 'postgres',
    user: text(find('username', 'uid', 'user id', 'user')),
    password: password instanceof Secret ? password : password === undefined ? undefined : text(password),
    ssl,
    connectTimeoutMs: Number(text(find('connectiontimeout', 'timeout')) || 15) * 1000,
  };
}
