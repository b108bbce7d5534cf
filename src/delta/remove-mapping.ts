import type { Metadata } from './actions.ts';
import { newCommitInfo, removes } from './commit-actions.ts';
import { planToSql } from './relation.ts';
import { planScan } from './scan-plan.ts';
import { formatSchema, type StructType } from './schema.ts';
import type { TableLocation } from './snapshot.ts';
import type { WriteOptions } from './table.ts';
import { checkSchemaNames } from './write-plan.ts';
import { finish, loadForWrite, stage } from './write.ts';

const mappingKeys = ['delta.columnMapping.id', 'delta.columnMapping.physicalName'];
const mappingProperties = ['delta.columnMapping.mode', 'delta.columnMapping.maxColumnId'];

/**
 * Writes all files of a table again under the names that its columns have, so that it needs no column mapping any more: no row
 * changes.
 *
 * @throws {LakesteadError} `DELTA_SCHEMA_MISMATCH` for a name that files without mapping cannot have
 */
export async function removeMapping(
  location: TableLocation,
  options: Pick<WriteOptions, 'lease' | 'signal' | 'userMetadata'>,
): Promise<void> {
  const { lease, signal } = options;
  const snapshot = await loadForWrite(location, options, false);
  const bare = JSON.parse(
    JSON.stringify(snapshot.schema, (key, value: unknown) => (mappingKeys.includes(key) ? undefined : value)),
  ) as StructType; // the schema itself, without those notes
  checkSchemaNames(bare, snapshot.table);
  const configuration = Object.fromEntries(
    Object.entries(snapshot.metadata.configuration).filter(([key]) => !mappingProperties.includes(key)),
  );
  const metadata: Metadata = { ...snapshot.metadata, configuration, schemaString: formatSchema(bare) };
  const plan = planScan(snapshot);
  const tracked = plan.rowColumns !== undefined;
  const rows = await planToSql(plan, location.store, { scope: lease, signal, rowIds: tracked });
  const layout = { ...snapshot, schema: bare, metadata };
  const staged = await stage(location, rows, layout, { ...options, isChecked: true, keepsRowIds: tracked });
  const actions = [
    { metaData: metadata },
    ...staged.files.map((add) => ({ add: { ...add, dataChange: false } })),
    ...removes(snapshot).map(({ remove }) => (remove ? { remove: { ...remove, dataChange: false } } : {})),
  ];
  const commitInfo = newCommitInfo(
    'REMOVE COLUMN MAPPING',
    {},
    snapshot.version,
    false,
    { numRewrittenFiles: snapshot.files.count },
    options,
  );
  await finish(
    location,
    staged,
    { readVersion: snapshot.version, actions, commitInfo, reads: 'table' },
    snapshot.files.count,
    snapshot,
    options,
  );
}
