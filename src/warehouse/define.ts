import { LakesteadError, type SourcePlace } from '#core';
import { ident, join, literal, type Sql, sql, unsafeSql } from '#sql';
import { type ColumnDefinition, engineType, makeType, type Name, placeOf, type Statement, type TargetTable } from '#tsql';

import { bindView } from './session-scope.ts';
import type { Frame, SessionState } from './session-state.ts';
import type { Database, DatabaseAccess, TableDefinition } from './types.ts';

type Definition = Statement & {
  kind: 'declareTable' | 'createTable' | 'createView' | 'createProcedure' | 'createSchema' | 'createDatabase' | 'createExternalDataSource';
};

/** CREATE and ALTER of what the warehouse keeps, and table variables. */
export async function define(state: SessionState, frame: Frame, statement: Definition): Promise<void> {
  const { context, lease } = state;
  const place = placeOf(frame.text, statement.span.start);
  const access: DatabaseAccess = { lease, signal: frame.signal };
  state.rowCount = 0n;
  switch (statement.kind) {
    case 'declareTable': {
      state.tableVariables += 1;
      const target = await createTemporary(state, `@${state.tableVariables}${statement.name}`, statement.columns, undefined, frame, place);
      frame.tableVariables.set(statement.name.toLowerCase(), target);
      return;
    }
    case 'createTable': {
      const name = statement.name.parts.at(-1) ?? '';
      if (name.startsWith('#')) {
        if (state.temporary.has(name.toLowerCase())) throw exists(name, place);
        state.temporary.set(
          name.toLowerCase(),
          await createTemporary(state, name.toLowerCase(), statement.columns, statement.primaryKey, frame, place),
        );
        return;
      }
      const { database, schema } = locate(state, statement.name, place);
      if (await database.findTable(schema, name, access)) throw exists(name, place);
      await database.createTable(schema, name, definitionOf(statement.columns, statement.primaryKey, place), access);
      return;
    }
    case 'createView':
    case 'createProcedure': {
      const kind = statement.kind === 'createView' ? 'view' : 'procedure';
      if (frame.text.slice(statement.span.end).replaceAll(/[\s;]/g, '') !== '' && kind === 'view')
        throw new LakesteadError('SQL_SYNTAX', 'CREATE VIEW must be the only statement of its batch', {
          place,
          hint: 'put GO before and after it',
        });
      const { database, schema, name } = locate(state, statement.name, place);
      const found = context.definitions.find(database.name, schema, name);
      const fullName = `${schema}.${name}`;
      if (statement.mode === 'create' && found !== undefined) throw exists(fullName, place);
      if (statement.mode === 'alter' && found === undefined)
        throw new LakesteadError('SQL_NAME_NOT_FOUND', `there is no ${kind} ${fullName}`, { place, hint: `CREATE OR ALTER makes it` });
      if (found !== undefined && found.kind !== kind)
        throw new LakesteadError('SQL_TYPE', `${fullName} is a ${found.kind}, not a ${kind}`, { place, data: { number: 2010 } });
      if (found === undefined && (await database.findTable(schema, name, access))) throw exists(fullName, place);
      // A view is bound when it is made, as SQL Server does; a procedure when it runs.
      if (kind === 'view') await bindView(state, frame, statement.text, 1, database);
      context.definitions.save({ database: database.name, schema, name, kind, text: statement.text });
      return;
    }
    case 'createSchema':
      await state.database.createSchema(statement.name, access);
      return;
    case 'createDatabase':
      throw new LakesteadError('SQL_NOT_SUPPORTED', `CREATE DATABASE ${statement.name} is not supported`, {
        place,
        hint: `add it to lakestead.yaml: environments.<name>.databases.${statement.name}`,
      });
    case 'createExternalDataSource': {
      const location = statement.options['LOCATION'];
      if (location === undefined) throw new LakesteadError('SQL_SYNTAX', 'CREATE EXTERNAL DATA SOURCE needs a LOCATION', { place });
      const key = state.database.name.toLowerCase();
      const sources = context.dataSources.get(key) ?? new Map<string, string>();
      if (sources.has(statement.name.toLowerCase())) throw exists(statement.name, place);
      context.dataSources.set(key, sources.set(statement.name.toLowerCase(), location));
    }
  }
}

function exists(name: string, place: SourcePlace): LakesteadError {
  return new LakesteadError('SQL_TYPE', `there is already an object named ${name}`, { place, data: { number: 2714 } });
}

function locate(
  state: SessionState,
  { parts }: Name,
  place: SourcePlace,
): { readonly database: Database; readonly schema: string; readonly name: string } {
  const [name = '', schema = '', databaseName = ''] = parts.toReversed();
  const database = databaseName === '' ? state.database : state.context.databases.get(databaseName.toLowerCase());
  if (database === undefined || parts.length > 3)
    throw new LakesteadError('SQL_NAME_NOT_FOUND', `there is no database ${databaseName}`, { place });
  return { database, schema: schema === '' ? database.defaultSchema : schema, name };
}

