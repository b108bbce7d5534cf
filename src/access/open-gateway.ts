import { type Catalog, escapePattern } from '#catalog';
import { type Log, LakesteadError, silentLog } from '#core';
import { openTable } from '#delta';
import type { Batch, Engine, Lease } from '#engine';
import { sql } from '#sql';
import type { Lake, LakePlace } from '#storage';

import { compileExpressions, compileRead } from './compile-read.ts';
import type { NamedDatabases } from './database-relation.ts';
import type { Gateway, GatewayResult, LakeRead, LakeRelation, Principal, ReadStatement, ReadTable } from './gateway.ts';
import { makeLakeView } from './lake-view.ts';

export type GatewayOptions = {
  readonly engine: Engine;
  readonly catalog: Catalog;
  readonly lake: Lake;
  readonly databases?: NamedDatabases | undefined;
  readonly log?: Log | undefined;
};

/** The one way by which people and programs read. */
export function openGateway(options: GatewayOptions): Gateway {
  const { engine, catalog, lake, databases, log = silentLog } = options;

  // Every read passes this function before anything of it runs: grants and the audit belong here.
  const admit = (principal: Principal, tables: readonly ReadTable[]): void => {
    log.info('read', { principal: principal.name, tables: tables.map(({ address }) => address) });
  };

  const admitLook = (principal: Principal, tables: readonly ReadTable[]): void => {
    log.debug('look', { principal: principal.name, tables: tables.map(({ address }) => address) });
  };

  return {
    compile: async ({ principal, text, lease: held, signal }) => {
      const compile = async (lease: Lease, named?: NamedDatabases) =>
        await compileRead(text, { engine, catalog, databases: named, lease, signal });
      const query =
        held === undefined ? await engine.withLease(async (lease) => await compile(lease), { signal }) : await compile(held, databases);
      admit(principal, query.tables);
      return query;
    },
    compileExpressions: async ({ principal, texts, lease, signal }) => {
      if (texts.length === 0) return [];
      const { expressions, tables } = await compileExpressions(texts, { engine, catalog, databases, lease, signal });
      if (tables.length > 0) admit(principal, tables);
      return expressions;
    },
    read: async (statement) => await read(statement, options, admit),
    resolveLake: async (request) => {
      request.signal?.throwIfAborted();
      const place = await lake.resolve(request.address);
      const relation = request.format === 'delta' ? await resolveDelta(request, place, engine) : await resolveFiles(request, place);
      admit(request.principal, [
        { address: request.address, format: request.format, ...(relation.kind === 'delta' ? { version: relation.version } : {}) },
      ]);
      return relation;
    },
    look: (principal) => makeLakeView({ catalog, lake, engine }, (tables) => admitLook(principal, tables)),
  };
}

async function read(
  { principal, text, signal }: ReadStatement,
  { engine, catalog, databases }: GatewayOptions,
  admit: (principal: Principal, tables: readonly ReadTable[]) => void,
): Promise<GatewayResult> {
  const lease = await engine.lease({ signal });
  const close = async () => await lease[Symbol.asyncDispose]();
  try {
    const query = await compileRead(text, { engine, catalog, databases, lease, signal });
    admit(principal, query.tables);
    const { columns, batches } = await lease.stream(query.sql, { signal });
    return { columns, batches: closeAfter(batches, close), tables: query.tables, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function* closeAfter(batches: AsyncIterable<Batch>, close: () => Promise<void>): AsyncGenerator<Batch> {
  try {
    yield* batches;
  } finally {
    await close();
  }
}

async function resolveDelta(
  { lease, scope = lease, signal, version, timestamp, changes, where, rowIds = false }: LakeRead,
  { store, path }: LakePlace,
  engine: Engine,
): Promise<LakeRelation> {
  const table = await openTable({ store, path, engine }, { signal });
  if (changes !== undefined) {
    const feed = await table.changes({ ...changes, lease, signal });
    return { kind: 'delta', sql: feed.sql, version: feed.to };
  }
  const scan = await table.scan({ lease, scope, signal, version, timestamp, filter: where, rowIds });
  const rows = await scan.relation();
  const named = rowIds
    ? sql`SELECT * EXCLUDE (__lakestead_row_id, __lakestead_row_version), __lakestead_row_id AS row_id, __lakestead_row_version AS row_commit_version FROM (${rows}) AS t`
    : rows;
  return { kind: 'delta', sql: named, version: scan.version, plan: scan.summary };
}

/** A file, the files of a folder, or those that fit a pattern: `*` within a name, `**` at the end for all below. */
async function resolveFiles(
  { address, format, lease, scope = lease, signal }: LakeRead,
  { store, path }: LakePlace,
): Promise<LakeRelation> {
  const names: string[] = [];
  const isBinary = format === 'binary';
  if (path.includes('*') && !isBinary) {
    const fixed = path.slice(0, path.indexOf('*'));
    const pattern = patternOf(path);
    for await (const { path: name } of store.list(fixed.slice(0, Math.max(0, fixed.lastIndexOf('/'))))) {
      signal?.throwIfAborted();
      if (pattern.test(name) && isVisible(name)) names.push(name);
    }
  } else if ((await store.find(path)) !== undefined) {
    names.push(path);
  } else if (!isBinary) {
    const entries = (await store.entries(path)) ?? [];
    names.push(...entries.filter(({ kind, name }) => kind === 'file' && isVisible(name)).map(({ name }) => `${path}/${name}`));
  }
  if (names.length === 0) {
    throw new LakesteadError('STORAGE_NOT_FOUND', `there is no file at ${address}`, {
      hint: 'lakestead table list shows what is in the lake',
    });
  }
  const paths = await Promise.all(
    names.map(async (name) => {
      const readable = await store.readable(name, { scope, signal });
      return isBinary ? readable : escapePattern(readable);
    }),
  );
  return { kind: 'files', paths, names, addresses: names.map((name) => addressOf(name, address, path)) };
}

/** A file's address in the words of the one that led to it: `https://account.../container/x/1.parquet`. */
function addressOf(name: string, asked: string, path: string): string {
  const base = asked.replace(/\/+$/, '');
  if (base.endsWith(path)) return base.slice(0, base.length - path.length) + name;
  // abfss: the container stands before the account, and not in the path.
  const [container = ''] = path.split('/');
  const inside = path.slice(container.length + 1);
  return base.endsWith(inside) ? base.slice(0, base.length - inside.length) + name.slice(container.length + 1) : name;
}

function patternOf(path: string): RegExp {
  const parts = path.split(/(\*\*|\*)/).map((part) => {
    if (part === '**') return '.*';
    return part === '*' ? '[^/]*' : part.replaceAll(/[\\^$.|?*+()[\]{}]/g, '\\$&');
  });
  return new RegExp(`^${parts.join('')}$`, 's');
}

/** Synapse reads no file whose name begins with `_` or `.`. */
function isVisible(path: string): boolean {
  return !/^[_.]/.test(path.slice(path.lastIndexOf('/') + 1));
}
