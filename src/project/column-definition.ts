import type { DeltaType, StructField } from '#delta';
import { type ColumnDefinition, type ColumnType, parseColumnType, toSparkText } from '#delta-sql';

/** A column as a statement defines it, as Delta has it: defaults and how it is generated in Spark's text. */
export function fieldOf({ name, type, nullable, comment, defaultValue, generatedAs, identity }: ColumnDefinition): StructField {
  const length = /^\s*((?:var)?char)\s*\(\s*(\d+)\s*\)\s*$/i.exec(type.text);
  return {
    name: name.parts.at(-1) ?? '',
    type: deltaType(parseColumnType(type.text)),
    nullable,
    metadata: {
      ...(comment === undefined ? {} : { comment }),
      ...(length === null ? {} : { __CHAR_VARCHAR_TYPE_STRING: `${(length[1] ?? '').toLowerCase()}(${length[2] ?? ''})` }),
      ...(defaultValue === undefined ? {} : { CURRENT_DEFAULT: toSparkText(defaultValue.text.trim()) }),
      ...(generatedAs === undefined ? {} : { 'delta.generationExpression': toSparkText(generatedAs.text.trim()) }),
      ...(identity === undefined
        ? {}
        : {
            'delta.identity.start': Number(identity.start),
            'delta.identity.step': Number(identity.step),
            'delta.identity.allowExplicitInsert': identity.allowExplicitInsert,
          }),
    },
  };
}

/** A type as a statement writes it, as Delta has it. */
export function typeOf(text: string): DeltaType {
  return deltaType(parseColumnType(text));
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
        fields: type.fields.map(({ name, type: inner, nullable, comment }) => ({
          name,
          type: deltaType(inner),
          nullable,
          metadata: comment === undefined ? {} : { comment },
        })),
      };
  }
}
