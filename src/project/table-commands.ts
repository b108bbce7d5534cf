import { z } from 'zod';

import { ownerPrincipal } from '#access';
import type { LakeTable } from '#catalog';
import { describeError, LakesteadError, nearMisses } from '#core';
import { describeTable, type HistoryEntry, openTable, tableToSql } from '#delta';
import { type Lease, openDuckdbEngine } from '#engine';
import { ident, join, type Sql, sql, unsafeSql } from '#sql';
import { openLocalStore } from '#storage';

import { type Command, command, type CommandContext } from './command.ts';
import type { TableDocument, TableHistoryDocument, TableListDocument, TableSummary } from './documents.ts';
import { presentQuery } from './present-query.ts';
import type { Project } from './project.ts';

const none = z.object({});
const tableArgs = z.object({ table: z.string() });

/** `table list|show|history` and `delta show|history|read`: the lake's tables by name and by path. */
export const tableCommands: Readonly<Record<string, Command>> = {
  'table list': command(
    none.extend({ layer: z.string().optional() }),
    async (project, { layer }, { signal }): Promise<TableListDocument> => {
      return await listTables(project, layer, signal);
    },
  ),
  'table show': command(tableArgs, async (project, { table }, { signal }): Promise<TableDocument> => {
    const found = await findByName(project, table, signal);
    const description = await (await project.catalog()).describe(found, { signal });
    return { ...summarise(found, description), columns: description.columns };
  }),
  'table history': command(tableArgs, async (project, { table }, { signal }): Promise<TableHistoryDocument> => {
    const found = await findByName(project, table, signal);
    if (found.format !== 'delta') {
      throw new LakesteadError('DELTA_NOT_A_TABLE', `${table} is a ${found.format} table: it has no history`, {
        hint: '"lakestead table list" shows which tables are Delta tables',
      });
    }
    const delta = await openTable({ store: found.store, path: found.path, engine: await project.engine() }, { signal });
    return (await delta.history({ signal })).map(describeEntry);
  }),
  delta: command(z.object({ ...deltaArgs().shape }), async (project, args, context) => {
    checkLakeRequest(args);
    const { store, path } = await project.lake.resolve(args.path);
    const gateway = await project.gateway();
    return await readDelta({ store, path, engine: await project.engine() }, args, context, async (at, lease) => {
      const read = { principal: ownerPrincipal, address: args.path, format: 'delta', lease, signal: context.signal, ...at } as const;
      const relation = await gateway.resolveLake(read);
      if (relation.kind !== 'delta') throw new LakesteadError('INTERNAL', 'a Delta table was resolved to files');
      return relation.sql;
    });
  }),
};

function deltaArgs() {
  return z.object({
    verb: z.enum(['show', 'history', 'read', 'changes']),
    path: z.string(),
    version: z.int().nonnegative().optional(),
    timestamp: z.string().optional(),
    from: z.int().nonnegative().optional(),
    to: z.int().nonnegative().optional(),
    columns: z.array(z.string()).optional(),
    where: z.string().optional(),
    output: z.string().optional(),
    format: z.enum(['json', 'table']),
  });
}

/** What {@link readDeltaPath} is asked: a folder of this machine, and what of it. */
export type DeltaPathRequest = z.input<ReturnType<typeof deltaArgs>>;

/** `delta show|history|read|changes` of a folder of this machine, for the user who may read it: needs no project. */
export async function readDeltaPath(args: DeltaPathRequest, context: Pick<CommandContext, 'signal' | 'emit'>): Promise<unknown> {
  await using engine = await openDuckdbEngine();
  const location = { store: await openLocalStore(args.path), path: '', engine };
  return await readDelta(location, args, context, async (at) => {
    if (args.verb !== 'changes') return narrow(await tableToSql(location, { ...at, signal: context.signal }), args);
    const table = await openTable(location, context);
    return narrow((await table.changes({ from: args.from, to: args.to, signal: context.signal })).sql, args);
  });
}

/** The columns and rows asked for. The condition is the user's own SQL, who reads with their own rights. */
function narrow(query: Sql, { columns, where }: DeltaPathRequest): Sql {
  const selected = columns === undefined ? sql`*` : join(columns.map((name) => ident(name)));
  return sql`SELECT ${selected} FROM (${query}) AS t WHERE ${unsafeSql(where === undefined ? 'true' : `(${where}\n)`)}`;
}

/** What would pass by the gateway is for folders of this machine only. */
function checkLakeRequest({ verb, columns, where }: DeltaPathRequest): void {
  if (verb !== 'changes' && columns === undefined && where === undefined) return;
  throw new LakesteadError(
    'USAGE',
    `${verb === 'changes' ? 'delta changes' : '--columns and --where'} of a lake address is not supported`,
    {
      hint: 'give the folder of the table on this machine, or use lakestead sql',
    },
  );
}

