import { ownerPrincipal } from '#access';
import { LakesteadError } from '#core';
import type { SqlValue } from '#sql';
import { ident, sql } from '#sql';
import { type BindScope, bindQuery, type Name, parseBatch, type Relation, type Statement, type TypedValue } from '#tsql';

import { describeRelation, selectParquet } from './lake-relation.ts';
import { openRowset } from './open-rowset.ts';
import { type Frame, newFrame, type SessionState } from './session-state.ts';
import type { Database } from './types.ts';

/** Views in views: deeper is refused, as a circle of them would never end. */
const maxViewDepth = 32;

/** What surrounds a statement of a session while it is bound. */
export function sessionScope(state: SessionState, frame: Frame, viewDepth = 0, home: Database = state.database): BindScope {
  const { signal } = frame;
  const { lease, context } = state;
  const scope: BindScope = {
    text: frame.text,
    findTable: async (name) => await findTable(state, frame, name, viewDepth, home),
    findTarget: async (name) => {
      const place = locate(state, name, home);
      if (place === undefined) return undefined;
      if (place.name.startsWith('#')) return state.temporary.get(place.name.toLowerCase());
      return await place.database.findTable(place.schema, place.name, { lease, signal });
    },
    findTableVariable: async (name) => await Promise.resolve(frame.tableVariables.get(name.toLowerCase())),
    openRowset: async (rowset) =>
      await openRowset(rowset, {
        gateway: context.gateway,
        lease,
        signal,
        scope,
        findDataSource: (name) => context.dataSources.get(home.name.toLowerCase())?.get(name.toLowerCase()),
      }),
    findVariable: (name) => frame.variables.get(name.toLowerCase()),
    sessionValue: async (name, args) => await sessionValue(state, name, args, home),
    now: context.clock.now(),
  };
  return scope;
}

type Place = { readonly database: Database; readonly schema: string; readonly name: string };

function locate(state: SessionState, { parts }: Name, home: Database): Place | undefined {
  if (parts.length > 3) return undefined;
  const name = parts.at(-1) ?? '';
  const schema = parts.at(-2) ?? '';
  const databaseName = parts.at(-3) ?? '';
  const database = databaseName === '' ? home : state.context.databases.get(databaseName.toLowerCase());
  return database === undefined ? undefined : { database, schema: schema === '' ? database.defaultSchema : schema, name };
}

async function findTable(state: SessionState, frame: Frame, name: Name, viewDepth: number, home: Database): Promise<Relation | undefined> {
  const { lease, context } = state;
  const { signal } = frame;
  if (name.parts.length > 3)
    throw new LakesteadError('SQL_NOT_SUPPORTED', `${name.parts.join('.')} is of a linked server, and those are not supported`);
  const place = locate(state, name, home);
  if (place === undefined) return await findLakeTable(state, frame, name);
  if (place.name.startsWith('#')) return state.temporary.get(place.name.toLowerCase());
  const { database, schema } = place;
  if (['sys', 'information_schema'].includes(schema.toLowerCase()))
    return await database.findCatalogView(schema, place.name, { lease, signal });
  const definition = context.definitions.find(database.name, schema, place.name);
  if (definition?.kind === 'view') return await bindView(state, frame, definition.text, viewDepth + 1, database);
  return await database.findTable(schema, place.name, { lease, signal });
}

/** A table of the lake, whose layers are databases too: `gold.SalesLT.Address`. */
async function findLakeTable(state: SessionState, { signal }: Frame, { parts }: Name): Promise<Relation | undefined> {
  const { gateway } = state.context;
  const [layer = '', schema = '', name = ''] = parts;
  const { lease } = state;
  const table = parts.length === 3 ? await gateway.look(ownerPrincipal).find(layer, schema, name, { signal }) : undefined;
  if (table === undefined) return undefined;
  const found = await gateway.resolveLake({ principal: ownerPrincipal, address: table.address, format: table.format, lease, signal });
  return await describeRelation(found.kind === 'delta' ? found.sql : selectParquet(found), lease, signal);
}

/** A view from its text, with the tables that it names as they are now. */
export async function bindView(state: SessionState, frame: Frame, text: string, viewDepth: number, database: Database): Promise<Relation> {
  if (viewDepth > maxViewDepth)
    throw new LakesteadError('SQL_NOT_SUPPORTED', `views are nested more than ${maxViewDepth} deep`, { hint: 'does a view name itself?' });
  const [view] = parseStored(text);
  if (view?.kind !== 'createView') throw new LakesteadError('INTERNAL', 'the text of a view is no CREATE VIEW');
  const inner = newFrame(text, frame.signal);
  const { columns, sql: query } = await bindQuery(view.query, sessionScope(state, inner, viewDepth, database));
  const fullName = view.name.parts.join('.');
  if (view.columns.length > 0 && view.columns.length !== columns.length)
    throw new LakesteadError(
      'SQL_SYNTAX',
      `the view ${fullName} names ${view.columns.length} columns, and its query has ${columns.length}`,
    );
  const names = columns.map((column, index) => view.columns[index] ?? column.name);
  const unnamed = names.indexOf('');
  if (unnamed >= 0)
    throw new LakesteadError('SQL_SYNTAX', `column ${unnamed + 1} of the view ${fullName} has no name`, { hint: 'give it one with AS' });
  const twice = names.find((name, index) => names.findIndex((other) => other.toLowerCase() === name.toLowerCase()) !== index);
  if (twice !== undefined) throw new LakesteadError('SQL_SYNTAX', `the view ${fullName} has two columns ${twice}`);
  const named = columns.map((column, index) => ({ ...column, name: names[index] ?? column.name }));
  if (view.columns.length === 0) return { columns: named, sql: query };
  const aliases = names.map((name) => ident(name));
  return { columns: named, sql: sql`SELECT * FROM (${query}) AS v(${aliases.reduce((all, alias) => sql`${all}, ${alias}`)})` };
}

