import { z } from 'zod';

import { type Gateway, openGateway, ownerPrincipal } from '#access';
import { type LakeTable, openCatalog } from '#catalog';
import { describeError, LakesteadError, nearMisses } from '#core';
import { explainPlan, type HistoryEntry } from '#delta';
import { type Engine, openDuckdbEngine } from '#engine';
import { ident, join, type Sql, sql, unsafeSql } from '#sql';

import { type Command, command, type CommandContext } from './command.ts';
import { openDeltaPlace } from './delta-place.ts';
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
    const description = await (await lakeView(project)).describe(found, { signal });
    return { ...summarise(found, description), columns: description.columns };
  }),
  'table history': command(tableArgs, async (project, { table }, { signal }): Promise<TableHistoryDocument> => {
    const found = await findByName(project, table, signal);
    if (found.format !== 'delta') {
      throw new LakesteadError('DELTA_NOT_A_TABLE', `${table} is a ${found.format} table: it has no history`, {
        hint: '"lakestead table list" shows which tables are Delta tables',
      });
    }
    return (await (await lakeView(project)).history(found.address, { signal })).map(describeEntry);
  }),
  delta: command(z.object({ ...deltaArgs().shape }), async (project, args, context) => {
    checkLakeRequest(args);
    const table = { gateway: await project.gateway(), engine: await project.engine(), address: args.path };
    return await readDelta(table, args, context, (query) => query);
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
    rowIds: z.boolean().optional(),
    explain: z.boolean().optional(),
    output: z.string().optional(),
    format: z.enum(['json', 'table']),
  });
}

/** What {@link readDeltaPath} is asked: a folder of this machine or a URL, and what of it. */
export type DeltaPathRequest = z.input<ReturnType<typeof deltaArgs>>;

/** `delta show|history|read|changes` of a folder of this machine or a URL, for the user who may read it: needs no project. */
export async function readDeltaPath(args: DeltaPathRequest, context: Pick<CommandContext, 'signal' | 'emit'>): Promise<unknown> {
  await using engine = await openDuckdbEngine();
  await using place = await openDeltaPlace(args.path);
  const { lake, address } = place;
  const gateway = openGateway({ engine, lake, catalog: openCatalog({ lake, engine }) });
  return await readDelta({ gateway, engine, address }, args, context, (query) => narrow(query, args));
}

/** The columns and rows asked for. The condition is the user's own SQL, who reads with their own rights. */
function narrow(query: Sql, { columns, where }: DeltaPathRequest): Sql {
  const selected = columns === undefined ? sql`*` : join(columns.map((name) => ident(name)));
  return sql`SELECT ${selected} FROM (${query}) AS t WHERE ${unsafeSql(where === undefined ? 'true' : `(${where}\n)`)}`;
}

/** A condition is SQL as its user wrote it: for folders of this machine, which they read with their own rights. */
function checkLakeRequest({ columns, where }: DeltaPathRequest): void {
  if (columns === undefined && where === undefined) return;
  throw new LakesteadError('USAGE', '--columns and --where of a lake address are not supported', {
    hint: 'give the folder of the table on this machine, or use lakestead sql',
  });
}

/** A Delta table by its address, wherever it is. */
type DeltaPlace = { readonly gateway: Gateway; readonly engine: Engine; readonly address: string };

type At = { readonly version?: number; readonly timestamp?: Date };

async function readDelta(
  { gateway, engine, address }: DeltaPlace,
  args: DeltaPathRequest,
  context: Pick<CommandContext, 'signal' | 'emit'>,
  select: (query: Sql) => Sql,
): Promise<unknown> {
  const { signal } = context;
  const at: At = {
    ...(args.version === undefined ? {} : { version: args.version }),
    ...(args.timestamp === undefined ? {} : { timestamp: parseInstant(args.timestamp) }),
  };
  const view = gateway.look(ownerPrincipal);
  if (args.verb === 'history') {
    const last = Object.keys(at).length === 0 ? Infinity : (await view.inspect(address, { ...at, signal })).version;
    return (await view.history(address, { signal })).filter(({ version }) => version <= last).map(describeEntry);
  }
  if (args.verb === 'show') {
    const { table: _, ...description } = await view.inspect(address, { ...at, signal });
    const { id, name, description: text, partitionColumns, createdTime, bytes } = description;
    const metadata = { id, name, description: text, partitionColumns, createdTime };
    const document = { name: args.path, layer: '', format: 'delta', address: args.path, sizeBytes: bytes };
    return { ...document, ...description, metadata } satisfies TableDocument | object;
  }
  await using lease = await engine.lease({ signal });
  const changes = args.verb === 'changes' ? { from: args.from, to: args.to } : undefined;
  const where = args.where === undefined ? undefined : unsafeSql(`(${args.where}\n)`);
  const read = { principal: ownerPrincipal, address, format: 'delta', changes, where, rowIds: args.rowIds, lease, signal, ...at } as const;
  const relation = await gateway.resolveLake(read);
  if (relation.kind !== 'delta') throw new LakesteadError('INTERNAL', 'a Delta table was resolved to files');
  if (args.explain === true) {
    const plan = relation.plan;
    if (plan === undefined) throw new LakesteadError('USAGE', '--explain is for the rows of a table');
    const text = args.format === 'json' ? `${JSON.stringify(plan, undefined, 2)}\n` : `${explainPlan(plan)}\n`;
    await context.emit({ kind: 'text', text });
    return { rowCount: 0, durationMs: 0, tables: [] };
  }
  const format = args.output === undefined ? args.format : 'parquet';
  return await presentQuery(lease, select(relation.sql), { format, output: args.output, signal, emit: context.emit });
}

function parseInstant(text: string): Date {
  const instant = new Date(text);
  if (!Number.isNaN(instant.getTime())) return instant;
  throw new LakesteadError('USAGE', `"${text}" is no instant`, { hint: 'write it as 2024-01-31T12:00:00Z' });
}

async function lakeView(project: Project) {
  return (await project.gateway()).look(ownerPrincipal);
}

/** All tables of the lake, or of a layer, with their sizes. */
export async function listTables(project: Project, layer: string | undefined, signal: AbortSignal): Promise<TableListDocument> {
  if (layer !== undefined) {
    const layers = await (await lakeView(project)).layers({ signal });
    if (!layers.some((name) => name.toLowerCase() === layer.toLowerCase())) {
      throw new LakesteadError('STORAGE_NOT_FOUND', `the lake has no layer "${layer}"`, {
        hint: `layers: ${layers.join(', ') || 'none yet'}`,
      });
    }
  }
  const view = await lakeView(project);
  const tables = await view.tables(layer, { signal });
  return await Promise.all(
    tables.map(async (table) => {
      try {
        return summarise(table, await view.describe(table, { signal }));
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
  const view = await lakeView(project);
  const found = await view.find(layer, rest.join('/'), table, { signal });
  if (found !== undefined) return found;
  const all = (await view.tables(undefined, { signal })).map((one) =>
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
