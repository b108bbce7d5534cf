import { LakesteadError } from '#core';

import type { Metadata } from './actions.ts';
import { findField, parseSchema, type StructField, type StructType } from './schema.ts';

/** How a table's columns are found in its files: by their names, by names that stay when a column is renamed, or by numbers. */
export type ColumnMapping = 'none' | 'name' | 'id';

/** The mode that a table's properties name. Throws `DELTA_UNSUPPORTED` for one that the protocol does not have. */
export function columnMappingOf(metadata: Metadata): ColumnMapping {
  const mode = metadata.configuration['delta.columnMapping.mode'] ?? 'none';
  if (mode === 'none' || mode === 'name' || mode === 'id') return mode;
  throw new LakesteadError('DELTA_UNSUPPORTED', `the column mapping mode ${mode} is not supported`, {
    data: { features: ['columnMapping'] },
  });
}

/** A field's name in files, statistics and partition values: its own, or the one that column mapping gave it. */
export function physicalName(field: StructField, mapping: ColumnMapping): string {
  const name = field.metadata['delta.columnMapping.physicalName'];
  return mapping !== 'none' && typeof name === 'string' ? name : field.name;
}

/**
 * The names under which files give the values of the partition columns, in the metadata's order.
 *
 * @param known the schema, where it is not the metadata's own
 */
export function partitionKeys(metadata: Metadata | undefined, known?: StructType): readonly string[] {
  if (metadata === undefined || metadata.partitionColumns.length === 0) return [];
  const mapping = columnMappingOf(metadata);
  if (mapping === 'none') return metadata.partitionColumns;
  const schema = known ?? parseSchema(metadata.schemaString, 'the metadata');
  return metadata.partitionColumns.map((name) => {
    const field = findField(schema, name);
    return field === undefined ? name : physicalName(field, mapping);
  });
}
