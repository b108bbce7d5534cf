import { LakesteadError } from '#core';
import type { Relation } from '#tsql';

import type { Database, DatabaseAccess } from './types.ts';

/** What a serverless database takes from the part that describes databases: `sys` and `INFORMATION_SCHEMA`. */
export type CatalogViews = (schema: string, name: string, access: DatabaseAccess) => Promise<Relation | undefined>;

/** A database of views and procedures: it has no tables of its own, as in Synapse. */
export function openServerlessDatabase(name: string, findCatalogView: CatalogViews): Database {
  const refuse = (what: string) =>
    new LakesteadError('SQL_NOT_SUPPORTED', `${what} is not supported in the serverless database ${name}`, {
      hint: 'a serverless database has views over OPENROWSET, and procedures; #temporary tables are possible',
    });
  return {
    name,
    kind: 'serverless',
    defaultSchema: 'dbo',
    findTable: async () => await Promise.resolve(undefined),
    findCatalogView,
    // Definitions carry the schema they are in, so that one without content need not be kept.
    createSchema: async () => await Promise.resolve(),
    createTable: async () => await Promise.reject(refuse('CREATE TABLE')),
    dropTable: async () => await Promise.resolve(false),
  };
}