type At = { readonly version?: number; readonly timestamp?: Date };

async function readDelta(
  location: Parameters<typeof openTable>[0],
  args: DeltaPathRequest,
  context: Pick<CommandContext, 'signal' | 'emit'>,
  select: (at: At, lease: Lease) => Promise<Sql>,
): Promise<unknown> {
  const { signal } = context;
  const at: At = {
    ...(args.version === undefined ? {} : { version: args.version }),
    ...(args.timestamp === undefined ? {} : { timestamp: parseInstant(args.timestamp) }),
  };
  const table = await openTable(location, { signal });
  if (args.verb === 'history') {
    const last = Object.keys(at).length === 0 ? Infinity : (await table.snapshot({ ...at, signal })).version;
    return (await table.history({ signal })).filter(({ version }) => version <= last).map(describeEntry);
  }
  if (args.verb === 'show') {
    const { table: _, bytes, ...description } = describeTable(await table.snapshot({ ...at, signal }));
    return { name: args.path, layer: '', format: 'delta', address: args.path, sizeBytes: bytes, ...description } satisfies
      | TableDocument
      | object;
  }
  await using lease = await location.engine.lease({ signal });
  const query = await select(at, lease);
  const format = args.output === undefined ? args.format : 'parquet';
  return await presentQuery(lease, query, { format, output: args.output, signal, emit: context.emit });
}

function parseInstant(text: string): Date {
  const instant = new Date(text);
  if (!Number.isNaN(instant.getTime())) return instant;
  throw new LakesteadError('USAGE', `"${text}" is no instant`, { hint: 'write it as 2024-01-31T12:00:00Z' });
}

/** All tables of the lake, or of a layer, with their sizes. */
export async function listTables(project: Project, layer: string | undefined, signal: AbortSignal): Promise<TableListDocument> {
  if (layer !== undefined) {
    const layers = await (await project.catalog()).layers({ signal });
    if (!layers.some((name) => name.toLowerCase() === layer.toLowerCase())) {
      throw new LakesteadError('STORAGE_NOT_FOUND', `the lake has no layer "${layer}"`, {
        hint: `layers: ${layers.join(', ') || 'none yet'}`,
      });
    }
  }
  const catalog = await project.catalog();
  const tables = await catalog.list(layer, { signal });
  return await Promise.all(
    tables.map(async (table) => {
      try {
        return summarise(table, await catalog.describe(table, { signal }));
      } catch (error) {
        // One table that is broken does not hide the others.
        if (signal.aborted || !(error instanceof LakesteadError)) throw error;
        return { ...nameTable(table), sizeBytes: 0, files: 0, error: describeError(error) };
      }
    }),
  );
}

function nameTable({ layer, schema, name, format, address }: LakeTable): Pick<TableSummary, 'name' | 'layer' | 'format' | 'address'> {
  return { name: [layer, schema, name].filter((part) => part !== '').join('.'), layer, format, address };
}

function summarise(
  table: LakeTable,
  description: { readonly rows: bigint; readonly bytes: bigint; readonly files: number; readonly version?: number },
): TableSummary {
  return {
    ...nameTable(table),
    rows: Number(description.rows),
    sizeBytes: Number(description.bytes),
    files: description.files,
    ...(description.version === undefined ? {} : { version: description.version }),
  };
}

/** A table by `layer.folder.table` or by its address. */
async function findByName(project: Project, name: string, signal: AbortSignal): Promise<LakeTable> {
  const parts = name.includes('/') ? name.split('/').filter((part) => part !== '') : name.split('.');
  const [layer = '', ...rest] = parts;
  const table = rest.pop() ?? '';
  const found = await (await project.catalog()).find(layer, rest.join('/'), table, { signal });
  if (found !== undefined) return found;
  const all = (await (await project.catalog()).list(undefined, { signal })).map((one) =>
    [one.layer, one.schema, one.name].filter((part) => part !== '').join('.'),
  );
  const near = nearMisses(name, all);
  throw new LakesteadError(
    'STORAGE_NOT_FOUND',
    name.trim() === '' ? 'a table without a name was asked for' : `the lake has no table ${name}`,
    {
      hint: near.length > 0 ? `did you mean ${near.join(' or ')}?` : '"lakestead table list" shows the tables of the lake',
    },
  );
}

function describeEntry(entry: HistoryEntry): TableHistoryDocument[number] {
  return {
    version: entry.version,
    timestamp: entry.timestamp.toISOString(),
    operation: entry.operation ?? '',
    parameters: entry.operationParameters,
    metrics: entry.operationMetrics,
  };
}
