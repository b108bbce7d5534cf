import { LakesteadError } from '#core';
import type { Lease } from '#engine';
import { sql } from '#sql';

import type { Action } from './actions.ts';
import { changeSchema, columnAt, type ColumnPath, describePath } from './alter-schema.ts';
import { clusteringAction } from './clustering.ts';
import { columnMappingOf } from './column-mapping.ts';
import { identityOf } from './column-values.ts';
import { addOf, newCommitInfo } from './commit-actions.ts';
import { writtenType } from './duckdb-types.ts';
import { defineTable } from './evolve.ts';
import { featuresOf } from './features.ts';
import { checkProperties, isOn } from './properties.ts';
import { planToSql } from './relation.ts';
import { constraintsOf, countBroken } from './row-checks.ts';
import { planScan } from './scan-plan.ts';
import { type DeltaType, findField, type StructField, type StructType } from './schema.ts';
import { type Snapshot, type TableLocation, withLease } from './snapshot.ts';
import { nothingStaged } from './stage.ts';
import type { WriteOptions } from './table.ts';
import { widenColumn } from './type-widening.ts';
import { checkSchemaNames } from './write-plan.ts';
import { finish, loadForWrite } from './write.ts';

/** Where a column goes: to the front, or behind another one. */
type Position = { readonly kind: 'first' } | { readonly kind: 'after'; readonly column: string };

/** A change of a table that writes no data. Columns are named by themselves, fields of structs by their paths. */
export type Alteration =
  | { readonly kind: 'setProperties'; readonly properties: Readonly<Record<string, string>> }
  | { readonly kind: 'unsetProperties'; readonly keys: readonly string[]; readonly ifExists?: boolean | undefined }
  | {
      readonly kind: 'addColumns';
      readonly columns: readonly {
        readonly field: StructField;
        /** The struct that it goes into; default the table itself. */
        readonly inside?: ColumnPath | undefined;
        readonly position?: Position | undefined;
      }[];
    }
  /** Both need column mapping: files stay as they are. */
  | { readonly kind: 'renameColumn'; readonly column: ColumnPath; readonly name: string }
  | { readonly kind: 'dropColumns'; readonly columns: readonly ColumnPath[]; readonly ifExists?: boolean | undefined }
  | { readonly kind: 'commentColumn'; readonly column: ColumnPath; readonly comment: string }
  | { readonly kind: 'moveColumn'; readonly column: ColumnPath; readonly position: Position }
  /** Lets a column be null. */
  | { readonly kind: 'dropNotNull'; readonly column: ColumnPath }
  /** Refused where a row has a null. */
  | { readonly kind: 'setNotNull'; readonly column: ColumnPath }
  /** Spark's text of what a column is where a write does not say; none for no default any more. */
  | { readonly kind: 'setDefault'; readonly column: string; readonly value: string | undefined }
  /** To a type that takes every value of the old one; needs `delta.enableTypeWidening`. */
  | { readonly kind: 'widenColumn'; readonly column: ColumnPath; readonly type: DeltaType }
  /** The next number of an identity column is behind the highest that is there. */
  | { readonly kind: 'syncIdentity'; readonly column: string }
  /** Spark's text of what each row fulfils; refused where one does not. */
  | { readonly kind: 'addConstraint'; readonly name: string; readonly condition: string }
  | { readonly kind: 'dropConstraint'; readonly name: string; readonly ifExists?: boolean | undefined }
  /** The columns by which OPTIMIZE keeps rows together; none for none any more. */
  | { readonly kind: 'clusterBy'; readonly columns: readonly string[] };

export type AlterOptions = Partial<Pick<WriteOptions, 'lease' | 'signal' | 'userMetadata'>>;

type Performed = {
  readonly operation: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly schema?: StructType;
  readonly properties?: Readonly<Record<string, string | null>>;
  readonly partitionColumns?: readonly string[];
  readonly features?: readonly string[];
  readonly more?: readonly Action[];
  /** All rows were looked at. */
  readonly readsRows?: boolean;
};