function definitionOf(
  columns: readonly ColumnDefinition[],
  primaryKey: readonly string[] | undefined,
  place: SourcePlace,
): TableDefinition {
  const keys = primaryKey ?? columns.filter(({ isPrimaryKey }) => isPrimaryKey).map(({ name }) => name);
  const isKey = (name: string) => keys.some((key) => key.toLowerCase() === name.toLowerCase());
  return {
    columns: columns.map(({ name, type, computed, nullable, identity, defaultValue }) => {
      if (type === undefined || computed !== undefined)
        throw new LakesteadError('SQL_NOT_SUPPORTED', `the computed column ${name} is not supported`, { place });
      return {
        name,
        type: makeType(type.name.parts.at(-1) ?? '', type.args),
        nullable: nullable ?? (!isKey(name) && identity === undefined),
        ...(identity === undefined ? {} : { identity }),
        ...(defaultValue === undefined ? {} : { defaultValue: constantOf(defaultValue, name, place) }),
      };
    }),
    primaryKey: keys.length === 0 ? undefined : keys,
  };
}

function constantOf(value: NonNullable<ColumnDefinition['defaultValue']>, column: string, place: SourcePlace): Sql {
  if (value.kind === 'number') return unsafeSql(value.text);
  if (value.kind === 'string') return literal(value.value);
  if (value.kind === 'null') return literal(null);
  throw new LakesteadError('SQL_NOT_SUPPORTED', `the default of the column ${column} is not supported: it must be a constant`, { place });
}

async function createTemporary(
  state: SessionState,
  name: string,
  columns: readonly ColumnDefinition[],
  primaryKey: readonly string[] | undefined,
  frame: Frame,
  place: SourcePlace,
): Promise<TargetTable> {
  const definition = definitionOf(columns, primaryKey, place);
  const target = ident('temp', 'main', name);
  const items: Sql[] = [];
  for (const { name: column, type, nullable, identity, defaultValue } of definition.columns) {
    let value = defaultValue === undefined ? unsafeSql('') : sql` DEFAULT ${defaultValue}`;
    if (identity !== undefined) {
      const sequence = `${name}.${column}`;
      await state.lease.run(
        sql`CREATE OR REPLACE TEMP SEQUENCE ${ident(sequence)} START ${literal(identity.seed)} INCREMENT ${literal(identity.increment)}`,
      );
      value = sql` DEFAULT nextval(${literal(`temp.main."${sequence.replaceAll('"', '""')}"`)})`;
    }
    items.push(sql`${ident(column)} ${unsafeSql(engineType(type))}${value}${unsafeSql(nullable ? '' : ' NOT NULL')}`);
  }
  if (definition.primaryKey !== undefined) items.push(sql`PRIMARY KEY (${join(definition.primaryKey.map((key) => ident(key)))})`);
  await state.lease.run(sql`CREATE TEMP TABLE ${ident(name)} (${join(items)})`, { signal: frame.signal });
  const identity = definition.columns.find((column) => column.identity !== undefined)?.name;
  return {
    columns: definition.columns.map(({ name: column, type, nullable }) => ({ name: column, type, nullable })),
    sql: sql`SELECT * FROM ${target}`,
    target,
    identity,
  };
}

/** DROP of tables, views, procedures and external data sources. */
export async function drop(state: SessionState, frame: Frame, statement: Statement & { kind: 'drop' }): Promise<void> {
  const place = placeOf(frame.text, statement.span.start);
  const { context, lease } = state;
  state.rowCount = 0n;
  for (const name of statement.names) {
    const last = name.parts.at(-1) ?? '';
    if (!(await dropOne(last, name)) && !statement.ifExists)
      throw new LakesteadError('SQL_NAME_NOT_FOUND', `there is no ${statement.object.toLowerCase()} ${name.parts.join('.')} to drop`, {
        place,
        data: { number: 3701 },
      });
  }

  async function dropOne(last: string, name: Name): Promise<boolean> {
    switch (statement.object) {
      case 'TABLE': {
        if (last.startsWith('#')) {
          if (!state.temporary.delete(last.toLowerCase())) return false;
          await lease.run(sql`DROP TABLE ${ident('temp', 'main', last.toLowerCase())}`);
          return true;
        }
        const { database, schema } = locate(state, name, place);
        return await database.dropTable(schema, last, { lease, signal: frame.signal });
      }
      case 'VIEW':
      case 'PROCEDURE': {
        const { database, schema } = locate(state, name, place);
        const found = context.definitions.find(database.name, schema, last);
        if (found === undefined || found.kind !== statement.object.toLowerCase()) return false;
        return context.definitions.remove(database.name, schema, last);
      }
      case 'EXTERNAL DATA SOURCE':
        return context.dataSources.get(state.database.name.toLowerCase())?.delete(last.toLowerCase()) ?? false;
      default:
        throw new LakesteadError('SQL_NOT_SUPPORTED', `DROP ${statement.object} is not supported`, { place });
    }
  }
}
