import { Secret } from '#core';

import type { AzureStorage, ConfigValue } from './config.ts';
import type { FindingMaker } from './findings.ts';
import { SecretReference } from './references.ts';
import type { RawAzureStorage } from './schema.ts';
import { parseDurationMs } from './units.ts';
import type { YamlPath } from './yaml-text.ts';

/**
 * Resolves an account of Azure as it is written.
 *
 * @param path where it stands; in `storage` its last part is the account
 */
export function resolveAzureStorage(
  raw: RawAzureStorage,
  path: YamlPath,
  context: {
    readonly value: (text: string, path: YamlPath) => ConfigValue;
    readonly plain: (text: string, path: YamlPath) => string;
    readonly find: FindingMaker;
    readonly report: (finding: ReturnType<FindingMaker>) => void;
  },
): AzureStorage {
  const { value, plain, find, report } = context;
  const optional = (key: 'account' | 'endpoint' | 'container' | 'folder') => {
    const text = raw[key];
    return text === undefined ? undefined : plain(text, [...path, key]);
  };
  const key = (['accountKey', 'sasToken', 'connectionString'] as const).find((name) => raw[name] !== undefined);
  const endpoint = optional('endpoint');
  if (endpoint !== undefined && !/^https?:\/\/[^/?#]+(?:\/[^?#]*)?$/.test(endpoint)) {
    report(
      find(
        [...path, 'endpoint'],
        'this is no address of a blob service',
        'write https://<account>.blob.core.windows.net or another http address',
      ),
    );
  }
  if (key === undefined && endpoint?.startsWith('http:') === true) {
    report(
      find([...path, 'endpoint'], "Azure's own sign-in needs https", 'give accountKey, sasToken or connectionString, or an https address'),
    );
  }
  const account = optional('account') ?? (path.at(-1) === 'lake' ? undefined : String(path.at(-1)));
  if (account === undefined)
    report(find(path, 'the lake needs account: the storage account', 'lake: { account: contosolake, accountKey: ${secret:lake-key} }'));
  const retry = raw.retry ?? {};
  const milliseconds = (text: string | undefined) => (text === undefined ? undefined : parseDurationMs(text));
  return {
    account: account ?? '',
    endpoint,
    container: optional('container'),
    folder: optional('folder')?.replaceAll(/^\/+|\/+$/g, ''),
    credential: key === undefined ? undefined : { kind: key, value: secret(value(raw[key] ?? '', [...path, key])) },
    maxParallel: raw.maxParallel,
    retry: {
      maxTries: retry.maxTries,
      tryTimeoutMs: milliseconds(retry.tryTimeout),
      minDelayMs: milliseconds(retry.minDelay),
      maxDelayMs: milliseconds(retry.maxDelay),
    },
  };
}

/** Whatever stands there is not to be seen, also when it was written into the file itself. */
function secret(value: ConfigValue): Secret | SecretReference {
  return value instanceof Secret || value instanceof SecretReference ? value : new Secret(String(value), 'lakestead.yaml');
}
