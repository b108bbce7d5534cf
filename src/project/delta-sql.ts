import { openGateway } from '#access';
import { type Catalog, openCatalog } from '#catalog';
import { LakesteadError } from '#core';
import { openDuckdbEngine } from '#engine';

import type { CommandContext } from './command.ts';
import { openDeltaPlace } from './delta-place.ts';
import type { SqlDocument } from './documents.ts';
import { askLake, type LakeQuestion } from './sql-command.ts';

/** A statement about one Delta table, a folder of this machine or at a URL, which it calls `t`. */
export type DeltaSqlRequest = LakeQuestion & { readonly path: string };

/**
 * `delta sql`: a query or a statement in Spark's words about the table at a path, for the user who may read and write it: needs
 * no project. `CREATE TABLE t` makes the table there.
 */
export async function askDeltaPath(
  { path, ...question }: DeltaSqlRequest,
  context: Pick<CommandContext, 'signal' | 'emit'>,
): Promise<SqlDocument> {
  await using engine = await openDuckdbEngine();
  await using place = await openDeltaPlace(path);
  const { lake, address } = place;
  await using opened = new AsyncDisposableStack();
  const tables = openCatalog({ lake, engine });
  const find = async () => {
    const { store, path: folder } = await lake.resolve(address);
    const isThere = (await store.entries(`${folder}/_delta_log`)) !== undefined;
    return isThere ? { layer: '', schema: '', name: 't', format: 'delta' as const, address, store, path: folder } : undefined;
  };
  const catalog: Catalog = {
    layers: async () => await Promise.resolve([]),
    list: async () => [await find()].filter((table) => table !== undefined),
    // A name of one part stands in any of the three places.
    find: async (...parts) => (isT(parts.slice(0, 3).map(String)) ? await find() : undefined),
    describe: tables.describe,
  };
  const gateway = openGateway({ engine, lake, catalog });
  const ports = {
    lake,
    engine: async () => await Promise.resolve(engine),
    gateway: async () => await Promise.resolve(gateway),
    open: async (other: string) => {
      const found = await openDeltaPlace(other);
      opened.use(found);
      return await found.resolve();
    },
    place: async ({ parts }: { readonly parts: readonly string[] }) => {
      if (isT(parts)) return await lake.resolve(address);
      throw new LakesteadError('SQL_NAME_NOT_FOUND', `${parts.join('.')} is another table: the one at the path is called t`);
    },
  };
  return await askLake(ports, question, context);
}

function isT(parts: readonly string[]): boolean {
  return parts.filter((part) => part !== '').join('.').toLowerCase() === 't'; // prettier-ignore
}
