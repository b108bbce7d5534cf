import { LakesteadError } from '#core';

import { newCommitInfo } from './commit-actions.ts';
import { writtenType } from './duckdb-types.ts';
import { checkProperties } from './protocol-support.ts';
import { findField, formatSchema, type StructField, type StructType } from './schema.ts';
import type { Snapshot, TableLocation } from './snapshot.ts';
import { nothingStaged } from './stage.ts';
import type { WriteOptions } from './table.ts';
import { checkSchemaNames } from './write-plan.ts';
import { finish, loadForWrite } from './write.ts';

/** Where a column goes: to the front, or behind another one. */
type Position = { readonly kind: 'first' } | { readonly kind: 'after'; readonly column: string };

/** A change of a table that writes no file. */
export type Alteration =
  | { readonly kind: 'setProperties'; readonly properties: Readonly<Record<string, string>> }
  | { readonly kind: 'unsetProperties'; readonly keys: readonly string[]; readonly ifExists?: boolean | undefined }
  | { readonly kind: 'addColumns'; readonly columns: readonly { readonly field: StructField; readonly position?: Position | undefined }[] }
  | { readonly kind: 'commentColumn'; readonly column: string; readonly comment: string }
  | { readonly kind: 'moveColumn'; readonly column: string; readonly position: Position }
  /** Lets a column be null. */
  | { readonly kind: 'dropNotNull'; readonly column: string };

export type AlterOptions = Partial<Pick<WriteOptions, 'lease' | 'signal' | 'userMetadata'>>;

/**
 * Changes properties or columns by a commit of the log alone: see {@link DeltaTable.alter}.
 *
 * @throws {LakesteadError} `DELTA_UNSUPPORTED` for a property of a feature that we do not write, `DELTA_SCHEMA_MISMATCH`
 */
export async function alterTable(
  location: TableLocation,
  change: Alteration,
  options: AlterOptions = {},
): Promise<{ readonly version: number }> {
  const snapshot = await loadForWrite(location, options, false);
  const { metadata } = snapshot;
  const { operation, parameters, schema = snapshot.schema, properties = metadata.configuration } = perform(change, snapshot);
  checkSchemaNames(schema, snapshot.table);
  const changed = {
    ...metadata,
    configuration: { ...properties },
    schemaString: schema === snapshot.schema ? metadata.schemaString : formatSchema(schema),
  };
  const commitInfo = newCommitInfo(operation, parameters, snapshot.version, true, {}, options);
  const transaction = { readVersion: snapshot.version, actions: [{ metaData: changed }], commitInfo, reads: 'nothing' as const };
  const { version } = await finish(location, nothingStaged, transaction, 0, snapshot, options);
  return { version };
}

type Performed = {
  readonly operation: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly schema?: StructType;
  readonly properties?: Readonly<Record<string, string | null>>;
};

function perform(change: Alteration, { schema, metadata, table }: Snapshot): Performed {
  switch (change.kind) {
    case 'setProperties':
      checkProperties(change.properties, table);
      return {
        operation: 'SET TBLPROPERTIES',
        parameters: { properties: JSON.stringify(change.properties) },
        properties: { ...metadata.configuration, ...change.properties },
      };
    case 'unsetProperties': {
      const { keys, ifExists = false } = change;
      const missing = keys.filter((key) => !Object.hasOwn(metadata.configuration, key));
      if (missing.length > 0 && !ifExists)
        throw new LakesteadError('DELTA_SCHEMA_MISMATCH', `${table} has no property ${missing.join(', ')}; nothing was changed`, {
          hint: 'UNSET TBLPROPERTIES IF EXISTS passes over it',
        });
      return {
        operation: 'UNSET TBLPROPERTIES',
        parameters: { properties: JSON.stringify(keys), ifExists: String(ifExists) },
        properties: Object.fromEntries(Object.entries(metadata.configuration).filter(([key]) => !keys.includes(key))),
      };
    }
    case 'addColumns':
      return {
        operation: 'ADD COLUMNS',
        parameters: { columns: JSON.stringify(change.columns.map(({ field }) => ({ column: field }))) },
        schema: change.columns.reduce((all, { field, position }) => addColumn(all, field, position, table), schema),
      };
    case 'commentColumn': {
      const field = columnOf(schema, change.column, table);
      return changeColumn(schema, field, { ...field, metadata: { ...field.metadata, comment: change.comment } });
    }
    case 'dropNotNull': {
      const field = columnOf(schema, change.column, table);
      return changeColumn(schema, field, { ...field, nullable: true });
    }
    case 'moveColumn': {
      const field = columnOf(schema, change.column, table);
      const others: StructType = { type: 'struct', fields: schema.fields.filter((one) => one !== field) };
      return { ...changeColumn(schema, field, field), schema: insertColumn(others, field, change.position, table) };
    }
  }
}

function changeColumn(schema: StructType, field: StructField, changed: StructField): Performed {
  return {
    operation: 'CHANGE COLUMN',
    parameters: { column: JSON.stringify(changed) },
    schema: { type: 'struct', fields: schema.fields.map((one) => (one === field ? changed : one)) },
  };
}

function addColumn(schema: StructType, field: StructField, position: Position | undefined, table: string): StructType {
  if (findField(schema, field.name) !== undefined)
    throw new LakesteadError('DELTA_SCHEMA_MISMATCH', `${table} has a column ${field.name} already; nothing was changed`);
  if (!field.nullable)
    throw new LakesteadError(
      'DELTA_SCHEMA_MISMATCH',
      `${field.name} may not be null, and the rows of ${table} have no value for it; nothing was changed`,
    );
  writtenType(field.type); // refuses what could not be written
  return position === undefined ? { type: 'struct', fields: [...schema.fields, field] } : insertColumn(schema, field, position, table);
}

function insertColumn(schema: StructType, field: StructField, position: Position, table: string): StructType {
  const at = position.kind === 'first' ? 0 : schema.fields.indexOf(columnOf(schema, position.column, table)) + 1;
  return { type: 'struct', fields: schema.fields.toSpliced(at, 0, field) };
}

function columnOf(schema: StructType, name: string, table: string): StructField {
  const found = findField(schema, name);
  if (found !== undefined) return found;
  throw new LakesteadError('DELTA_SCHEMA_MISMATCH', `${table} has no column ${name}; nothing was changed`, {
    hint: `its columns are ${schema.fields.map((one) => one.name).join(', ')}`,
  });
}
