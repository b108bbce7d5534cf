import type { Alteration } from '#delta';
import { type DeltaStatement, toSparkText } from '#delta-sql';

import { fieldOf, typeOf } from './column-definition.ts';
import { changed, type Context, openNamed, type StatementRows } from './lake-context.ts';

type Verb<K extends DeltaStatement['kind']> = Extract<DeltaStatement, { kind: K }>;
type Change = Verb<'alter'>['change'];

/** `ALTER TABLE`: what the log alone can change, and dropped features. */
export async function alter({ table: name, change }: Verb<'alter'>, context: Context): Promise<StatementRows> {
  const table = await openNamed(name, context);
  const { lease, signal } = context;
  if (change.kind === 'dropFeature') await table.dropFeature(change.feature, { truncateHistory: change.truncateHistory, lease, signal });
  else await table.alter(describe(change), { lease, signal });
  return changed({ num_affected_rows: 0 });
}

function describe(change: Exclude<Change, { kind: 'dropFeature' }>): Alteration {
  switch (change.kind) {
    case 'setProperties':
    case 'unsetProperties':
    case 'dropConstraint':
      return change;
    case 'addColumns':
      return {
        kind: 'addColumns',
        columns: change.columns.map((column) => ({
          field: fieldOf(column),
          inside: column.name.parts.slice(0, -1),
          position: column.position,
        })),
      };
    case 'renameColumn':
      return { kind: 'renameColumn', column: change.column.parts, name: change.newName };
    case 'dropColumns':
      return { kind: 'dropColumns', columns: change.columns.map(({ parts }) => parts), ifExists: change.ifExists };
    case 'addConstraint':
      return { kind: 'addConstraint', name: change.constraint.name, condition: toSparkText(change.constraint.condition.text.trim()) };
    case 'clusterBy':
      return { kind: 'clusterBy', columns: change.columns.map(({ parts }) => parts.join('.')) };
    case 'alterColumn':
      return describeColumnChange(change.column.parts, change.change);
  }
}

function describeColumnChange(column: readonly string[], change: Extract<Change, { kind: 'alterColumn' }>['change']): Alteration {
  switch (change.kind) {
    case 'comment':
      return { kind: 'commentColumn', column, comment: change.comment };
    case 'position':
      return { kind: 'moveColumn', column, position: change.position };
    case 'nullable':
      return { kind: change.nullable ? 'dropNotNull' : 'setNotNull', column };
    case 'type':
      return { kind: 'widenColumn', column, type: typeOf(change.type.text) };
    case 'default':
      return {
        kind: 'setDefault',
        column: column.join('.'),
        value: change.value === undefined ? undefined : toSparkText(change.value.text.trim()),
      };
    case 'syncIdentity':
      return { kind: 'syncIdentity', column: column.join('.') };
  }
}
