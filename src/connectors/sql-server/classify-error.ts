import { type ErrorCode, LakesteadError } from '#core';

import type { SqlServerName } from './server-name.ts';

/** SQL Server's own numbers, and what they are here. Nobody but this file knows them, and the driver's codes. */
const byNumber: readonly (readonly [readonly number[], ErrorCode, string])[] = [
  [[4060, 4064, 911, 40_532], 'CONNECT_DATABASE', 'check the name of the database, and that the user may open it'],
  [[18_456, 18_452, 18_470, 18_486, 18_487, 18_488], 'CONNECT_LOGIN', 'check the user and the password: lakestead secret set <name>'],
  [[40_615], 'CONNECT_LOGIN', "the server's firewall refuses this address: add it there"],
  [[229, 230, 262, 297, 300, 916], 'CONNECT_PERMISSION', 'grant SELECT on what the query reads, EXECUTE on a procedure'],
  [[208, 207, 2812, 2801, 4121], 'SQL_NAME_NOT_FOUND', 'check the name: lakestead source tables <linkedService>'],
  [[102, 105, 156, 170, 319], 'SQL_SYNTAX', "the query is in the server's own T-SQL"],
  [[245, 241, 242, 248, 8114, 8115, 8134, 220, 235], 'SQL_TYPE', 'the server could not convert or compute a value of the query'],
  [[1205], 'CONNECT_FAILED', 'the server ended the statement to end a deadlock: run it again (policy.retry)'],
  [[10_928, 10_929, 40_197, 40_501, 40_613, 49_918], 'CONNECT_FAILED', 'the server is busy or moves: try again later (policy.retry)'],
];

export type ErrorContext = {
  readonly server: SqlServerName;
  /** The first error that the server sent during the login: the driver drops its number. */
  readonly loginNumber?: number | undefined;
  readonly isLogin: boolean;
};

/** `HOST\INSTANCE` or `host,port`, for messages. */
export function describeServer({ host, port, instance }: SqlServerName): string {
  return `${host}${instance === undefined ? '' : `\\${instance}`}${port === undefined ? '' : `,${port}`}`;
}

/** An error of the driver, of its socket or of the server as one of ours. */
export function classifySqlServerError(error: unknown, context: ErrorContext): LakesteadError {
  if (error instanceof LakesteadError) return error;
  const all = flatten(error);
  const server = describeServer(context.server);
  const first = all[0] ?? { code: '', message: String(error), number: undefined };
  const make = (code: ErrorCode, text: string, hint: string, number?: number) =>
    new LakesteadError(code, text, { cause: error, hint, data: { server, ...(number === undefined ? {} : { number }) } });

  const number = context.loginNumber ?? all.find((one) => one.number !== undefined)?.number;
  if (number !== undefined) {
    const known = byNumber.find(([numbers]) => numbers.includes(number));
    const message = all.find((one) => one.number === number)?.message ?? first.message;
    const text = `${server}: ${message} (Msg ${number})`;
    return known === undefined
      ? make('CONNECT_FAILED', text, 'see the message of the server', number)
      : make(known[1], text, known[2], number);
  }
  const codes = new Set(all.map(({ code }) => code));
  const has = (...wanted: readonly string[]) => wanted.some((code) => codes.has(code));
  const messages = all.map(({ message }) => message).join('; ');
  if (has('ENOTFOUND', 'EAI_AGAIN') || /getaddrinfo/.test(messages))
    return make('CONNECT_DNS', `the name ${context.server.host} cannot be resolved`, 'check the name of the server');
  if (has('EINSTLOOKUP'))
    return make(
      'CONNECT_TCP',
      `${server}: the instance does not answer at the SQL Server Browser (UDP 1434)`,
      'check the instance, or give its port: host,port',
    );
  if (
    all.some(({ code }) => /^ERR_(?:TLS|SSL)|CERT|SELF_SIGNED|UNABLE_TO_VERIFY|EPROTO|EENCRYPT/.test(code)) ||
    /does not support encryption|requires encryption/i.test(messages)
  )
    return make(
      'CONNECT_TLS',
      `${server}: ${messages}`,
      'give the name in its certificate (hostNameInCertificate), trust it (trustServerCertificate), or set encrypt',
    );
  if (has('ELOGIN'))
    return make('CONNECT_LOGIN', `${server}: ${first.message}`, 'check the user and the password: lakestead secret set <name>');
  if (has('ETIMEOUT', 'ETIMEDOUT') && context.isLogin)
    return make('CONNECT_TCP', `${server} does not answer: ${first.message}`, 'check address, port and firewall, or raise connectTimeout');
  if (has('ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH') || (context.isLogin && has('ESOCKET', 'ECONNRESET')))
    return make('CONNECT_TCP', `${server} cannot be reached: ${messages}`, 'check address, port, instance and firewall');
  return make('CONNECT_FAILED', `${server}: ${messages}`, 'try again; see the log of the server');
}

type Facts = { readonly code: string; readonly message: string; readonly number: number | undefined };

/** The error, its causes and its siblings, outermost first. */
function flatten(error: unknown, depth = 0): readonly Facts[] {
  if (typeof error !== 'object' || error === null || depth > 5) return [];
  const { code, message, number, cause, errors } = error as Readonly<Record<string, unknown>>; // any object has properties of any kind
  const own: Facts = {
    code: typeof code === 'string' ? code : '',
    message: typeof message === 'string' ? message : '',
    number: typeof number === 'number' ? number : undefined,
  };
  const siblings = Array.isArray(errors) ? errors.flatMap((one) => flatten(one, depth + 1)) : [];
  return [...(own.message === '' && siblings.length > 0 ? [] : [own]), ...siblings, ...flatten(cause, depth + 1)];
}
