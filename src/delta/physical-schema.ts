import { ident, join, literal, type Sql, sql, unsafeSql } from '#sql';

import { type ColumnMapping, physicalName } from './column-mapping.ts';
import type { DeltaType, StructField, StructType } from './schema.ts';

/** A schema as files have it: the physical names that column mapping gave, at every depth. */
export function physicalSchema(schema: StructType, mapping: ColumnMapping): StructType {
  return mapping === 'none' ? schema : physicalStruct(schema, mapping);
}

function physicalStruct({ fields }: StructType, mapping: ColumnMapping): StructType {
  return {
    type: 'struct',
    fields: fields.map((field) => ({ ...field, name: physicalName(field, mapping), type: physicalType(field.type, mapping) })),
  };
}

function physicalType(type: DeltaType, mapping: ColumnMapping): DeltaType {
  if (typeof type === 'string') return type;
  switch (type.type) {
    case 'struct':
      return physicalStruct(type, mapping);
    case 'array':
      return { ...type, elementType: physicalType(type.elementType, mapping) };
    case 'map':
      return { ...type, keyType: physicalType(type.keyType, mapping), valueType: physicalType(type.valueType, mapping) };
  }
}

/** Columns of a query by their logical names as a SELECT list by physical ones. */
export function physicalColumns(schema: StructType, mapping: ColumnMapping): Sql {
  return join(
    schema.fields.map((field) => {
      const name = physicalName(field, mapping);
      const value = encoded(ident(field.name), field.type, mapping);
      return name === field.name && value.texts.length === 1 && mapping === 'none' ? ident(name) : sql`${value} AS ${ident(name)}`;
    }),
  );
}

/** A value whose structs have logical names, with physical ones: the inverse of what reading does. */
function encoded(value: Sql, type: DeltaType, mapping: ColumnMapping, depth = 0): Sql {
  if (typeof type === 'string' || !hasOtherNames(type, mapping)) return value;
  const element = ident(`e${depth}`);
  switch (type.type) {
    case 'struct': {
      const fields = type.fields.map(
        (field) =>
          sql`${ident(physicalName(field, mapping))} := ${encoded(sql`${value}.${ident(field.name)}`, field.type, mapping, depth)}`,
      );
      return sql`CASE WHEN ${value} IS NULL THEN NULL ELSE struct_pack(${join(fields)}) END`;
    }
    case 'array':
      return sql`list_transform(${value}, lambda ${element}: ${encoded(element, type.elementType, mapping, depth + 1)})`;
    case 'map': {
      const parts = (which: string, inner: DeltaType) =>
        sql`list_transform(${unsafeSql(which)}(${value}), lambda ${element}: ${encoded(element, inner, mapping, depth + 1)})`;
      return sql`CASE WHEN ${value} IS NULL THEN NULL ELSE map(${parts('map_keys', type.keyType)}, ${parts('map_values', type.valueType)}) END`;
    }
  }
}

/** Whether a type holds a struct whose fields are called otherwise in files. */
export function hasOtherNames(type: DeltaType, mapping: ColumnMapping): boolean {
  if (typeof type === 'string' || mapping === 'none') return false;
  switch (type.type) {
    case 'array':
      return hasOtherNames(type.elementType, mapping);
    case 'map':
      return hasOtherNames(type.keyType, mapping) || hasOtherNames(type.valueType, mapping);
    case 'struct':
      return type.fields.some((field) => physicalName(field, mapping) !== field.name || hasOtherNames(field.type, mapping));
  }
}

/** What COPY takes as FIELD_IDS: the numbers of columns and fields, by physical names. `undefined` without column mapping. */
export function fieldIds(schema: StructType, mapping: ColumnMapping): Sql | undefined {
  return mapping === 'none' ? undefined : sql`{${structIds(schema, mapping)}}`;
}

function structIds({ fields }: StructType, mapping: ColumnMapping): Sql {
  return join(
    // What is no column of the table (the kind of a change) has no number.
    fields
      .filter((field) => idOf(field) !== undefined)
      .map((field) => sql`${literal(physicalName(field, mapping))}: ${typeIds(field.type, mapping, idOf(field))}`),
  );
}

function idOf({ metadata }: StructField): number | undefined {
  const id = metadata['delta.columnMapping.id'];
  return typeof id === 'number' ? id : undefined;
}

function typeIds(type: DeltaType, mapping: ColumnMapping, id: number | undefined): Sql {
  const own = id === undefined ? [] : [sql`__duckdb_field_id: ${literal(id)}`];
  const inner = innerIds(type, mapping);
  if (inner.length === 0) return id === undefined ? sql`{}` : literal(id);
  return sql`{${join([...own, ...inner])}}`;
}

function innerIds(type: DeltaType, mapping: ColumnMapping): readonly Sql[] {
  if (typeof type === 'string') return [];
  switch (type.type) {
    case 'struct':
      return [structIds(type, mapping)];
    case 'array':
      return typeof type.elementType === 'string' ? [] : [sql`'element': ${typeIds(type.elementType, mapping, undefined)}`];
    case 'map':
      return [
        ...(typeof type.keyType === 'string' ? [] : [sql`'key': ${typeIds(type.keyType, mapping, undefined)}`]),
        ...(typeof type.valueType === 'string' ? [] : [sql`'value': ${typeIds(type.valueType, mapping, undefined)}`]),
      ];
  }
}
