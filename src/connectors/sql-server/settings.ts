import { LakesteadError, Secret } from '#core';

import { parseConnectionString } from '../connection-string.ts';
import { parseServerName, type SqlServerName } from './server-name.ts';

/** Where a SQL Server is and how it is entered. */
export type SqlServerSettings = {
  readonly server: SqlServerName;
  /** Empty: the login's own default. */
  readonly database: string;
  readonly user: string;
  readonly password: Secret | string;
  /** `strict` is TLS from the first byte (TDS 8); `false` encrypts only where the server requires it. */
  readonly encrypt: boolean | 'strict';
  readonly trustServerCertificate: boolean;
  /** The name in the server's certificate, where it is another than the address. */
  readonly certificateName: string | undefined;
  readonly connectTimeoutMs: number;
  /** The time that a statement may take when its activity names none; undefined: no limit. */
  readonly commandTimeoutMs: number | undefined;
  readonly readOnlyIntent: boolean;
  readonly multiSubnetFailover: boolean;
  readonly packetSize: number;
};

type Setting =
  | 'server' | 'database' | 'user' | 'password' | 'encrypt' | 'trust' | 'certificateName' | 'connectTimeout' | 'commandTimeout' | 'intent'
  | 'multiSubnet' | 'packetSize' | 'integrated' | 'authentication'; // prettier-ignore

/** Every name of a setting, without case and blanks: those of connection strings and those of Data Factory's typeProperties. */
const names: Readonly<Record<string, Setting>> = {
  server: 'server', datasource: 'server', address: 'server', addr: 'server', networkaddress: 'server', database: 'database', initialcatalog: 'database',
  userid: 'user', uid: 'user', user: 'user', username: 'user', password: 'password', pwd: 'password', encrypt: 'encrypt',
  trustservercertificate: 'trust', hostnameincertificate: 'certificateName', connecttimeout: 'connectTimeout', connectiontimeout: 'connectTimeout',
  timeout: 'connectTimeout', commandtimeout: 'commandTimeout', applicationintent: 'intent', multisubnetfailover: 'multiSubnet',
  packetsize: 'packetSize', integratedsecurity: 'integrated', trustedconnection: 'integrated', authentication: 'authentication',
  authenticationtype: 'authentication',
}; // prettier-ignore

/** Known, and without effect here: how a client keeps its connections, and what Azure alone can decrypt. */
const withoutEffect = new Set([
  'persistsecurityinfo', 'pooling', 'minpoolsize', 'maxpoolsize', 'loadbalancetimeout', 'connectionlifetime', 'multipleactiveresultsets', 'mars',
  'connectretrycount', 'connectretryinterval', 'applicationname', 'app', 'workstationid', 'wsid', 'enlist', 'replication', 'transactionbinding',
  'typesystemversion', 'currentlanguage', 'language', 'poolblockingperiod', 'encryptedcredential', 'connectionstring', 'connectvia',
]); // prettier-ignore

const squeeze = (name: string): string => name.toLowerCase().replaceAll(/[\s_]/g, '');

/**
 * Settings from a linked service: its `connectionString`, its own properties, or both (a property wins).
 *
 * @throws FACTORY_INVALID for a setting that is not known or has no such value, FACTORY_UNSUPPORTED for logins other than SQL's own
 */
export function readSqlServerSettings(name: string, properties: Readonly<Record<string, unknown>>): SqlServerSettings {
  const found = new Map<Setting, string | Secret>();
  const connection = properties['connectionString'];
  // The whole text is secret where a password may be in it; the parts are told apart below.
  const inString =
    connection === undefined || connection === null
      ? {}
      : parseConnectionString(connection instanceof Secret ? connection.reveal() : String(connection));
  for (const [key, value] of [...Object.entries(inString), ...Object.entries(properties)]) {
    const setting = names[squeeze(key)];
    if (setting !== undefined) {
      if (value instanceof Secret || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
        found.set(
          setting,
          value instanceof Secret ? value : setting === 'password' ? new Secret(String(value), `linkedService:${name}`) : String(value),
        );
    } else if (!withoutEffect.has(squeeze(key))) {
      throw new LakesteadError('FACTORY_UNSUPPORTED', `the linked service '${name}' has the setting "${key}", which is not supported`, {
        hint: `supported: ${Object.keys(names).join(', ')}`,
      });
    }
  }
  const text = (setting: Setting): string => {
    const value = found.get(setting) ?? '';
    return value instanceof Secret ? value.reveal() : value.trim();
  };
  const choose = <T>(setting: Setting, choices: Readonly<Record<string, T>>, fallback: T): T => {
    const written = text(setting).toLowerCase();
    if (written === '') return fallback;
    const choice = choices[written];
    if (choice !== undefined) return choice;
    throw new LakesteadError('FACTORY_INVALID', `the linked service '${name}' has ${setting} "${text(setting)}", which is not known`, {
      hint: `one of ${Object.keys(choices).join(', ')}`,
    });
  };
  const seconds = (setting: Setting): number | undefined => {
    const written = text(setting);
    if (written === '') return undefined;
    // Data Factory writes time spans too: 00:02:00.
    const span = /^(?:(\d+):)?(\d{1,2}):(\d{1,2})$/.exec(written);
    const value = span === null ? Number(written) : Number(span[1] ?? 0) * 3600 + Number(span[2]) * 60 + Number(span[3]);
    if (Number.isFinite(value) && value >= 0) return value;
    throw new LakesteadError('FACTORY_INVALID', `the linked service '${name}' has ${setting} "${written}", which is no number of seconds`);
  };
  const yesNo = { true: true, yes: true, false: false, no: false } as const;

  if (text('server') === '') {
    throw new LakesteadError('FACTORY_INVALID', `the linked service '${name}' names no server`, {
      hint: 'typeProperties: { server, database, userName, password }',
    });
  }
  const authentication = text('authentication');
  const isIntegrated = choose('integrated', { ...yesNo, sspi: true }, false);
  if (isIntegrated || !['', 'sql', 'basic', 'sqlpassword', 'sql password'].includes(authentication.toLowerCase())) {
    throw new LakesteadError(
      'FACTORY_UNSUPPORTED',
      `the linked service '${name}' logs in by ${isIntegrated ? 'Integrated Security' : authentication}, which is not supported`,
      { hint: 'give a SQL login: authenticationType SQL, userName, password' },
    );
  }
  const encrypt = { ...yesNo, mandatory: true, optional: false, strict: 'strict', enable: true, disable: false } as const;
  const commandTimeout = seconds('commandTimeout');
  const packetSize = Number(text('packetSize') || 16_192);
  if (!Number.isInteger(packetSize) || packetSize < 512 || packetSize > 32_767)
    throw new LakesteadError(
      'FACTORY_INVALID',
      `the linked service '${name}' has packetSize "${text('packetSize')}": it goes from 512 to 32767`,
    );
  return {
    server: parseServerName(text('server')),
    database: text('database'),
    user: text('user'),
    password: found.get('password') ?? '',
    encrypt: choose<boolean | 'strict'>('encrypt', encrypt, true),
    trustServerCertificate: choose('trust', yesNo, false),
    certificateName: text('certificateName') || undefined,
    connectTimeoutMs: (seconds('connectTimeout') ?? 15) * 1000,
    commandTimeoutMs: commandTimeout === undefined || commandTimeout === 0 ? undefined : commandTimeout * 1000,
    readOnlyIntent: choose('intent', { readonly: true, readwrite: false }, false),
    multiSubnetFailover: choose('multiSubnet', yesNo, false),
    packetSize,
  };
}
