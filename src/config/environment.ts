import { resolve } from 'node:path';

import { Secret } from '#core';

import { resolveAzureStorage } from './azure-storage.ts';
import type { ConfigFinding, ConfigValue, Environment, LinkedServiceOverride } from './config.ts';
import type { FindingMaker } from './findings.ts';
import { resolveText } from './references.ts';
import type { RawEnvironment } from './schema.ts';
import type { YamlPath } from './yaml-text.ts';

type Json = RawEnvironment['linkedServices'][string]['typeProperties'] extends infer T
  ? T extends Record<string, infer V>
    ? V
    : never
  : never;

/** Under these names a value is never to be seen, wherever it came from. */
const secretKey =
  /^(?:password|pwd|accountKey|accessToken|token|apiKey|sasToken|sasUri|servicePrincipalKey|clientSecret|encryptedCredential)$/i;
/** Under these it is not to be seen when it was put together with an environment variable. */
const mixedKey = /^(?:connectionString|value|key|secret)$/i;

/** Resolves one environment: `${env:..}` replaced, paths absolute. What is wrong goes to `findings`. */
export function resolveEnvironment(
  name: string,
  raw: RawEnvironment,
  context: {
    readonly projectDir: string;
    readonly environmentVariables: Readonly<Record<string, string | undefined>>;
    readonly find: FindingMaker;
    readonly findings: ConfigFinding[];
  },
): Environment {
  const { projectDir, environmentVariables, find, findings } = context;
  const root: YamlPath = ['environments', name];

  const value = (text: string, path: YamlPath): ConfigValue => {
    const resolved = resolveText(text, environmentVariables);
    switch (resolved.kind) {
      case 'missing':
        findings.push(
          find(path, `the environment variable ${resolved.name} is not set`, `set ${resolved.name} before you start lakestead`),
        );
        return '';
      case 'malformed':
        findings.push(
          find(path, 'a reference in this value cannot be read', 'write ${env:NAME} or ${secret:name}; $${ stands for ${ itself'),
        );
        return '';
      case 'secret':
        return resolved.reference;
      case 'plain':
        break;
    }
    const key = String(path.at(-1));
    if (secretKey.test(key)) return new Secret(resolved.text, 'lakestead.yaml');
    return resolved.usesEnvironment && mixedKey.test(key) ? new Secret(resolved.text, 'environment') : resolved.text;
  };
  const plain = (text: string, path: YamlPath): string => {
    const resolved = value(text, path);
    if (typeof resolved === 'string') return resolved;
    findings.push(
      find(
        path,
        'a secret cannot stand here',
        'secrets belong into linkedServices.<name>.typeProperties, or accountKey, sasToken and connectionString of a storage account',
      ),
    );
    return '';
  };
  const folder = (text: string, path: YamlPath): string => resolve(projectDir, plain(text, path));
  const place = (written: RawEnvironment['lake'], path: YamlPath) =>
    typeof written === 'string'
      ? folder(written, path)
      : resolveAzureStorage(written, path, { value, plain, find, report: (finding) => findings.push(finding) });
  const deep = (json: Json, path: YamlPath): ConfigValue => {
    if (typeof json === 'string') return value(json, path);
    if (Array.isArray(json)) return json.map((item, index) => deep(item, [...path, index]));
    if (typeof json === 'object' && json !== null)
      return Object.fromEntries(Object.entries(json).map(([key, item]) => [key, deep(item, [...path, key])]));
    return json;
  };
  const service = (written: RawEnvironment['linkedServices'][string], path: YamlPath): LinkedServiceOverride => {
    if (written.embedded !== undefined) return { kind: 'embedded', database: plain(written.embedded, [...path, 'embedded']) };
    const typeProperties = Object.entries(written.typeProperties ?? {}).map(
      ([key, item]) => [key, deep(item, [...path, 'typeProperties', key])] as const,
    );
    return {
      kind: 'service',
      ...(written.type === undefined ? {} : { type: plain(written.type, [...path, 'type']) }),
      typeProperties: Object.fromEntries(typeProperties),
    };
  };
  const map = <Written, Resolved>(
    key: string,
    record: Readonly<Record<string, Written>>,
    resolveOne: (item: Written, path: YamlPath) => Resolved,
  ) => new Map(Object.entries(record).map(([entry, item]) => [entry, resolveOne(item, [...root, key, entry])]));

  return {
    name,
    lake: place(raw.lake, [...root, 'lake']),
    storage: map('storage', raw.storage, place),
    vault: folder(raw.vault, [...root, 'vault']),
    notebooks: map('notebooks', raw.notebooks, folder),
    linkedServices: map('linkedServices', raw.linkedServices, service),
    databases: map('databases', raw.databases, (database, path) => ({
      scripts: database.scripts.map((script, index) => plain(script, [...path, 'scripts', index])),
    })),
  };
}
