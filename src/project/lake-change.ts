import { LakesteadError } from '#core';
import type { ChangeResult, DeltaTable, MergeClause } from '#delta';
import type { DeltaStatement, Fragment, Name } from '#delta-sql';
import { ident, type Sql, sql } from '#sql';

import { defaultText } from './column-default.ts';
import { changed, compile, compileExpressions, type Context, openNamed, type StatementRows } from './lake-context.ts';

type Verb<K extends DeltaStatement['kind']> = Extract<DeltaStatement, { kind: K }>;

/** `DELETE FROM`, in Spark's words and with its one row of counts. */
export async function deleteFrom({ table: name, alias, where }: Verb<'delete'>, context: Context): Promise<StatementRows> {
  const table = await openNamed(name, context);
  const texts = new Map<Sql, string>();
  const condition = await compileCondition(where, context, texts);
  const { lease, signal } = context;
  return affected(await table.delete(condition, { lease, signal, as: aliasOf(name, alias), conditionTexts: texts }));
}

/** `UPDATE ... SET`. */
export async function update(statement: Verb<'update'>, context: Context): Promise<StatementRows> {
  const { table: name, alias, assignments, where } = statement;
  const table = await openNamed(name, context);
  const as = aliasOf(name, alias);
  const texts = new Map<Sql, string>();
  const condition = await compileCondition(where, context, texts);
  const set = await compileSet(assignments, { table, as }, context);
  const { lease, signal } = context;
  return affected(await table.update(set, condition, { lease, signal, as, conditionTexts: texts }));
}

/** `MERGE INTO ... USING ... ON`. */
export async function merge(statement: Verb<'merge'>, context: Context): Promise<StatementRows> {
  const { table: name, alias, source, sourceAlias, on, clauses, withSchemaEvolution } = statement;
  const table = await openNamed(name, context);
  const as = aliasOf(name, alias);
  const sourceAs = sourceAlias ?? lastPart(source.text) ?? 's';
  const query = await compile({ ...source, text: `SELECT * FROM ${source.text}` }, context);
  const texts = new Map<Sql, string>();
  const condition = (await compileCondition(on, context, texts)) ?? sql`true`;
  const compiled: MergeClause[] = [];
  for (const clause of clauses) {
    const and = await compileCondition(clause.condition, context, texts);
    switch (clause.action) {
      case 'delete':
        compiled.push({ when: clause.when, action: 'delete', condition: and });
        break;
      case 'update':
        compiled.push({
          when: clause.when,
          action: 'update',
          condition: and,
          set: await compileSet(clause.assignments, { table, as }, context),
        });
        break;
      case 'insert': {
        const { columns, values } = clause;
        const nested = columns.find(({ parts }) => parts.length > (parts[0]?.toLowerCase() === as.toLowerCase() ? 2 : 1));
        if (nested !== undefined)
          throw new LakesteadError(
            'SQL_NOT_SUPPORTED',
            `${nested.parts.join('.')} of a new row is not supported: give the whole column; nothing was changed`,
          );
        const pairs = columns.map((column, index) => ({ column, value: values[index] ?? on }));
        compiled.push({ when: clause.when, action: 'insert', condition: and, values: await compileSet(pairs, { table, as }, context) });
        break;
      }
      case 'updateAll':
        compiled.push({ when: clause.when, action: 'updateAll', condition: and });
        break;
      case 'insertAll':
        compiled.push({ when: clause.when, action: 'insertAll', condition: and });
    }
  }
  const { lease, signal } = context;
  const schemaMode = withSchemaEvolution ? ('merge' as const) : ('strict' as const);
  const result = await table.merge({
    schemaMode,
    lease,
    signal,
    as,
    sourceAs,
    source: query,
    on: condition,
    clauses: compiled,
    conditionTexts: texts,
  });
  const { rowsUpdated, rowsDeleted, rowsInserted } = result;
  return changed({
    num_affected_rows: rowsUpdated + rowsDeleted + rowsInserted,
    num_updated_rows: rowsUpdated,
    num_deleted_rows: rowsDeleted,
    num_inserted_rows: rowsInserted,
  });
}

