import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { type Gateway, type LakeRead, type LakeView, ownerPrincipal } from '#access';
import { LakesteadError, nearMisses } from '#core';
import { writeTable } from '#delta';
import type { Engine } from '#engine';
import type { NotebookPort } from '#notebooks';
import { literal, sql, type Sql } from '#sql';
import type { Lake } from '#storage';

export type NotebookPortOptions = {
  readonly engine: Engine;
  readonly lake: Lake;
  readonly gateway: () => Promise<Pick<Gateway, 'resolveLake' | 'look'>>;
};

/** What notebooks do to the lake. Each read passes the gateway as the owner: a notebook is code of whoever may edit the project. */
export function makeNotebookPort({ engine, lake, gateway }: NotebookPortOptions): NotebookPort {
  const read = async (path: string, { lease, scope, signal }: Pick<LakeRead, 'lease' | 'scope' | 'signal'>): Promise<Sql> => {
    const open = await gateway();
    const at = await locate(path, open.look(ownerPrincipal));
    const relation = await open.resolveLake({ principal: ownerPrincipal, ...at, lease, scope, signal });
    if (relation.kind === 'delta') return relation.sql;
    return sql`SELECT * FROM read_parquet(${literal(relation.paths)}, hive_partitioning = false)`;
  };
  return {
    tables: async (path, signal) => {
      const found = await (await gateway()).look(ownerPrincipal).item(path, { kind: 'folder', signal });
      if (found?.kind !== 'folder') throw new LakesteadError('STORAGE_NOT_FOUND', `the lake has no folder ${path}`);
      return found.entries.filter(({ kind }) => kind === 'folder').map(({ name }) => name);
    },
    read: async (path, scope, signal) =>
      await engine.withLease(
        async (lease) => {
          const query = await read(path, { lease, scope, signal });
          const columns = await lease.rows(sql`DESCRIBE ${query}`, { signal });
          return { sql: query, columns: columns.map((row) => ({ name: String(row['column_name']), type: String(row['column_type']) })) };
        },
        { signal },
      ),
    write: async (path, query, { mode = 'error', partitionBy, mergeSchema }, signal) => {
      const { store, path: table } = await lake.resolve(path);
      return await engine.withLease(
        async (lease) => {
          const schemaMode = mode === 'overwrite' ? 'overwrite' : mergeSchema === true ? 'merge' : 'strict';
          const written = { store, path: table, engine, query, lease, mode, schemaMode, signal } as const;
          const result = await writeTable({ ...written, ...(partitionBy === undefined ? {} : { partitionBy }) });
          return { rows: result.rowsWritten, bytes: result.bytesWritten, version: result.version };
        },
        { signal },
      );
    },
    query: async (query, signal) =>
      await engine.withLease(async (lease) => await lease.rows(sql`SELECT * FROM (${query}) LIMIT 10000`, { signal }), { signal }),
  };
}

/** A Delta table where there is a log, else Parquet: one file, or those of a folder and of the folders below. */
async function locate(address: string, view: LakeView): Promise<Pick<LakeRead, 'address' | 'format'>> {
  const folder = address.replace(/\/+$/, '');
  if ((await view.item(`${folder}/_delta_log`, { kind: 'folder' })) !== undefined) return { address, format: 'delta' };
  const isFile = (await view.item(address, { kind: 'file' })) !== undefined;
  return { address: isFile ? address : `${folder}/**.parquet`, format: 'parquet' };
}

/** The file of a notebook by its workspace path: the longest prefix that is mapped counts. */
export function findNotebook(folders: ReadonlyMap<string, string>, path: string): string {
  const matches = [...folders]
    .filter(([prefix]) => path === prefix || path.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`))
    .toSorted(([a], [b]) => b.length - a.length);
  const [match] = matches;
  if (match === undefined) {
    const near = nearMisses(path, folders.keys());
    throw new LakesteadError('NOTEBOOK_NOT_FOUND', `the notebook ${path} is in no folder of this environment`, {
      hint:
        near.length > 0
          ? `did you mean ${near.join(' or ')}?`
          : 'map its folder in lakestead.yaml: environments.<name>.notebooks: { /Shared: ./notebooks }',
    });
  }
  const [prefix, folder] = match;
  const file = join(folder, path.slice(prefix.length));
  const found = [file, ...['.ts', '.mts', '.js', '.mjs'].map((extension) => `${file}${extension}`)].find(
    (candidate) => /\.m?[jt]s$/.test(candidate) && existsSync(candidate),
  );
  if (found !== undefined) return found;
  throw new LakesteadError('NOTEBOOK_NOT_FOUND', `there is no notebook ${file}.ts`, { hint: `the activity names ${path}` });
}
