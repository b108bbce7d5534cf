import { LakesteadError } from '#core';

import { findField, type StructType } from './schema.ts';
import type { Snapshot } from './snapshot.ts';
import type { WriteOptions } from './table.ts';

/** Refuses a write that would partition a table otherwise than it is. Throws `DELTA_SCHEMA_MISMATCH`. */
export function refusePartitionBy(snapshot: Snapshot, { partitionBy }: WriteOptions): void {
  if (
    partitionBy === undefined ||
    partitionBy.map((name) => name.toLowerCase()).join('\0') === snapshot.partitionColumns.map((name) => name.toLowerCase()).join('\0')
  )
    return;
  throw new LakesteadError(
    'DELTA_SCHEMA_MISMATCH',
    `${snapshot.table} is partitioned by (${snapshot.partitionColumns.join(', ')}), not by (${partitionBy.join(', ')}); nothing was written`,
    {
      hint: 'overwrite with schemaMode "overwrite" to change the partitioning',
    },
  );
}

/** The partition columns as the schema spells them. Throws `DELTA_SCHEMA_MISMATCH` for one that cannot be. */
export function checkPartitioning(schema: StructType, partitionBy: readonly string[], table: string): readonly string[] {
  const names = partitionBy.map((name) => {
    const field = findField(schema, name);
    if (field !== undefined && typeof field.type === 'string' && !['binary', 'float', 'double'].includes(field.type)) return field.name;
    throw new LakesteadError(
      'DELTA_SCHEMA_MISMATCH',
      field === undefined
        ? `${table} has no column ${name} to be partitioned by; nothing was written`
        : `${table} cannot be partitioned by ${name}, which is of a type that cannot name a folder; nothing was written`,
      {
        hint: 'partition by a string, a whole number, a decimal, a date, a timestamp or a boolean',
      },
    );
  });
  if (names.length > 0 && names.length === schema.fields.length) {
    throw new LakesteadError('DELTA_SCHEMA_MISMATCH', `all columns of ${table} are partition columns; nothing was written`, {
      hint: 'leave at least one column that is none',
    });
  }
  return names;
}
