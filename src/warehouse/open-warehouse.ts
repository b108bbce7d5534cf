import type { Gateway } from '#access';
import { type Clock, LakesteadError, type Log, nearMisses, silentLog, systemClock } from '#core';
import type { Engine } from '#engine';

import { openSession } from './session.ts';
import type { WarehouseContext } from './session-state.ts';
import type { Database, DefinitionStore, Warehouse } from './types.ts';

export type WarehouseOptions = {
  readonly engine: Engine;
  readonly gateway: Gateway;
  /** For `gold.SalesLT.Address` in T-SQL; without it sessions see their own databases only. */
  readonly definitions: DefinitionStore;
  readonly databases: readonly Database[];
  readonly clock?: Clock | undefined;
  readonly log?: Log | undefined;
};

/** The T-SQL databases of a project. Runs nothing: a database's scripts are the caller's to run in a session. */
export function openWarehouse(options: WarehouseOptions): Warehouse {
  const { engine, gateway, definitions, clock = systemClock, log = silentLog } = options;
  const databases = new Map(options.databases.map((database) => [database.name.toLowerCase(), database]));
  const context: WarehouseContext = { engine, gateway, definitions, databases, dataSources: new Map(), clock, log };
  return {
    databases: options.databases.map(({ name }) => name),
    session: async ({ database }) => {
      const found = databases.get(database.toLowerCase());
      if (found !== undefined) return await Promise.resolve(openSession(context, found));
      const near = nearMisses(
        database,
        options.databases.map(({ name }) => name),
      );
      throw new LakesteadError('SQL_NAME_NOT_FOUND', `there is no database ${database}`, {
        hint: near.length === 0 ? 'the databases are those of the environment in lakestead.yaml' : `did you mean ${near.join(' or ')}?`,
      });
    },
    // The engine belongs to who opened it.
    [Symbol.asyncDispose]: async () => await Promise.resolve(),
  };
}