/**
 * Changes a table by a commit that writes no data: see {@link DeltaTable.alter}.
 *
 * @throws {LakesteadError} `DELTA_UNSUPPORTED` for what Delta does not have or we do not write, `DELTA_SCHEMA_MISMATCH`,
 *   `DELTA_CONSTRAINT` when a row breaks a new rule
 */
export async function alterTable(
  location: TableLocation,
  change: Alteration,
  options: AlterOptions = {},
): Promise<{ readonly version: number }> {
  return await withLease(location, options, async (lease) => await alter(location, change, { ...options, lease }));
}

async function alter(location: TableLocation, change: Alteration, options: AlterOptions & { readonly lease: Lease }) {
  const snapshot = await loadForWrite(location, options, false);
  const done = await perform(change, snapshot, location, options);
  const { operation, parameters, schema = snapshot.schema, properties = snapshot.metadata.configuration, more = [] } = done;
  const metadata = {
    ...snapshot.metadata,
    configuration: { ...properties },
    partitionColumns: [...(done.partitionColumns ?? snapshot.partitionColumns)],
  };
  const definition = defineTable(snapshot, { metadata, schema, features: done.features ?? [] }, snapshot.table);
  checkSchemaNames(definition.schema, snapshot.table, columnMappingOf(definition.metadata) !== 'none');
  const startsIds = isOn(definition.metadata.configuration, 'delta.enableRowTracking') && !isOn(snapshot.metadata.configuration, 'delta.enableRowTracking'); // prettier-ignore
  const backfill = startsIds ? withoutIds(snapshot) : [];
  const commitInfo = newCommitInfo(operation, parameters, snapshot.version, done.readsRows !== true, {}, options);
  // Even where nothing is new there is a commit, as in Spark.
  const actions = [...(definition.actions.length === 0 && more.length === 0 ? [{ metaData: definition.metadata }] : definition.actions), ...more, ...backfill]; // prettier-ignore
  const reads = done.readsRows === true || backfill.length > 0 ? ('table' as const) : ('nothing' as const);
  const transaction = { readVersion: snapshot.version, actions, commitInfo, reads };
  const { version } = await finish(location, nothingStaged, transaction, 0, snapshot, options);
  return { version };
}

/** Files that were written before rows had ids: they come into the log again, with one for their first row. */
function withoutIds(snapshot: Snapshot): readonly Action[] {
  return snapshot.files.paths.flatMap((_, index) => {
    const add = addOf(snapshot, index);
    return add.baseRowId === undefined ? [{ add: { ...add, dataChange: false } }] : [];
  });
}

