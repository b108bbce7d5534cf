import { LakesteadError } from '#core';
import { sparkExpression } from '#delta-sql';
import { ident, join, literal, type Sql, sql, unsafeSql } from '#sql';

import type { Metadata } from './actions.ts';
import { duckdbType } from './duckdb-types.ts';
import { featuresOf } from './features.ts';
import type { Snapshot } from './snapshot.ts';
import type { DeltaType, StructField } from './schema.ts';

/** One rule that each row of a table keeps. */
type RowCheck = { readonly rule: string; readonly holds: Sql };

const constraintPrefix = 'delta.constraints.';
/** Begins the engine's message of a row that breaks a rule; its number follows. */
const marker = 'lakestead row check ';

/** The CHECK constraints of a table: Spark's text by lower-case name. */
export function constraintsOf({ configuration }: Pick<Metadata, 'configuration'>): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(configuration).flatMap(([key, text]) =>
      key.startsWith(constraintPrefix) ? [[key.slice(constraintPrefix.length), text ?? '']] : [],
    ),
  );
}

/** A table as far as its rules for rows go. */
export type RuledTable = Pick<Snapshot, 'schema' | 'metadata' | 'protocol'>;

/** Constraints, invariants, generated columns, lengths of texts and NOT NULL below the top: what statistics alone cannot tell. */
function checksOf({ schema, metadata, protocol }: RuledTable): readonly RowCheck[] {
  const checks: RowCheck[] = [];
  const { writer } = featuresOf(protocol);
  const has = (feature: string) => writer.includes(feature);
  if (has('checkConstraints'))
    for (const [name, text] of constraintsOf(metadata))
      checks.push({ rule: `the constraint ${name}, ${text}`, holds: sparkExpression(text) });
  for (const field of schema.fields) {
    const { name, type, metadata: facts } = field;
    const generated = generationOf(field);
    if (generated !== undefined && has('generatedColumns'))
      checks.push({ rule: `${name} is generated as ${generated}`, holds: sql`(${ident(name)} IS NOT DISTINCT FROM CAST(${sparkExpression(generated)} AS ${unsafeSql(duckdbType(type))}))` }); // prettier-ignore
    const invariant = invariantOf(field);
    if (invariant !== undefined && has('invariants'))
      checks.push({ rule: `the invariant ${invariant} of ${name}`, holds: sparkExpression(invariant) });
    const length = /^(?:var)?char\((\d+)\)$/i.exec(String(facts['__CHAR_VARCHAR_TYPE_STRING'] ?? ''))?.[1];
    if (length !== undefined)
      checks.push({
        rule: `${name} has at most ${length} characters`,
        holds: sql`coalesce(length(${ident(name)}) <= ${literal(Number(length))}, true)`,
      });
    // Files have no statistics of structs, and none of the columns that name their folders.
    const isUncounted = typeof type !== 'string' || metadata.partitionColumns.includes(name);
    if (!field.nullable && isUncounted) checks.push({ rule: `${name} is not null`, holds: sql`${ident(name)} IS NOT NULL` });
    for (const path of notNullPaths(type, [name])) {
      const above = ident(...path.slice(0, -1));
      checks.push({ rule: `${path.join('.')} is not null`, holds: sql`(${above} IS NULL OR ${ident(...path)} IS NOT NULL)` });
    }
  }
  return checks;
}

/** Spark's text of how a column is generated. */
export function generationOf({ metadata }: StructField): string | undefined {
  const found = metadata['delta.generationExpression'];
  return typeof found === 'string' ? found : undefined;
}

/** `{"expression":{"expression":"x > 3"}}`, in a text. */
function invariantOf({ metadata }: StructField): string | undefined {
  const text = metadata['delta.invariants'];
  if (typeof text !== 'string') return undefined;
  const found = /"expression"\s*:\s*("(?:[^"\\]|\\.)*")/.exec(text)?.[1];
  return found === undefined ? undefined : String(JSON.parse(found));
}

function* notNullPaths(type: DeltaType, above: readonly string[]): Generator<readonly string[]> {
  if (typeof type === 'string' || type.type !== 'struct') return;
  for (const field of type.fields) {
    const path = [...above, field.name];
    if (!field.nullable) yield path;
    yield* notNullPaths(field.type, path);
  }
}

/** Rows that stop the statement where one breaks a rule of its table; `explain` says which one. */
export function checkRows(query: Sql, table: RuledTable, where: string): { readonly query: Sql; explain(error: unknown): unknown } {
  const checks = checksOf(table);
  if (checks.length === 0) return { query, explain: (error) => error };
  const cases = checks.map(({ holds }, index) => sql`CASE WHEN ${holds} THEN true ELSE error(${literal(`${marker}${index};`)}) END`);
  return {
    query: sql`SELECT * FROM (${query}\n) AS checked WHERE ${join(cases, ' AND ')}`,
    explain: (error) => {
      const index = new RegExp(`${marker}(\\d+);`).exec(error instanceof Error ? error.message : '')?.[1];
      const rule = index === undefined ? undefined : checks[Number(index)]?.rule;
      if (rule === undefined) return error;
      return new LakesteadError('DELTA_CONSTRAINT', `a row breaks a rule of ${where}: ${rule}; nothing was written`, {
        hint: 'mend the row, or filter it out',
        cause: error,
        data: { rule },
      });
    },
  };
}

/** Counts the rows of a table that break a rule that is to be. */
export function countBroken(rows: Sql, condition: string): Sql {
  return sql`SELECT count(*) AS n FROM (${rows}) AS t WHERE (${sparkExpression(condition)}) IS NOT TRUE`;
}
