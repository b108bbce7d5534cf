import { LakesteadError } from '#core';

import { type DeltaType, findField, type StructField, type StructType } from './schema.ts';

/** A column, or the way to a field in it: through structs by their fields' names, through arrays by `element`, through maps by `key` and `value`. */
export type ColumnPath = readonly string[];

/** A path as people write it. */
export function describePath(path: ColumnPath): string {
  return path.join('.');
}

/**
 * The field at a path.
 *
 * @throws {LakesteadError} `DELTA_SCHEMA_MISMATCH` when there is none
 */
export function columnAt(schema: StructType, path: ColumnPath, table: string): StructField {
  let type: DeltaType = schema;
  let found: StructField | undefined;
  for (const name of path) {
    const inside = structOf(type, name);
    if (inside !== undefined) {
      type = inside;
      continue;
    }
    found = typeof type !== 'string' && type.type === 'struct' ? findField(type, name) : undefined;
    if (found === undefined)
      throw new LakesteadError('DELTA_SCHEMA_MISMATCH', `${table} has no column ${describePath(path)}; nothing was changed`, {
        hint: `its columns are ${schema.fields.map((one) => one.name).join(', ')}`,
      });
    ({ type } = found);
  }
  if (found !== undefined) return found;
  throw new LakesteadError('DELTA_SCHEMA_MISMATCH', `${describePath(path)} is no column of ${table}; nothing was changed`);
}

/** What an array's or a map's part is called in a path. */
function structOf(type: DeltaType, name: string): DeltaType | undefined {
  if (typeof type === 'string') return undefined;
  const lower = name.toLowerCase();
  if (type.type === 'array' && lower === 'element') return type.elementType;
  if (type.type === 'map' && lower === 'key') return type.keyType;
  return type.type === 'map' && lower === 'value' ? type.valueType : undefined;
}

/** A schema with other fields in the struct at a path; the empty path is the table itself. */
export function changeSchema(
  schema: StructType,
  inside: ColumnPath,
  change: (fields: readonly StructField[]) => readonly StructField[],
): StructType {
  const changed = changeType(schema, inside, change);
  return typeof changed !== 'string' && changed.type === 'struct' ? changed : schema;
}

function changeType(
  type: DeltaType,
  [name, ...rest]: ColumnPath,
  change: (fields: readonly StructField[]) => readonly StructField[],
): DeltaType {
  if (typeof type === 'string') return type;
  if (name === undefined) return type.type === 'struct' ? { type: 'struct', fields: change(type.fields) } : type;
  switch (type.type) {
    case 'struct': {
      const field = findField(type, name);
      return {
        type: 'struct',
        fields: type.fields.map((one) => (one === field ? { ...one, type: changeType(one.type, rest, change) } : one)),
      };
    }
    case 'array':
      return { ...type, elementType: changeType(type.elementType, rest, change) };
    case 'map':
      return name.toLowerCase() === 'key'
        ? { ...type, keyType: changeType(type.keyType, rest, change) }
        : { ...type, valueType: changeType(type.valueType, rest, change) };
  }
}
