import type { ConnectionOptions } from 'node:tls';

import { LakesteadError, Secret } from '#core';

import { parseConnectionString } from './connection-string.ts';

/** A setting that may have come from the vault; {@link reveal} opens it for the driver. */
export type Setting = string | Secret;

/** Where a PostgreSQL server is and how it is entered. */
export type PostgresSettings = {
  /** `host:port` for messages, `***` for a host that is a secret. */
  readonly server: string;
  readonly host: Setting;
  readonly port: number;
  readonly database: Setting;
  readonly user: Setting;
  readonly password: Secret | undefined;
  readonly ssl: false | Pick<ConnectionOptions, 'rejectUnauthorized' | 'checkServerIdentity'>;
  /** 0: as long as it takes. */
  readonly connectTimeoutMs: number;
  /** For reads that have no limit of their own; undefined: none. */
  readonly commandTimeoutMs: number | undefined;
};

const encrypted = { rejectUnauthorized: false };
const known = { rejectUnauthorized: true, checkServerIdentity: () => undefined };
const verified = { rejectUnauthorized: true };
/** TLS by `sslMode`, in words and Data Factory's numbers. `prefer` and `allow` would fall back in silence: they are refused. */
const tlsModes: Readonly<Record<string, PostgresSettings['ssl']>> = {
  '': false, '0': false, disable: false, '3': encrypted, require: encrypted,
  '4': known, 'verify-ca': known, verifyca: known, '5': verified, 'verify-full': verified, verifyfull: verified,
}; // prettier-ignore

/** Ways to log in that would otherwise be left out in silence. */
const unsupported = [
  'sslcertificate',
  'sslkey',
  'sslpassword',
  'ssl certificate',
  'ssl key',
  'ssl password',
  'root certificate',
  'passfile',
];

/** The value of a setting. Only for the call of the driver. */
export function reveal(setting: Setting): string {
  return setting instanceof Secret ? setting.reveal() : setting;
}

/** Settings from a linked service: `connectionString`, or the properties of PostgreSqlV2. */
export function readPostgresSettings(name: string, properties: Readonly<Record<string, unknown>>): PostgresSettings {
  const invalid = (problem: string, hint: string) =>
    new LakesteadError('FACTORY_INVALID', `the linked service '${name}' ${problem}`, { hint });
  const connection = properties['connectionString'];
  const inString =
    connection === undefined ? undefined : parseConnectionString(connection instanceof Secret ? connection.reveal() : String(connection));
  const find = (...names: readonly string[]): Setting | undefined => {
    for (const one of names) {
      const own = Object.entries(properties).find(([key]) => key.toLowerCase() === one)?.[1];
      const value = own ?? inString?.[one];
      if (value === undefined || value === null || value === '') continue;
      if (value instanceof Secret || typeof value === 'string') return value;
      if (typeof value === 'number') return String(value);
      throw invalid(`has no text in ${one}`, `${one}: a text, or \${secret:name}`);
    }
    return undefined;
  };
  const seconds = (names: readonly string[]): number | undefined => {
    const found = find(...names);
    if (found === undefined) return undefined;
    const value = Number(reveal(found));
    if (Number.isFinite(value) && value >= 0) return value * 1000;
    throw invalid(`has no number of seconds in ${names[0]}`, `${names[0]}: 30`);
  };
  for (const one of unsupported) {
    if (find(one) !== undefined)
      throw new LakesteadError('FACTORY_UNSUPPORTED', `the linked service '${name}' sets ${one}, which is not supported`, {
        hint: 'log in with username and password; authorities that Node does not know: NODE_EXTRA_CA_CERTS',
      });
  }
  const host = find('server', 'host');
  if (host === undefined) throw invalid('names no server', 'typeProperties: { server, port, database, username, password }');
  const user = find('username', 'uid', 'user id', 'user');
  // The driver would take the name of who runs the process.
  if (user === undefined) throw invalid('names no user', 'typeProperties: { server, port, database, username, password }');
  const port = Number(reveal(find('port') ?? '5432'));
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw invalid('has a port that is no number of one', 'port: 5432');
  const ssl = tlsOf(find('sslmode', 'ssl mode'), find('encryptionmethod'), find('validateservercertificate'));
  if (ssl === undefined)
    throw invalid(
      `has a TLS mode that is not known: ${String(find('sslmode', 'ssl mode', 'encryptionmethod'))}`,
      'sslMode: disable, require, verify-ca, verify-full',
    );
  const password = find('password', 'pwd');
  const commandTimeoutMs = seconds(['commandtimeout', 'command timeout']);
  return {
    server: `${String(host)}:${port}`,
    host,
    port,
    database: find('database', 'initial catalog') ?? 'postgres',
    user,
    password: typeof password === 'string' ? new Secret(password, `linked service ${name}`) : password,
    ssl,
    connectTimeoutMs: seconds(['connectiontimeout', 'connection timeout', 'timeout']) ?? 15_000,
    commandTimeoutMs: commandTimeoutMs === 0 ? undefined : commandTimeoutMs,
  };
}

/** `EncryptionMethod` is of older connection strings: 0 without, 1 with TLS; 6 (RequestSSL) would fall back. */
function tlsOf(mode?: Setting, method?: Setting, validate?: Setting): PostgresSettings['ssl'] | undefined {
  const find = (word: string) => (Object.hasOwn(tlsModes, word) ? tlsModes[word] : undefined);
  if (mode !== undefined || method === undefined) return find(reveal(mode ?? '').toLowerCase());
  if (reveal(method) === '0') return false;
  return reveal(method) === '1' ? (reveal(validate ?? '0') === '0' ? encrypted : verified) : undefined;
}