const parsed = new Map<string, readonly Statement[]>();

/** A stored text parsed; kept while a loop calls it again and again. */
export function parseStored(text: string): readonly Statement[] {
  const known = parsed.get(text);
  if (known !== undefined) return known;
  const statements = parseBatch(text);
  if (parsed.size >= 200) parsed.clear();
  parsed.set(text, statements);
  return statements;
}

const int = (value: number | null): TypedValue => ({ type: { name: 'int' }, value });
const text = (value: string | null, length = 128): TypedValue => ({ type: { name: 'nvarchar', length }, value });

async function sessionValue(state: SessionState, name: string, args: readonly SqlValue[], home: Database): Promise<TypedValue | undefined> {
  const facts = state.caughtFacts.at(-1);
  switch (name) {
    case '@@ROWCOUNT':
      return int(Number(state.rowCount));
    case 'ROWCOUNT_BIG':
      return { type: { name: 'bigint' }, value: state.rowCount };
    case '@@ERROR':
      return int(state.errorNumber);
    case '@@TRANCOUNT':
      return int(state.transactions);
    case 'XACT_STATE':
      return { type: { name: 'smallint' }, value: state.transactions > 0 ? 1 : 0 };
    case '@@NESTLEVEL':
      return int(state.nesting);
    case '@@SPID':
      return { type: { name: 'smallint' }, value: 51 };
    case '@@SERVERNAME':
      return text('lakestead');
    case '@@DATEFIRST':
      return { type: { name: 'tinyint' }, value: 7 };
    case '@@VERSION':
      return text('Lakestead: T-SQL on DuckDB', 300);
    case 'USER_NAME':
    case 'CURRENT_USER':
    case 'SESSION_USER':
    case 'USER':
      return args.length === 0 ? text('dbo') : undefined;
    case 'SUSER_SNAME':
    case 'SUSER_NAME':
    case 'ORIGINAL_LOGIN':
    case 'SYSTEM_USER':
      return args.length === 0 ? text(ownerPrincipal.name) : undefined;
    case 'APP_NAME':
      return text('lakestead');
    case '@@LANGUAGE':
      return text('us_english');
    case 'ERROR_NUMBER':
      return int(facts?.number ?? null);
    case 'ERROR_MESSAGE':
      return text(facts?.message ?? null, 4000);
    case 'ERROR_SEVERITY':
      return int(facts?.severity ?? null);
    case 'ERROR_STATE':
      return int(facts?.state ?? null);
    case 'ERROR_LINE':
      return int(facts?.line ?? null);
    case 'ERROR_PROCEDURE':
      return text(facts?.procedure ?? null);
    case 'DB_NAME':
      return args.length === 0 ? text(home.name) : undefined;
    case 'SCHEMA_NAME':
      return args.length === 0 ? text(home.defaultSchema) : undefined;
    case 'OBJECT_ID':
      return await objectId(state, args, home);
    default:
      return undefined;
  }
}

/** OBJECT_ID of a name in text: NULL where there is no such object. */
async function objectId(state: SessionState, [name, kind]: readonly SqlValue[], home: Database): Promise<TypedValue> {
  if (typeof name !== 'string') return int(null);
  const parts = [...name.matchAll(/\[((?:[^\]]|\]\])*)\]|"([^"]*)"|([^.[\]"]+)|(?<=\.)(?=\.)/g)].map(([, a, b, c]) =>
    (a ?? b ?? c ?? '').replaceAll(']]', ']'),
  );
  const last = parts.at(-1) ?? '';
  if (last.startsWith('#')) return int(state.temporary.has(last.toLowerCase()) ? hashOf(last) : null);
  const place = locate(state, { parts, span: { start: 0, end: 0 } }, home);
  if (place === undefined) return int(null);
  const objects = await place.database.findCatalogView('sys', 'objects', { lease: state.lease });
  const schemas = await place.database.findCatalogView('sys', 'schemas', { lease: state.lease });
  if (objects === undefined || schemas === undefined) return int(null);
  const [found] = await state.lease.rows(sql`
    SELECT o.object_id AS id, trim(o.type) AS kind FROM (${objects.sql}) AS o JOIN (${schemas.sql}) AS s ON s.schema_id = o.schema_id
    WHERE lower(o.name) = lower(${place.name}) AND lower(s.name) = lower(${place.schema})`);
  if (found === undefined || (typeof kind === 'string' && kind.trim().toUpperCase() !== String(found['kind']).toUpperCase()))
    return int(null);
  return int(Number(found['id']));
}

function hashOf(name: string): number {
  let hash = 0;
  for (const char of name.toLowerCase()) hash = (hash * 31 + (char.codePointAt(0) ?? 0)) % 2_000_000_000;
  return -hash - 1;
}
