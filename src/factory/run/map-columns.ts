import { LakesteadError } from '#core';
import { ident, join, sql, type Sql, unsafeSql } from '#sql';

import { isArray, isObject, type Value, type ValueObject } from '../expression/index.ts';
import type { SourceRelation } from './read-source.ts';
import { refuseOthers } from './refuse-options.ts';

/** Data Factory's interim types as the engine's. A decimal's precision and scale are those of the mapping. */
const interimTypes: Readonly<Record<string, string>> = {
  boolean: 'BOOLEAN',
  byte: 'UTINYINT',
  sbyte: 'TINYINT',
  int16: 'SMALLINT',
  int32: 'INTEGER',
  int64: 'BIGINT',
  single: 'FLOAT',
  double: 'DOUBLE',
  datetime: 'TIMESTAMP',
  date: 'DATE',
  datetimeoffset: 'VARCHAR',
  timespan: 'VARCHAR',
  guid: 'VARCHAR',
  string: 'VARCHAR',
};

/**
 * The columns that go to the sink: all, or those that a translator maps, by name or by their place, with the type that the
 * mapping gives them.
 *
 * @throws FACTORY_INVALID for a column that the source does not have, FACTORY_UNSUPPORTED for other forms of a mapping
 */
export function mapColumns(relation: Pick<SourceRelation, 'columns' | 'sql'>, translator: Value | undefined): Sql {
  refuseOthers(translator, 'TabularTranslator', 'a translator');
  if (!isObject(translator) || !isArray(translator['mappings'])) return relation.sql;
  const names = new Set<string>();
  const list = translator['mappings'].map((mapping) => {
    const [from, to] = isObject(mapping) ? [mapping['source'], mapping['sink']] : [];
    if (!isObject(from) || !isObject(to))
      throw new LakesteadError('FACTORY_UNSUPPORTED', 'a mapping of the translator needs source and sink');
    refuseOthers(from, { acts: ['name', 'ordinal'], known: ['physicalType', 'precision', 'scale'] }, 'the source of a mapping');
    refuseOthers(to, { acts: ['name', 'ordinal', 'precision', 'scale'], known: ['physicalType'] }, 'the sink of a mapping');
    const column = findColumn(relation, from);
    const name = typeof to['name'] === 'string' ? to['name'] : `Prop_${Number(to['ordinal'] ?? 1n) - 1}`;
    if (names.has(name.toLowerCase())) throw new LakesteadError('FACTORY_INVALID', `two columns are mapped to '${name}'`);
    names.add(name.toLowerCase());
    return sql`${castTo(ident(column), to)} AS ${ident(name)}`;
  });
  return sql`SELECT ${join(list)} FROM (${relation.sql}) AS source`;
}

function findColumn(relation: Pick<SourceRelation, 'columns'>, from: ValueObject): string {
  const { name, ordinal } = from;
  if (name === undefined && typeof ordinal === 'bigint') {
    const column = relation.columns[Number(ordinal) - 1];
    if (column !== undefined) return column.name;
    throw new LakesteadError('FACTORY_INVALID', `the mapping names column ${ordinal}, and the source has ${relation.columns.length}`);
  }
  if (typeof name !== 'string')
    throw new LakesteadError('FACTORY_UNSUPPORTED', 'a mapping of the translator names its source by name or ordinal', {
      hint: 'paths into nested JSON are not supported',
    });
  const found = relation.columns.find((one) => one.name.toLowerCase() === name.toLowerCase());
  if (found !== undefined) return found.name;
  throw new LakesteadError('FACTORY_INVALID', `the mapping names the column '${name}', which the source does not have`, {
    hint: `its columns: ${relation.columns.map((one) => one.name).join(', ')}`,
  });
}

/** A value that does not convert fails the Copy, as in Azure. */
function castTo(column: Sql, { type, precision, scale }: ValueObject): Sql {
  if (typeof type !== 'string') return column;
  const name = type.toLowerCase();
  if (name === 'decimal') {
    const [digits, fraction] = [Number(precision ?? 38n), Number(scale ?? 18n)];
    if (Number.isInteger(digits) && Number.isInteger(fraction) && digits >= 1 && digits <= 38 && fraction >= 0 && fraction <= digits)
      return sql`CAST(${column} AS ${unsafeSql(`DECIMAL(${digits},${fraction})`)})`;
  }
  const target = Object.hasOwn(interimTypes, name) ? interimTypes[name] : undefined;
  if (target === undefined)
    throw new LakesteadError('FACTORY_UNSUPPORTED', `the type ${type} of a mapping is not supported`, {
      hint: `supported: ${Object.keys(interimTypes).join(', ')}, decimal`,
    });
  const cast = sql`CAST(${column} AS ${unsafeSql(target)})`;
  // .NET's Byte goes from 0 to 255; no format of the sink has a type of that range.
  return target.endsWith('TINYINT') ? sql`CAST(${cast} AS SMALLINT)` : cast;
}
