import { inspect } from 'node:util';

import { type ErrorCode, LakesteadError, Secret } from '#core';

import type { PostgresSettings } from './postgres-settings.ts';

type Meaning = readonly [code: ErrorCode, hint: string];

/** SQLSTATE (or how it begins) and what it is here. Nobody but this file knows the driver's errors. */
const byState: readonly (readonly [RegExp, ...Meaning])[] = [
  [/^28/, 'CONNECT_LOGIN', 'check the user and the password: lakestead secret set <name>'],
  [/^3D000/, 'CONNECT_DATABASE', 'check the name of the database'],
  [/^42501/, 'CONNECT_PERMISSION', 'grant SELECT on what the query reads'],
  [/^42(?:P01|703|883|P02)|^3F000/, 'SQL_NAME_NOT_FOUND', 'check the name: lakestead source tables <linkedService>'],
  [/^42601/, 'SQL_SYNTAX', "the query is one SELECT in PostgreSQL's SQL"],
  [/^42(?:804|846)|^22(?:P02|P03|P05|003|007|008|021)/, 'SQL_TYPE', 'convert with CAST in the query'],
  [/^0A000|^25006/, 'SQL_NOT_SUPPORTED', 'a source is only read: the query is one SELECT'],
  [/^53|^57P/, 'CONNECT_FAILED', 'the server has no room for another connection, or stops: try again later'],
];

/** How far a connection came before it failed. */
export type Reached = 'nothing' | 'server';

/** An error of the `pg` driver while it connected, as one of ours. */
export function classifyConnectError(error: unknown, settings: PostgresSettings, reached: Reached): LakesteadError {
  const { message, state, code } = partsOf(error);
  const { server } = settings;
  const make = makerOf(error, settings);
  // pg_hba.conf's words are the same for a login that is refused altogether and for one that has to come over TLS.
  if (state.startsWith('28') && settings.ssl === false && /no encryption|SSL off/.test(message))
    return make(
      'CONNECT_LOGIN',
      `${server}: ${message}`,
      'the server may want TLS (sslMode: verify-full, or require), or its pg_hba.conf another entry',
    );
  if (state === '42501') return make('CONNECT_DATABASE', `${server}: ${message}`, 'grant CONNECT on the database');
  if (state !== '' || error instanceof LakesteadError) return classifyStatementError(error, settings);
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return make('CONNECT_DNS', `the name of the server ${server} cannot be resolved`, 'check the name of the server');
  if (code === 'ECONNREFUSED')
    return make('CONNECT_TCP', `${server} refused the connection: nothing listens there`, 'check the port, and that the server runs');
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH')
    return make('CONNECT_TCP', `there is no way to ${server}`, 'check the address, the network and the VPN');
  if (code === 'ETIMEDOUT' || message === 'timeout expired') {
    const limit = `within ${settings.connectTimeoutMs / 1000} s`;
    return reached === 'nothing'
      ? make('CONNECT_TCP', `${server} did not answer ${limit}`, 'a firewall may drop the connection: check address and port')
      : make(
          'CONNECT_TCP',
          `${server} took the connection, but no login came about ${limit}`,
          'check that the port is PostgreSQL, or raise timeout',
        );
  }
  const tls = tlsHint(code, message);
  if (settings.ssl !== false && tls !== undefined) return make('CONNECT_TLS', `${server}: ${message}`, tls);
  if (message.startsWith('SASL')) return make('CONNECT_LOGIN', `${server}: ${message}`, 'check the user and the password');
  return make('CONNECT_FAILED', `${server}: ${message}`, 'check that the port is PostgreSQL; see the log of the server');
}

/** An error of a statement on a connection that stands. */
export function classifyStatementError(error: unknown, settings: PostgresSettings): LakesteadError {
  if (error instanceof LakesteadError) return error;
  const { message, state } = partsOf(error);
  const { server } = settings;
  const make = makerOf(error, settings);
  if (state === '57014') {
    // Not our time-out and not our wish: the session says so before it comes here.
    return /statement timeout/.test(message)
      ? make('TIMEOUT', `${server}: ${message}`, 'the limit is the statement_timeout of the user or the database on the server')
      : make('CONNECT_FAILED', `${server}: somebody on the server cancelled the statement: ${message}`, 'ask who administers the server');
  }
  const [, code, hint] = byState.find(([pattern]) => pattern.test(state)) ?? [];
  if (code !== undefined && hint !== undefined) return make(code, `${server}: ${message}`, hint);
  return state === ''
    ? make('CONNECT_FAILED', `${server}: ${message}`, 'the connection broke: try again; see the log of the server')
    : make('CONNECT_FAILED', `${server}: ${message} (SQLSTATE ${state})`, 'the server failed the statement: check the query');
}

function partsOf(error: unknown): { message: string; state: string; code: string } {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  // The driver has SQLSTATE and Node's own codes in one property; EPIPE looks like a SQLSTATE, but no class of those begins with E.
  return /^[0-9A-DF-Z][0-9A-Z]{4}$/.test(code) ? { message, state: code, code: '' } : { message, state: '', code };
}

/** Makes errors that show no value of a {@link Secret}: the server repeats the user's and the database's name in its words. */
function makerOf(cause: unknown, settings: PostgresSettings): (code: ErrorCode, text: string, hint: string) => LakesteadError {
  const secrets = [settings.host, settings.user, settings.database, settings.password].filter((one) => one instanceof Secret);
  const values = secrets.map((secret) => secret.reveal()).filter((value) => value !== '');
  // A cause is printed with its own words and properties.
  const isClean = !values.some((value) => inspect(cause, { depth: 5 }).includes(value));
  return (code, text, hint) => {
    const shown = values.reduce((words, value) => words.replaceAll(value, '***'), text);
    return new LakesteadError(code, shown, { hint, data: { server: settings.server }, ...(isClean && { cause }) });
  };
}

/** What to do about an error of TLS; undefined for any other. */
function tlsHint(code: string, message: string): string | undefined {
  if (message === 'The server does not support SSL connections')
    return 'turn TLS on in the server (ssl = on), or go without: sslMode: disable';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'connect by the name that the certificate is for, or sslMode: verify-ca';
  if (/SELF_SIGNED|UNABLE_TO|CERT_UNTRUSTED/.test(code))
    return 'make its authority known (NODE_EXTRA_CA_CERTS), or encrypt without checking who answers: sslMode: require';
  if (/^CERT_|^ERR_(?:TLS|SSL|OSSL)|^EPROTO$/.test(code) || /SSL connection|secure TLS connection/.test(message))
    return 'check the certificate and the TLS versions of the server';
  return undefined;
}
