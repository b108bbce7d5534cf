import type { Secret } from '#core';

import type { SecretReference } from './references.ts';

/** `lakestead.yaml`, checked, for one of its environments. Paths are absolute; secrets are still references. */
export type Config = {
  readonly name: string;
  /** The folder of `lakestead.yaml`. */
  readonly projectDir: string;
  /** `lakestead.yaml` itself. */
  readonly file: string;
  /** Folders in Data Factory's or Synapse's Git layout, in order. */
  readonly factory: readonly string[];
  /** Pipelines run in order as one run: `name` or `folder:name`. */
  readonly main: readonly string[];
  readonly engine: { readonly memoryLimit?: string; readonly threads?: number; readonly remoteCacheBytes?: number };
  /** The heap of each notebook's worker, in bytes. */
  readonly notebookWorkers: { readonly memoryBytes?: number };
  /** The chosen environment. */
  readonly environment: Environment;
  /** The names of all environments, as written. */
  readonly environmentNames: readonly string[];
  readonly globalParameters: Readonly<Record<string, unknown>>;
};

/** Where things are in one environment. */
export type Environment = {
  readonly name: string;
  /** The lake's folder, whose subfolders are the containers, or an account of Azure. */
  readonly lake: string | AzureStorage;
  /** Storage account -> folder whose subfolders are its containers, or how the account of Azure is opened. */
  readonly storage: ReadonlyMap<string, string | AzureStorage>;
  /** The file of the local vault. */
  readonly vault: string;
  /** Prefix of a workspace path (`/Shared`) -> folder. */
  readonly notebooks: ReadonlyMap<string, string>;
  /** What replaces a linked service of the factory here, by its name. */
  readonly linkedServices: ReadonlyMap<string, LinkedServiceOverride>;
  readonly databases: ReadonlyMap<string, DatabaseConfig>;
};

/** An account of Azure Blob Storage or ADLS Gen2. Without key, token and connection string: Azure's own sign-in. */
export type AzureStorage = {
  readonly account: string;
  readonly endpoint?: string | undefined;
  readonly container?: string | undefined;
  readonly folder?: string | undefined;
  readonly credential?:
    | { readonly kind: 'accountKey' | 'sasToken' | 'connectionString'; readonly value: Secret | SecretReference }
    | undefined;
  readonly maxParallel?: number | undefined;
  readonly retry: {
    readonly maxTries?: number | undefined;
    readonly tryTimeoutMs?: number | undefined;
    readonly minDelayMs?: number | undefined;
    readonly maxDelayMs?: number | undefined;
  };
};

/** A database of the embedded SQL Server or a serverless one, or (parts of) another service. */
export type LinkedServiceOverride =
  | { readonly kind: 'embedded'; readonly database: string }
  | { readonly kind: 'service'; readonly type?: string; readonly typeProperties: Readonly<Record<string, ConfigValue>> };

/** `scripts` are patterns of files with `/` between parts, relative to the project's folder: T-SQL run when the database opens. */
export type DatabaseConfig = { readonly scripts: readonly string[] };

/**
 * A value of a linked service. A {@link SecretReference} is opened when the connector opens; what stands under a key
 * like `password` is a {@link Secret} already.
 */
export type ConfigValue =
  | string
  | number
  | boolean
  | null
  | SecretReference
  | Secret
  | readonly ConfigValue[]
  | { readonly [key: string]: ConfigValue };

/** One thing that is wrong in `lakestead.yaml`, and where. */
export type ConfigFinding = {
  readonly code: 'CONFIG_INVALID';
  readonly severity: 'error' | 'warning';
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
  readonly message: string;
  /** What would be right. */
  readonly hint?: string;
};

export type ConfigOptions = {
  /** Where to look for `lakestead.yaml`: this folder, then those above. */
  readonly dir: string;
  /** The environment; default the file's own. */
  readonly env?: string | undefined;
  /** What `${env:NAME}` reads; default those of this process. */
  readonly environmentVariables?: Readonly<Record<string, string | undefined>> | undefined;
};
