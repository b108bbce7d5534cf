import { LakesteadError } from '#core';

import type { Action } from './actions.ts';
import { columnMappingOf, physicalName } from './column-mapping.ts';
import { clusteringColumns, domainNames } from './domain-metadata.ts';
import type { Definition } from './evolve.ts';
import { findField, type StructField, type StructType } from './schema.ts';
import type { Snapshot } from './snapshot.ts';

const domain = domainNames.clustering;
const maxColumns = 4;

/**
 * Says by which columns a table is clustered; no columns for none any more.
 *
 * @param names columns, or fields of structs with dots
 * @throws {LakesteadError} `DELTA_SCHEMA_MISMATCH` for one that rows cannot be kept together by
 */
export function clusteringAction(names: readonly string[], definition: Pick<Definition, 'schema' | 'metadata'>, table: string): Action {
  const { schema, metadata } = definition;
  const refuse = (why: string) => new LakesteadError('DELTA_SCHEMA_MISMATCH', `${table} cannot be clustered: ${why}; nothing was written`);
  if (names.length > maxColumns) throw refuse(`${names.length} columns are more than ${maxColumns}`);
  if (metadata.partitionColumns.length > 0) throw refuse('it has partitions');
  const mapping = columnMappingOf(metadata);
  const paths = names.map((name) => {
    const path = fieldsOf(schema, name);
    const last = path.at(-1);
    if (last === undefined) throw refuse(`it has no column ${name}`);
    if (typeof last.type !== 'string' || ['binary', 'boolean', 'variant', 'void'].includes(last.type))
      throw refuse(`${name} is of a type without an order in statistics`);
    return path.map((field) => physicalName(field, mapping));
  });
  return { domainMetadata: { domain, configuration: JSON.stringify({ clusteringColumns: paths, domainName: domain }), removed: false } };
}

function fieldsOf(schema: StructType, name: string): readonly StructField[] {
  const path: StructField[] = [];
  let fields: StructType | undefined = schema;
  for (const part of name.split('.')) {
    const field: StructField | undefined = fields === undefined ? undefined : findField(fields, part);
    if (field === undefined) return [];
    path.push(field);
    fields = typeof field.type !== 'string' && field.type.type === 'struct' ? field.type : undefined;
  }
  return path;
}

/** The columns by which a table is clustered, as paths of logical names; none where it is not. */
export function clusteringOf({ log, schema, metadata }: Snapshot): readonly (readonly string[])[] {
  const mapping = columnMappingOf(metadata);
  return clusteringColumns(log.domains).map((path) => {
    const names: string[] = [];
    let fields: StructType | undefined = schema;
    for (const physical of path) {
      const field: StructField | undefined = fields?.fields.find((one) => physicalName(one, mapping) === physical);
      names.push(field?.name ?? physical);
      fields = field !== undefined && typeof field.type !== 'string' && field.type.type === 'struct' ? field.type : undefined;
    }
    return names;
  });
}
