import { type Sql, sql } from '#sql';

import type { DeltaType } from './schema.ts';

/** True for a type that is a variant, or has one within. */
export function hasVariant(type: DeltaType): boolean {
  if (typeof type === 'string') return type === 'variant';
  switch (type.type) {
    case 'array':
      return hasVariant(type.elementType);
    case 'map':
      return hasVariant(type.keyType) || hasVariant(type.valueType);
    case 'struct':
      return type.fields.some((field) => hasVariant(field.type));
  }
}

/**
 * A variant of a file as JSON text. Files with Parquet's annotation, shredded ones too, give the engine a variant; those
 * of older writers give it their two blobs, as an object of just these, which is decoded here.
 */
export function variantToJson(value: Sql): Sql {
  const decoded = sql`variant_bytes_to_variant(CAST(${value}.metadata AS BLOB) || CAST(${value}.value AS BLOB))`;
  // The engine's cast makes the text 'null' of a value that is not there.
  return sql`CASE WHEN ${value} IS NULL THEN NULL WHEN ${isTwoBlobs(value)} THEN CAST(${decoded} AS JSON) ELSE CAST(${value} AS JSON) END`;
}

function isTwoBlobs(value: Sql): Sql {
  return sql`variant_typeof(${value}) IN ('OBJECT(value, metadata)', 'OBJECT(metadata, value)') AND variant_typeof(${value}.value) = 'BLOB' AND variant_typeof(${value}.metadata) = 'BLOB'`;
}
