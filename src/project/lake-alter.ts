import { LakesteadError } from '#core';
import type { Alteration, StructField } from '#delta';
import type { ColumnDefinition, DeltaStatement, Name } from '#delta-sql';

import { fieldOf } from './column-definition.ts';
import { changed, type Context, openNamed, type StatementRows } from './lake-context.ts';

type Verb<K extends DeltaStatement['kind']> = Extract<DeltaStatement, { kind: K }>;

/** `ALTER TABLE`: what the log alone can change. */
export async function alter({ table: name, change }: Verb<'alter'>, context: Context): Promise<StatementRows> {
  const alteration = describe(change);
  const table = await openNamed(name, context);
  await table.alter(alteration, { lease: context.lease, signal: context.signal });
  return changed({ num_affected_rows: 0 });
}

const refused = {
  dropColumns: 'ALTER TABLE ... DROP COLUMN, which needs column mapping,',
  renameColumn: 'ALTER TABLE ... RENAME COLUMN, which needs column mapping,',
  addConstraint: 'ALTER TABLE ... ADD CONSTRAINT',
  dropConstraint: 'ALTER TABLE ... DROP CONSTRAINT',
  dropFeature: 'ALTER TABLE ... DROP FEATURE',
  clusterBy: 'ALTER TABLE ... CLUSTER BY',
} as const;

function describe(change: Verb<'alter'>['change']): Alteration {
  switch (change.kind) {
    case 'setProperties':
      return change;
    case 'unsetProperties':
      return change;
    case 'addColumns':
      return { kind: 'addColumns', columns: change.columns.map((column) => ({ field: newColumn(column), position: column.position })) };
    case 'alterColumn':
      return describeColumnChange(topLevel(change.column), change.change);
    default:
      throw notSupported(refused[change.kind]);
  }
}

function describeColumnChange(column: string, change: Extract<Verb<'alter'>['change'], { kind: 'alterColumn' }>['change']): Alteration {
  switch (change.kind) {
    case 'comment':
      return { kind: 'commentColumn', column, comment: change.comment };
    case 'position':
      return { kind: 'moveColumn', column, position: change.position };
    case 'nullable':
      if (change.nullable) return { kind: 'dropNotNull', column };
      throw notSupported('ALTER COLUMN ... SET NOT NULL');
    case 'type':
      throw notSupported('ALTER COLUMN ... TYPE');
    case 'default':
      throw notSupported('ALTER COLUMN ... DEFAULT');
    case 'syncIdentity':
      throw notSupported('ALTER COLUMN ... SYNC IDENTITY');
  }
}

function newColumn(column: ColumnDefinition): StructField {
  topLevel(column.name);
  return fieldOf(column);
}

function topLevel({ parts }: Name): string {
  const [name = '', ...rest] = parts;
  if (rest.length > 0) throw notSupported(`a field of a struct (${parts.join('.')})`);
  return name;
}

function notSupported(what: string): LakesteadError {
  return new LakesteadError('SQL_NOT_SUPPORTED', `${what} is not supported yet; nothing was changed`);
}
