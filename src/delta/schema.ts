import { z } from 'zod';

import { LakesteadError } from '#core';

/** A type of Delta's: a primitive by its name (`long`, `decimal(10,2)`), or a nested one. */
export type DeltaType = string | StructType | ArrayType | MapType;

/** A row's or a struct's fields, in order. */
export type StructType = { readonly type: 'struct'; readonly fields: readonly StructField[] };

/** A list of values of one type. */
export type ArrayType = { readonly type: 'array'; readonly elementType: DeltaType; readonly containsNull: boolean };

/** Keys to values. Keys are never null. */
export type MapType = {
  readonly type: 'map';
  readonly keyType: DeltaType;
  readonly valueType: DeltaType;
  readonly valueContainsNull: boolean;
};

/** One column of a table or field of a struct. `metadata` holds comments, column mapping, defaults and other writers' facts: kept as it is. */
export type StructField = {
  readonly name: string;
  readonly type: DeltaType;
  readonly nullable: boolean;
  readonly metadata: Readonly<Record<string, unknown>>;
};

const typeSchema: z.ZodType<DeltaType> = z.lazy(() => z.union([z.string().min(1), structSchema, arraySchema, mapSchema]));
const fieldSchema: z.ZodType<StructField> = z.lazy(() =>
  z.object({ name: z.string(), type: typeSchema, nullable: z.boolean(), metadata: z.record(z.string(), z.unknown()).default({}) }),
);
const structSchema: z.ZodType<StructType> = z.lazy(() => z.object({ type: z.literal('struct'), fields: z.array(fieldSchema) }));
const arraySchema = z.object({ type: z.literal('array'), elementType: typeSchema, containsNull: z.boolean() });
const mapSchema = z.object({ type: z.literal('map'), keyType: typeSchema, valueType: typeSchema, valueContainsNull: z.boolean() });

/**
 * The schema of a table from the `schemaString` of its metadata.
 *
 * @param where the log file it comes from, for messages
 * @throws {LakesteadError} `DELTA_CORRUPT` when the text is no schema
 */
export function parseSchema(schemaString: string, where: string): StructType {
  let json: unknown;
  try {
    json = JSON.parse(schemaString);
  } catch (cause) {
    throw new LakesteadError('DELTA_CORRUPT', `the schema in ${where} is no JSON`, { cause });
  }
  const result = structSchema.safeParse(json);
  if (result.success) return result.data;
  throw new LakesteadError('DELTA_CORRUPT', `the schema in ${where} is none of Delta's: ${z.prettifyError(result.error)}`, {
    cause: result.error,
  });
}

/** The `schemaString` of a schema: the inverse of {@link parseSchema}. */
export function formatSchema(schema: StructType): string {
  return JSON.stringify(schema);
}

/** A type as people write it: `decimal(10,2)`, `array<long>`, `struct<a: string>`. */
export function describeType(type: DeltaType): string {
  if (typeof type === 'string') return type;
  switch (type.type) {
    case 'array':
      return `array<${describeType(type.elementType)}>`;
    case 'map':
      return `map<${describeType(type.keyType)}, ${describeType(type.valueType)}>`;
    case 'struct':
      return `struct<${type.fields.map((field) => `${field.name}: ${describeType(field.type)}`).join(', ')}>`;
  }
}

/** The field of that name, compared without case as Delta does. */
export function findField(schema: StructType, name: string): StructField | undefined {
  const lower = name.toLowerCase();
  return schema.fields.find((field) => field.name.toLowerCase() === lower);
}
