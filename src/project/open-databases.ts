import { existsSync } from 'node:fs';
import { join } from 'node:path';

import type { Config } from '#config';
import type { Engine } from '#engine';
import type { State } from '#state';
import { type Database, type EmbeddedDatabase, openCatalogViews, openEmbeddedDatabase, openServerlessDatabase } from '#warehouse';

import { type Lazy, lazy } from './lazy.ts';

/** A database of the environment. An embedded one opens its file when somebody first asks it something. */
export type ProjectDatabase = Database & { readonly embedded?: Lazy<EmbeddedDatabase> };

/** Databases of the environment: one that `databases` names is serverless, unless it has a file; the others are the embedded SQL Server's. */
export function openDatabases(config: Config, state: State, engine: Engine): readonly ProjectDatabase[] {
  const { environment } = config;
  const all = databaseNames(config);
  const shared = { definitions: state.definitions, databases: () => all };
  return all.map((name) => {
    const file = join(config.projectDir, '.lakestead', 'databases', `${name}.duckdb`);
    if (environment.databases.has(name) && !existsSync(file)) return openServerlessDatabase(name, openCatalogViews({ name, ...shared }));
    return openWhenAsked(name, async () => await openEmbeddedDatabase({ engine, file, name, ...shared }));
  });
}

/** The names of the environment's databases, each once. */
export function databaseNames({ environment }: Config): readonly string[] {
  const names = new Map<string, string>();
  for (const name of environment.databases.keys()) names.set(name.toLowerCase(), name);
  for (const override of environment.linkedServices.values()) {
    if (override.kind === 'embedded' && !names.has(override.database.toLowerCase()))
      names.set(override.database.toLowerCase(), override.database);
  }
  return [...names.values()];
}

function openWhenAsked(name: string, open: () => Promise<EmbeddedDatabase>): ProjectDatabase {
  const embedded = lazy(open);
  return {
    name,
    kind: 'embedded',
    defaultSchema: 'dbo',
    embedded,
    findTable: async (...args) => await (await embedded.get()).findTable(...args),
    findCatalogView: async (...args) => await (await embedded.get()).findCatalogView(...args),
    createSchema: async (...args) => await (await embedded.get()).createSchema(...args),
    createTable: async (...args) => await (await embedded.get()).createTable(...args),
    dropTable: async (...args) => await (await embedded.get()).dropTable(...args),
  };
}
