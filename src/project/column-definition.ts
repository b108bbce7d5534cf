import { LakesteadError } from '#core';
import type { DeltaType, StructField } from '#delta';
import { type ColumnDefinition, type ColumnType, parseColumnType } from '#delta-sql';

/**
 * A column as a statement defines it, as Delta has it.
 *
 * @throws {LakesteadError} `SQL_NOT_SUPPORTED` for a default, a generated or an identity column
 */
export function fieldOf({ name, type, nullable, comment, defaultValue, generatedAs, identity }: ColumnDefinition): StructField {
  const special =
    defaultValue !== undefined
      ? 'DEFAULT'
      : generatedAs !== undefined
        ? 'GENERATED ALWAYS AS'
        : identity !== undefined
          ? 'IDENTITY'
          : undefined;
  if (special !== undefined)
    throw new LakesteadError(
      'SQL_NOT_SUPPORTED',
      `${special} of the column ${name.parts.join('.')} is not supported yet; nothing was changed`,
    );
  return {
    name: name.parts.join('.'),
    type: deltaType(parseColumnType(type.text)),
    nullable,
    metadata: comment === undefined ? {} : { comment },
  };
}

function deltaType(type: ColumnType): DeltaType {
  switch (type.kind) {
    case 'primitive':
      return type.name;
    case 'array':
      return { type: 'array', elementType: deltaType(type.element), containsNull: true };
    case 'map':
      return { type: 'map', keyType: deltaType(type.key), valueType: deltaType(type.value), valueContainsNull: true };
    case 'struct':
      return {
        type: 'struct',
        fields: type.fields.map((field) => ({ name: field.name, type: deltaType(field.type), nullable: true, metadata: {} })),
      };
  }
}
