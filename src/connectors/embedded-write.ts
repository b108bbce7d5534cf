import { LakesteadError } from '#core';

import type { TableWrite } from './connector.ts';

/** The script that moves the rows of `#incoming` into a table, in one transaction. `primaryKey` is that of the table, if it has one. */
export function writeScript(into: TableWrite, primaryKey: readonly string[]): string {
  const { behavior, preCopyScript, autoCreate } = into;
  const columns = into.columns.map(({ name }) => name);
  const target = `${quote(into.schema)}.${quote(into.table)}`;
  const list = columns.map(quote).join(', ');
  const selected = columns.map((name) => `s.${quote(name)}`).join(', ');
  const insert = `INSERT INTO ${target} (${list}) SELECT ${selected} FROM #incoming AS s`;
  const move = behavior.kind === 'insert' ? `${insert};` : upsert(target, columns, insert, behavior.keys, primaryKey);
  const definitions = into.columns.map(({ name, lakeType }) => `${quote(name)} ${typeOf(lakeType)}`).join(', ');
  const create = autoCreate ? `IF OBJECT_ID(N'${target.replaceAll("'", "''")}') IS NULL CREATE TABLE ${target} (${definitions});\n` : '';
  return `BEGIN TRANSACTION;\n${preCopyScript ?? ''}\n${create}${move}\nCOMMIT TRANSACTION;`;
}

const types: Readonly<Record<string, string>> = {
  BOOLEAN: 'bit', TINYINT: 'smallint', SMALLINT: 'smallint', INTEGER: 'int', BIGINT: 'bigint', FLOAT: 'real', DOUBLE: 'float', DATE: 'date', TIME: 'time',
  TIMESTAMP: 'datetime2', 'TIMESTAMP WITH TIME ZONE': 'datetime2', BLOB: 'varbinary(max)',
}; // prettier-ignore

/** The type of a column that is made: what has none of its own is text. */
function typeOf(lakeType: string): string {
  return types[lakeType] ?? (lakeType.startsWith('DECIMAL') ? lakeType.toLowerCase() : 'nvarchar(max)');
}

function upsert(
  target: string,
  columns: readonly string[],
  insert: string,
  given: readonly string[],
  primaryKey: readonly string[],
): string {
  const keys = given.length > 0 ? given : primaryKey;
  if (keys.length === 0)
    throw new LakesteadError('FACTORY_INVALID', `an upsert into ${target} needs keys: it has no primary key`, {
      hint: 'name them in upsertSettings.keys',
    });
  const isSame = (one: string) => (other: string) => one.toLowerCase() === other.toLowerCase();
  const missing = keys.find((key) => !columns.some(isSame(key)));
  if (missing !== undefined)
    throw new LakesteadError('FACTORY_INVALID', `the key ${missing} of the upsert is no column of the source`, {
      hint: `its columns: ${columns.join(', ')}`,
    });
  const match = keys.map((key) => `t.${quote(key)} = s.${quote(key)}`).join(' AND ');
  const others = columns.filter((name) => !keys.some(isSame(name)));
  const set = others.map((name) => `${quote(name)} = s.${quote(name)}`).join(', ');
  const update = others.length === 0 ? '' : `UPDATE t SET ${set} FROM ${target} AS t INNER JOIN #incoming AS s ON ${match};\n`;
  // MERGE, which Data Factory uses, refuses these too.
  const twice = `IF EXISTS (SELECT 1 FROM #incoming GROUP BY ${keys.map(quote).join(', ')} HAVING COUNT(*) > 1) THROW 50000, N'the rows of the upsert have a key more than once', 1;\n`;
  return `${twice}${update}${insert} WHERE NOT EXISTS (SELECT 1 FROM ${target} AS t WHERE ${match});`;
}

function quote(name: string): string {
  return `[${name.replaceAll(']', ']]')}]`;
}