function affected({ rowsUpdated, rowsDeleted }: ChangeResult): StatementRows {
  return changed({ num_affected_rows: rowsUpdated + rowsDeleted });
}

/** What a table without an alias is called: the last part of its name. */
function lastPart(source: string): string | undefined {
  const name = /^(?:"(?:[^"]|"")*"|[\p{L}_$][\p{L}\p{N}_$]*)(?:\.(?:"(?:[^"]|"")*"|[\p{L}_$][\p{L}\p{N}_$]*))*/u.exec(source)?.[0];
  const part = /(?:"((?:[^"]|"")*)"|[^.]+)$/.exec(name ?? '');
  return part === null ? undefined : (part[1]?.replaceAll('""', '"') ?? part[0]);
}

/** What the statement calls its table: the alias, else the last part of the name. */
function aliasOf({ parts }: Name, alias: string | undefined): string {
  return alias ?? parts.at(-1) ?? 't';
}

/** A condition, which is looked at twice: to find the files and to write them again. Its text is kept for the history. */
async function compileCondition(fragment: Fragment | undefined, context: Context, texts: Map<Sql, string>): Promise<Sql | undefined> {
  if (fragment === undefined) return undefined;
  const found = /\b(random|uuid|uuidv4|uuidv7|gen_random_uuid)\s*\(/i.exec(fragment.text)?.[1];
  if (found !== undefined)
    throw new LakesteadError('SQL_NOT_SUPPORTED', `${found}() in a condition gives another answer each time; nothing was changed`);
  const [condition = sql`true`] = await compileExpressions([fragment], context);
  texts.set(condition, fragment.text.trim());
  return condition;
}

async function compileSet(
  assignments: readonly { readonly column: Name; readonly value: Fragment }[],
  { table, as }: { readonly table: DeltaTable; readonly as: string },
  context: Context,
): Promise<Readonly<Record<string, Sql>>> {
  const isDefault = ({ value }: { readonly value: Fragment }) => value.text.trim().toUpperCase() === 'DEFAULT';
  const schema = assignments.some(isDefault) ? (await table.snapshot(context)).schema : undefined;
  const values = await compileExpressions(
    assignments.map(({ column, value }) => {
      if (schema === undefined || !isDefault({ value })) return value;
      const path = pathOf(column, as);
      if (path.length === 1) return { ...value, text: defaultText(schema, path[0]) };
      throw new LakesteadError('SQL_NOT_SUPPORTED', `${path.join('.')} has no DEFAULT: only whole columns have one; nothing was changed`);
    }),
    context,
  );
  const set = new Map<string, { readonly value: Sql; readonly isWhole: boolean }>();
  for (const [index, { column }] of assignments.entries()) {
    const [name = '', ...path] = pathOf(column, as);
    const key = [...set.keys()].find((other) => other.toLowerCase() === name.toLowerCase()) ?? name;
    const before = set.get(key);
    // Fields of one struct may be set side by side.
    if (before !== undefined && (before.isWhole || path.length === 0))
      throw new LakesteadError('SQL_SYNTAX', `${name} is set twice; nothing was changed`);
    const value = values[index] ?? sql`NULL`;
    set.set(key, { value: withField(before?.value ?? ident(as, name), path, value), isWhole: path.length === 0 });
  }
  return Object.fromEntries([...set].map(([name, { value }]) => [name, value]));
}

/** A column, and the fields in it, without the table's name before them. */
function pathOf({ parts }: Name, as: string): readonly string[] {
  return parts.length > 1 && parts[0]?.toLowerCase() === as.toLowerCase() ? parts.slice(1) : parts;
}

/** A struct with a new value of a field in it; of NULL it is one whose other fields are NULL, as in Spark. */
function withField(struct: Sql, [name, ...path]: readonly string[], value: Sql): Sql {
  return name === undefined
    ? value
    : sql`struct_update(${struct}, ${ident(name)} := ${withField(sql`(${struct}).${ident(name)}`, path, value)})`;
}
