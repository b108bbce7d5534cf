import { LakesteadError } from '#core';
import type { SourceColumn } from '#connectors';
import { ident, join, literal, sql, type Sql } from '#sql';

import { isArray, isObject, printValue, type Value } from '../expression/index.ts';

/** Rows of a source before and after columns were added. */
type Rows = { readonly columns: readonly SourceColumn[]; readonly sql: Sql };

const filePath = '$$FILEPATH';
const copyOf = '$$COLUMN:';

/**
 * The rows with the `additionalColumns` of a source behind them: a constant, `$$FILEPATH` (the file's path below the dataset's
 * folder) or `$$COLUMN:name` (the same values again).
 *
 * @param path of the file that the rows are from, where they are of one
 * @throws FACTORY_INVALID for a column that the source does not have, or a path where there is no file
 */
export function addColumns(rows: Rows, additional: Value | undefined, path?: string): Rows {
  if (additional === undefined || additional === null) return rows;
  const list = isArray(additional) ? additional : [];
  const added = list.map((one) => {
    const name = isObject(one) ? one['name'] : undefined;
    if (!isObject(one) || typeof name !== 'string' || name === '')
      throw new LakesteadError('FACTORY_INVALID', 'each of additionalColumns needs a name and a value');
    return addedColumn(rows, name, one['value'] ?? null, path);
  });
  if (added.length === 0) return rows;
  return {
    columns: [...rows.columns, ...added.map(({ column }) => column)],
    sql: sql`SELECT source.*, ${join(added.map(({ column, value }) => sql`${value} AS ${ident(column.name)}`))} FROM (${rows.sql}) AS source`,
  };
}

/** True when the rows of each file differ in what is added to them. */
export function needsFilePath(additional: Value | undefined): boolean {
  return isArray(additional) && additional.some((one) => isObject(one) && one['value'] === filePath);
}

function addedColumn(rows: Rows, name: string, value: Value, path: string | undefined): { column: SourceColumn; value: Sql } {
  if (rows.columns.some((column) => column.name.toLowerCase() === name.toLowerCase()))
    throw new LakesteadError('FACTORY_INVALID', `additionalColumns names '${name}', which the source has already`, {
      hint: 'give it another name',
    });
  const text = (content: Sql) => ({ column: { name, sourceType: 'VARCHAR', lakeType: 'VARCHAR', nullable: true }, value: content });
  if (value === filePath) {
    if (path === undefined) throw new LakesteadError('FACTORY_INVALID', `${filePath} of additionalColumns needs a source of files`);
    return text(literal(path));
  }
  if (typeof value === 'string' && value.startsWith(copyOf)) {
    const wanted = value.slice(copyOf.length);
    const column = rows.columns.find((one) => one.name.toLowerCase() === wanted.toLowerCase());
    if (column !== undefined) return { column: { ...column, name }, value: sql`source.${ident(column.name)}` };
    throw new LakesteadError('FACTORY_INVALID', `additionalColumns copies the column '${wanted}', which the source does not have`, {
      hint: `its columns: ${rows.columns.map((one) => one.name).join(', ')}`,
    });
  }
  return text(value === null ? sql`CAST(NULL AS VARCHAR)` : literal(printValue(value)));
}
