import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

import { LakesteadError } from '#core';
import type { Engine } from '#engine';
import { ident, join, literal, sql } from '#sql';

import { openCatalogViews } from './catalog-views.ts';
import { type DatabaseDescription, parseTableComment, type TableDescription } from './table-description.ts';
import type { Database, DatabaseAccess, DefinitionStore, ResultColumn, StoredDefinition } from './types.ts';
import { createDescribedTable, dropDescribedTable, inTransaction } from './write-table.ts';

export type EmbeddedDatabaseOptions = {
  readonly engine: Engine;
  /** `.lakestead/databases/<name>.duckdb`: made on first use. */
  readonly file: string;
  readonly name: string;
  /** For the views and procedures that the catalog views list. */
  readonly definitions?: DefinitionStore | undefined;
  /** For sys.databases; without it the database knows of itself only. */
  readonly databases?: (() => readonly string[]) | undefined;
  /** The columns of a view, for the catalog views. */
  readonly describeView?: ((view: StoredDefinition, access: DatabaseAccess) => Promise<readonly ResultColumn[]>) | undefined;
};

/** A database of the embedded SQL Server. Closing detaches its file. */
export type EmbeddedDatabase = Database & AsyncDisposable & { describe(access: DatabaseAccess): Promise<DatabaseDescription> };

/**
 * Attaches a database file to the engine under the database's name.
 *
 * @throws CONNECT_DATABASE when the file is no database, another process has it open, or the engine needs the name itself
 */
export async function openEmbeddedDatabase(options: EmbeddedDatabaseOptions): Promise<EmbeddedDatabase> {
  const { engine, file, name } = options;
  if (['memory', 'system', 'temp', ''].includes(name.toLowerCase()) || name.includes('"'))
    throw new LakesteadError('CONNECT_DATABASE', `a database cannot be called ${name}`, {
      hint: 'the engine uses memory, system and temp itself, and a name has no quotes',
    });
  mkdirSync(dirname(file), { recursive: true });
  await engine.withLease(async (lease) => {
    try {
      await lease.run(sql`ATTACH ${literal(file)} AS ${ident(name)}`);
    } catch (error) {
      throw explainAttach(error, name, file);
    }
    await lease.run(sql`CREATE SCHEMA IF NOT EXISTS ${ident(name, 'dbo')}`);
  });
  const describe = openDescriber(name);
  const find = async (schema: string, table: string, access: DatabaseAccess): Promise<TableDescription | undefined> => {
    const { tables } = await describe(access);
    return tables.find((one) => isSame(one.schema, schema) && isSame(one.name, table));
  };
  return {
    name,
    kind: 'embedded',
    defaultSchema: 'dbo',
    describe,
    findCatalogView: openCatalogViews({ ...options, describe }),
    findTable: async (schema, table, access) => {
      const found = await find(schema, table, access);
      if (found === undefined) return undefined;
      const target = ident(name, found.schema, found.name);
      const columns = found.columns.map((column) => ({ name: column.name, type: column.type, nullable: column.nullable }));
      const identity = found.columns.find((column) => column.identity !== undefined)?.name;
      const computed = found.columns.flatMap((column) =>
        column.computed === undefined ? [] : [{ name: column.name, expression: column.computed }],
      );
      return { columns, target, identity, computed, sql: sql`SELECT ${join(columns.map((column) => ident(column.name)))} FROM ${target}` };
    },
    createSchema: async (schema, { lease, signal }) => {
      await lease.run(sql`CREATE SCHEMA ${ident(name, schema)}`, { signal });
    },
    createTable: async (schema, table, definition, access) => {
      const { lease, signal } = access;
      const { schemas } = await describe(access);
      const itsSchema = schemas.find((one) => isSame(one, schema));
      if (itsSchema === undefined) throw new LakesteadError('SQL_NAME_NOT_FOUND', `there is no schema ${schema} in ${name}`);
      const columns = definition.columns.map((column) => ({
        name: column.name,
        type: column.type,
        nullable: column.nullable && definition.primaryKey?.some((key) => isSame(key, column.name)) !== true,
        identity: column.identity,
      }));
      const defaults = new Map(definition.columns.flatMap((one) => (one.defaultValue === undefined ? [] : [[one.name, one.defaultValue]])));
      const description = { schema: itsSchema, name: table, columns, primaryKey: definition.primaryKey ?? [] };
      const create = async () => await createDescribedTable({ lease, database: name, table: description, defaults, signal });
      await inTransaction(lease, create, { signal });
    },
    dropTable: async (schema, table, access) => {
      const { lease, signal } = access;
      const found = await find(schema, table, access);
      if (found === undefined) return false;
      await inTransaction(lease, async () => await dropDescribedTable(lease, name, found, { signal }), { signal });
      return true;
    },
    [Symbol.asyncDispose]: async () => {
      await engine.withLease((lease) => lease.run(sql`DETACH DATABASE IF EXISTS ${ident(name)}`));
    },
  };
}

const isSame = (left: string, right: string) => left.toLowerCase() === right.toLowerCase();

/** Reads what is there at every call, as the connection's transaction sees it; a comment is parsed once. */
function openDescriber(database: string): (access: DatabaseAccess) => Promise<DatabaseDescription> {
  const parsed = new Map<string, TableDescription>();
  return async ({ lease, signal }) => {
    const rows = await lease.rows(
      sql`SELECT s.schema_name AS s, t.table_name AS t, t.comment AS c
          FROM (SELECT schema_name FROM duckdb_schemas() WHERE database_name = ${literal(database)} AND NOT internal) s
          LEFT JOIN (SELECT schema_name, table_name, comment FROM duckdb_tables() WHERE database_name = ${literal(database)}) t
          ON t.schema_name = s.schema_name ORDER BY 1, 2`,
      { signal },
    );
    const schemas = new Set<string>();
    const tables: TableDescription[] = [];
    for (const { s, t, c } of rows) {
      const schema = String(s);
      schemas.add(schema);
      if (typeof t !== 'string') continue;
      const comment = typeof c === 'string' ? c : null;
      const key = JSON.stringify([schema, t, comment]);
      const table = parsed.get(key) ?? parseTableComment(schema, t, comment);
      parsed.set(key, table);
      tables.push(table);
    }
    // Versions of tables that are gone need no room.
    if (parsed.size > 2 * tables.length + 100) parsed.clear();
    return { schemas: [...schemas], tables };
  };
}

function explainAttach(error: unknown, name: string, file: string): unknown {
  if (!(error instanceof LakesteadError) || error.code === 'CANCELLED') return error;
  // The driver quotes the path behind these words: a file may be called locked.duckdb.
  const isLocked = /^[^"]*could not set lock on file/i.test(error.message);
  const message = isLocked
    ? `the database ${name} is open in another process`
    : `the file of the database ${name} cannot be opened: ${file}`;
  return new LakesteadError('CONNECT_DATABASE', message, {
    hint: isLocked ? 'one process at a time can have a project open: stop the other one' : 'move the file away and load the source again',
    data: { file },
    cause: error,
  });
}
