import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { type Gateway, openGateway, openVault, resolveSecrets, type Vault } from '#access';
import { openCatalog } from '#catalog';
import { type Config, loadConfig } from '#config';
import { type Connector, openConnector } from '#connectors';
import { LakesteadError, type Log, Secret } from '#core';
import { type Engine, type Lease, openDuckdbEngine } from '#engine';
import type { EffectiveService } from '#factory';
import type { Sql } from '#sql';
import type { State } from '#state';
import type { Lake } from '#storage';
import { type EmbeddedDatabase, openWarehouse, type Warehouse } from '#warehouse';

import { lazy } from './lazy.ts';
import { openProjectLake } from './open-project-lake.ts';
import { databaseNames, openDatabases, type ProjectDatabase } from './open-databases.ts';

/** A project that is open in one environment. Its parts open when they are first asked for. */
export type Project = AsyncDisposable & {
  readonly config: Config;
  readonly state: State;
  readonly log: Log;
  readonly lake: Lake;
  engine(): Promise<Engine>;
  gateway(): Promise<Gateway>;
  warehouse(): Promise<Warehouse>;
  vault(): Vault;
  /** A database of the embedded SQL Server by its name. */
  embedded(name: string): Promise<EmbeddedDatabase>;
  /** A source by its linked service as the environment has it; secrets are opened here and nowhere before. */
  connector(service: EffectiveService): Promise<Connector>;
};

/** Opens a project that this process owns. `state` and `log` are shared by all environments of it. */
export function openProject(options: {
  readonly dir: string;
  readonly env?: string | undefined;
  readonly state: State;
  readonly log: Log;
}): Project {
  const { dir, env, state, log } = options;
  const config = loadConfig({ dir, env });
  const { environment } = config;
  const stateDir = join(config.projectDir, '.lakestead');
  const lake = openProjectLake(config, join(stateDir, 'remote'), () => vault);
  const engine = lazy(
    async () =>
      await openDuckdbEngine({
        memoryLimit: config.engine.memoryLimit,
        threads: config.engine.threads,
        tempDirectory: join(stateDir, 'tmp'),
        maxLeases: 32,
      }),
  );
  const gateway = lazy(async () =>
    openGateway({
      engine: await engine.get(),
      catalog: openCatalog({ lake, engine: await engine.get() }),
      lake,
      log,
      databases: {
        names: () => databaseNames(config),
        relation: async (name, options_) => await databaseRelation(await warehouse.get(), name, options_),
      },
    }),
  );
  const key = process.env['LAKESTEAD_VAULT_KEY'];
  const vault = openVault({ file: environment.vault, key: key === undefined ? undefined : new Secret(key, 'env:LAKESTEAD_VAULT_KEY') });
  let databases: readonly ProjectDatabase[] = [];
  const warehouse = lazy(async () => {
    databases = openDatabases(config, state, await engine.get());
    const opened = openWarehouse({
      engine: await engine.get(),
      gateway: await gateway.get(),
      definitions: state.definitions,
      databases,
      log,
    });
    for (const [name, { scripts }] of environment.databases) await runScripts(opened, name, scripts, config.projectDir);
    return opened;
  });
  return {
    config,
    state,
    log,
    lake,
    engine: engine.get,
    gateway: gateway.get,
    warehouse: warehouse.get,
    vault: () => vault,
    embedded: async (name) => {
      await warehouse.get();
      const found = databases.find((database) => database.name.toLowerCase() === name.toLowerCase());
      if (found?.embedded !== undefined) return await found.embedded.get();
      throw new LakesteadError('SQL_NAME_NOT_FOUND', `there is no embedded SQL Server database ${name} in this environment`);
    },
    connector: async (service) => {
      if (service.kind === 'embedded')
        return await openConnector({ kind: 'embedded', database: service.database, warehouse: await warehouse.get() });
      const typeProperties = (await resolveSecrets(service.typeProperties as Parameters<typeof resolveSecrets>[0], vault)) as Readonly<
        Record<string, unknown>
      >; // an object goes in, the same object comes out
      return await openConnector({ ...service, typeProperties });
    },
    [Symbol.asyncDispose]: async () => {
      for (const { embedded } of databases) await (await embedded?.started)?.[Symbol.asyncDispose]();
      await (await engine.started)?.[Symbol.asyncDispose]();
      await lake[Symbol.asyncDispose]();
    },
  };
}

/** A table or view of a T-SQL database for the lake's dialect: what `SELECT *` gives in a session of it. */
async function databaseRelation(
  warehouse: Warehouse,
  { database, schema, table }: { readonly database: string; readonly schema: string; readonly table: string },
  options: { readonly lease: Lease; readonly signal?: AbortSignal | undefined },
): Promise<Sql> {
  const quote = (name: string) => `[${name.replaceAll(']', ']]')}]`;
  await using session = await warehouse.session({ database });
  return (await session.compile(`SELECT * FROM ${schema === '' ? '' : `${quote(schema)}.`}${quote(table)}`, options)).sql;
}

async function runScripts(warehouse: Warehouse, database: string, patterns: readonly string[], projectDir: string): Promise<void> {
  const files = patterns.flatMap((pattern) => globSync(pattern, { cwd: projectDir }).toSorted());
  for (const file of files) {
    await using session = await warehouse.session({ database });
    try {
      for await (const result of session.execute(readFileSync(join(projectDir, file), 'utf8')))
        if (result.kind === 'rows') for await (const batch of result.batches) void batch;
    } catch (error) {
      if (!(error instanceof LakesteadError)) throw error;
      throw new LakesteadError(error.code, `${file}: ${error.message}`, {
        cause: error,
        data: error.data,
        place: { ...error.place, file },
        ...(error.hint === undefined ? {} : { hint: error.hint }),
      });
    }
  }
}
