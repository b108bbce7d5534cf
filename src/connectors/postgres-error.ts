import { type ErrorCode, LakesteadError } from '#core';

import type { PostgresSettings } from './postgres-settings.ts';

/** SQLSTATE (or its class) and what it is here. Nobody but this file knows the driver's errors. */
const byState: readonly (readonly [RegExp, ErrorCode, string])[] = [
  [/^28/, 'CONNECT_LOGIN', 'check the user and the password: lakestead secret set <name>'],
  [/^3D000/, 'CONNECT_DATABASE', 'check the name of the database'],
  [/^42501/, 'CONNECT_PERMISSION', 'grant SELECT on what the query reads'],
  [/^57014/, 'TIMEOUT', 'raise queryTimeout'],
  [/^42(?:P01|703|883)|^3F000/, 'SQL_NAME_NOT_FOUND', 'check the name: lakestead source tables <linkedService>'],
  [/^42601/, 'SQL_SYNTAX', "the query is in PostgreSQL's SQL"],
  [/^53|^57P/, 'CONNECT_FAILED', 'the server has no room for another connection, or stops: try again later'],
];

/** An error of the `pg` driver as one of ours. */
export function classifyPostgresError(error: unknown, settings: PostgresSettings): LakesteadError {
  if (error instanceof LakesteadError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  const server = `${settings.host}:${settings.port}`;
  const make = (kind: ErrorCode, text: string, hint: string) => new LakesteadError(kind, text, { cause: error, hint, data: { server } });
  const known = byState.find(([pattern]) => /^[0-9A-Z]{5}$/.test(code) && pattern.test(code));
  if (known !== undefined) return make(known[1], `${server}: ${message}`, known[2]);
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return make('CONNECT_DNS', `the name ${settings.host} cannot be resolved`, 'check the name of the server');
  if (['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT'].includes(code) || /timeout expired|connection timeout/i.test(message)) {
    return make('CONNECT_TCP', `${server} cannot be reached`, 'check address, port and firewall');
  }
  if (/SSL|TLS|certificate/i.test(message)) return make('CONNECT_TLS', `${server}: ${message}`, 'check sslMode');
  if (/password/i.test(message) && code === '')
    return make('CONNECT_LOGIN', `${server}: the server wants a password`, 'give one: password: ${secret:name}');
  return make('CONNECT_FAILED', `${server}: ${message}`, 'try again; see the log of the server');
}