async function perform(
  change: Alteration,
  snapshot: Snapshot,
  location: TableLocation,
  options: AlterOptions & { readonly lease: Lease },
): Promise<Performed> {
  const { schema, metadata, table } = snapshot;
  const { configuration } = metadata;
  switch (change.kind) {
    case 'setProperties':
      checkProperties(change.properties, table);
      return {
        operation: 'SET TBLPROPERTIES',
        parameters: { properties: JSON.stringify(change.properties) },
        properties: { ...configuration, ...change.properties },
      };
    case 'unsetProperties':
      return unsetProperties(change.keys, change.ifExists ?? false, snapshot);
    case 'addColumns':
      return {
        operation: 'ADD COLUMNS',
        parameters: { columns: JSON.stringify(change.columns.map(({ field }) => ({ column: field }))) },
        schema: change.columns.reduce((all, { field, inside, position }) => addColumn(all, field, inside ?? [], position, table), schema),
      };
    case 'renameColumn':
      return renameColumn(change.column, change.name, snapshot);
    case 'dropColumns':
      return dropColumns(change.columns, change.ifExists ?? false, snapshot);
    case 'commentColumn':
      return changeColumn(change.column, snapshot, (field) => ({ ...field, metadata: { ...field.metadata, comment: change.comment } }));
    case 'dropNotNull':
      return changeColumn(change.column, snapshot, (field) => ({ ...field, nullable: true }));
    case 'setNotNull': {
      await refuseBroken(`${change.column.map((name) => `\`${name}\``).join('.')} IS NOT NULL`, `${describePath(change.column)} is not null`, snapshot, location, options); // prettier-ignore
      return { ...changeColumn(change.column, snapshot, (field) => ({ ...field, nullable: false })), readsRows: true };
    }
    case 'setDefault':
      return setDefault(change.column, change.value, snapshot);
    case 'widenColumn':
      return changeColumn(change.column, snapshot, (field) => widenColumn(field, change.type, snapshot));
    case 'syncIdentity':
      return await syncIdentity(change.column, snapshot, location, options);
    case 'moveColumn': {
      const { column, position } = change;
      const field = columnAt(schema, column, table);
      const moved = changeSchema(schema, column.slice(0, -1), (fields) =>
        insertField(
          fields.filter((one) => one !== field),
          field,
          position,
          table,
        ),
      );
      return { ...changeColumn(column, snapshot, (one) => one), schema: moved };
    }
    case 'addConstraint': {
      const { condition } = change;
      const name = change.name.toLowerCase();
      if (constraintsOf(metadata).has(name))
        throw new LakesteadError('DELTA_SCHEMA_MISMATCH', `${table} has a constraint ${name} already; nothing was changed`);
      await refuseBroken(condition, `the constraint ${name}, ${condition}`, snapshot, location, options);
      return {
        operation: 'ADD CONSTRAINT',
        parameters: { name, expr: condition },
        properties: { ...configuration, [`delta.constraints.${name}`]: condition },
        readsRows: true,
      };
    }
    case 'dropConstraint': {
      const name = change.name.toLowerCase();
      const before = constraintsOf(metadata).get(name);
      if (before === undefined && change.ifExists !== true)
        throw new LakesteadError('DELTA_SCHEMA_MISMATCH', `${table} has no constraint ${name}; nothing was changed`, {
          hint: 'DROP CONSTRAINT IF EXISTS passes over it',
        });
      return {
        operation: 'DROP CONSTRAINT',
        parameters: { name, ...(before === undefined ? {} : { expr: before }), existed: String(before !== undefined) },
        properties: Object.fromEntries(Object.entries(configuration).filter(([key]) => key !== `delta.constraints.${name}`)),
      };
    }
    case 'clusterBy': {
      const isClustered = featuresOf(snapshot.protocol).writer.includes('clustering');
      if (!isClustered && change.columns.length === 0) return { operation: 'CLUSTER BY', parameters: { newClusteringColumns: '' } };
      return {
        operation: 'CLUSTER BY',
        parameters: { newClusteringColumns: change.columns.join(',') },
        features: ['clustering'],
        more: [clusteringAction(change.columns, snapshot, table)],
      };
    }
  }
}

function unsetProperties(keys: readonly string[], ifExists: boolean, { metadata: { configuration }, table }: Snapshot): Performed {
  const missing = keys.filter((key) => !Object.hasOwn(configuration, key));
  if (missing.length > 0 && !ifExists)
    throw new LakesteadError('DELTA_SCHEMA_MISMATCH', `${table} has no property ${missing.join(', ')}; nothing was changed`, {
      hint: 'UNSET TBLPROPERTIES IF EXISTS passes over it',
    });
  const own = keys.find(
    (key) => /^delta\.(?:constraints|columnMapping|rowTracking|inCommitTimestamp)/.test(key) && Object.hasOwn(configuration, key),
  );
  if (own !== undefined)
    throw new LakesteadError('DELTA_UNSUPPORTED', `the property ${own} of ${table} cannot be taken away; nothing was changed`, {
      hint: 'DROP CONSTRAINT and DROP FEATURE do so with what belongs to it',
      data: { features: [own] },
    });
  return {
    operation: 'UNSET TBLPROPERTIES',
    parameters: { properties: JSON.stringify(keys), ifExists: String(ifExists) },
    properties: Object.fromEntries(Object.entries(configuration).filter(([key]) => !keys.includes(key))),
  };
}

/** Refuses a rule that a row of the table does not keep. */
async function refuseBroken(
  condition: string,
  rule: string,
  snapshot: Snapshot,
  location: TableLocation,
  { lease, signal }: AlterOptions & { readonly lease: Lease },
): Promise<void> {
  const rows = await planToSql(planScan(snapshot), location.store, { scope: lease, signal });
  const [row] = await lease.rows(countBroken(rows, condition), { signal });
  if (Number(row?.['n']) === 0) return;
  throw new LakesteadError(
    'DELTA_CONSTRAINT',
    `${String(row?.['n'])} rows of ${snapshot.table} break the new rule: ${rule}; nothing was changed`,
    {
      hint: 'mend or delete these rows first',
      data: { rule },
    },
  );
}

function changeColumn(path: ColumnPath, { schema, table }: Snapshot, change: (field: StructField) => StructField): Performed {
  const field = columnAt(schema, path, table);
  const changed = change(field);
  return {
    operation: 'CHANGE COLUMN',
    parameters: { column: JSON.stringify(changed) },
    schema: changeSchema(schema, path.slice(0, -1), (fields) => fields.map((one) => (one === field ? changed : one))),
  };
}

function addColumn(schema: StructType, field: StructField, inside: ColumnPath, position: Position | undefined, table: string): StructType {
  if (inside.length > 0) columnAt(schema, inside, table);
  if (!field.nullable)
    throw new LakesteadError(
      'DELTA_SCHEMA_MISMATCH',
      `${field.name} may not be null, and the rows of ${table} have no value for it; nothing was changed`,
    );
  if ('CURRENT_DEFAULT' in field.metadata || 'delta.generationExpression' in field.metadata || identityOf(field) !== undefined)
    throw new LakesteadError(
      'DELTA_UNSUPPORTED',
      `${field.name} cannot come into ${table} with a default, numbers or as a generated column, since older rows have no value for it; nothing was changed`,
      { hint: 'add the column first, then ALTER COLUMN ... SET DEFAULT' },
    );
  writtenType(field.type); // refuses what could not be written
  return changeSchema(schema, inside, (fields) => {
    if (findField({ type: 'struct', fields }, field.name) !== undefined)
      throw new LakesteadError('DELTA_SCHEMA_MISMATCH', `${table} has a column ${field.name} already; nothing was changed`);
    return position === undefined ? [...fields, field] : insertField(fields, field, position, table);
  });
}

function insertField(fields: readonly StructField[], field: StructField, position: Position, table: string): readonly StructField[] {
  if (position.kind === 'first') return [field, ...fields];
  const at = fields.indexOf(columnAt({ type: 'struct', fields }, [position.column], table));
  return fields.toSpliced(at + 1, 0, field);
}

function refuseUnmapped({ metadata, table }: Snapshot, what: string): void {
  if (columnMappingOf(metadata) !== 'none') return;
  throw new LakesteadError(
    'DELTA_UNSUPPORTED',
    `${what} of ${table} needs column mapping, since its files stay as they are; nothing was changed`,
    {
      hint: "ALTER TABLE ... SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name') switches it on",
      data: { features: ['columnMapping'] },
    },
  );
}

/** Refuses to change a column that an expression of the table names. */
function refuseNamed(path: ColumnPath, { schema, metadata, table }: Snapshot): void {
  const [name = ''] = path;
  const names = new RegExp(`(?<![\\w\`])\`?${name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}\`?(?![\\w\`])`, 'i');
  const [constraint] = [...constraintsOf(metadata)].find(([, text]) => names.test(text)) ?? [];
  const generated = schema.fields.find((field) => names.test(String(field.metadata['delta.generationExpression'] ?? '')));
  const by = constraint === undefined ? generated?.name : `the constraint ${constraint}`;
  if (by === undefined) return;
  throw new LakesteadError('DELTA_UNSUPPORTED', `${describePath(path)} of ${table} is used by ${by}; nothing was changed`, {
    hint: 'drop that first',
  });
}

function renameColumn(path: ColumnPath, name: string, snapshot: Snapshot): Performed {
  const { schema, table, partitionColumns } = snapshot;
  refuseUnmapped(snapshot, 'renaming a column');
  refuseNamed(path, snapshot);
  const field = columnAt(schema, path, table);
  const renamed = changeSchema(schema, path.slice(0, -1), (fields) => {
    const other = findField({ type: 'struct', fields }, name);
    if (other !== undefined && other !== field)
      throw new LakesteadError('DELTA_SCHEMA_MISMATCH', `${table} has a column ${name} already; nothing was changed`);
    return fields.map((one) => (one === field ? { ...one, name } : one));
  });
  return {
    operation: 'RENAME COLUMN',
    parameters: { oldColumnPath: describePath(path), newColumnPath: describePath([...path.slice(0, -1), name]) },
    schema: renamed,
    partitionColumns: path.length === 1 ? partitionColumns.map((one) => (one === field.name ? name : one)) : partitionColumns,
  };
}

function dropColumns(paths: readonly ColumnPath[], ifExists: boolean, snapshot: Snapshot): Performed {
  const { table, partitionColumns } = snapshot;
  refuseUnmapped(snapshot, 'dropping a column');
  let { schema } = snapshot;
  for (const path of paths) {
    if (ifExists && !hasColumn(schema, path)) continue;
    const field = columnAt(schema, path, table);
    refuseNamed(path, snapshot);
    if (path.length === 1 && partitionColumns.includes(field.name))
      throw new LakesteadError(
        'DELTA_UNSUPPORTED',
        `${field.name} is a partition column of ${table} and cannot be dropped; nothing was changed`,
      );
    schema = changeSchema(schema, path.slice(0, -1), (fields) => {
      if (fields.length > 1) return fields.filter((one) => one !== field);
      throw new LakesteadError('DELTA_UNSUPPORTED', `${describePath(path)} is the last column of what it is in; nothing was changed`);
    });
  }
  return { operation: 'DROP COLUMNS', parameters: { columns: JSON.stringify(paths.map(describePath)) }, schema };
}

function hasColumn(schema: StructType, path: ColumnPath): boolean {
  let fields: StructType | undefined = schema;
  for (const name of path) {
    const field: StructField | undefined = fields === undefined ? undefined : findField(fields, name);
    if (field === undefined) return false;
    fields = typeof field.type !== 'string' && field.type.type === 'struct' ? field.type : undefined;
  }
  return true;
}

function setDefault(column: string, value: string | undefined, snapshot: Snapshot): Performed {
  return changeColumn([column], snapshot, (field) => {
    const { CURRENT_DEFAULT: _, ...rest } = field.metadata;
    return { ...field, metadata: value === undefined ? rest : { ...rest, CURRENT_DEFAULT: value } };
  });
}

async function syncIdentity(
  column: string,
  snapshot: Snapshot,
  location: TableLocation,
  { lease, signal }: AlterOptions & { readonly lease: Lease },
): Promise<Performed> {
  const field = columnAt(snapshot.schema, [column], snapshot.table);
  const identity = identityOf(field);
  if (identity === undefined)
    throw new LakesteadError('DELTA_SCHEMA_MISMATCH', `${column} of ${snapshot.table} is no identity column; nothing was changed`);
  const rows = await planToSql(planScan(snapshot, { columns: [field.name] }), location.store, { scope: lease, signal });
  const [row] = await lease.rows(sql`SELECT min(c)::VARCHAR AS low, max(c)::VARCHAR AS high FROM (${rows}) AS t(c)`, { signal });
  const edge = row?.[identity.step > 0n ? 'high' : 'low'];
  if (typeof edge !== 'string') return changeColumn([column], snapshot, (one) => one);
  // The next one on the same ladder that is not before the edge.
  const { start, step } = identity;
  const steps = (BigInt(edge) - start) / step;
  const reached = start + steps * step;
  const last = reached === BigInt(edge) || (BigInt(edge) - start) * step < 0n ? reached : reached + step;
  const changed = changeColumn([column], snapshot, (one) => ({
    ...one,
    metadata: { ...one.metadata, 'delta.identity.highWaterMark': Number(last) },
  }));
  return { ...changed, operation: 'SYNC IDENTITY', parameters: {}, readsRows: true };
}
