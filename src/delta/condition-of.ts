import type { Lease } from '#engine';
import { ident, render, type Sql, sql, type SqlValue } from '#sql';

import { parseDecimal } from './duckdb-types.ts';
import type { Condition, ConditionValue } from './scan-plan.ts';
import { type DeltaType, findField, type StructType } from './schema.ts';

type Node = Readonly<Record<string, unknown>>;
type Options = { readonly lease: Lease; readonly signal?: AbortSignal | undefined };

/** A table's columns as a condition may name them: behind `as`, and bare unless other tables are beside it. */
type Columns = { readonly schema: StructType; readonly as: string; readonly isOneOfSeveral?: boolean };

/**
 * What of a condition in SQL can be told by partitions and statistics: it may let through more rows than the condition, never
 * fewer. Read from the engine's own tree of it; comparisons in which the engine would convert the column are left out.
 *
 * @param condition names columns of the table bare or behind `as`
 */
export async function conditionsOf(condition: Sql, columns: Columns, options: Options): Promise<readonly Condition[]> {
  const where = await parseCondition(condition, options);
  return where === undefined ? [] : conditionsOfTree(where.node, columns, where.values);
}

/** {@link conditionsOf} from the engine's tree of a condition (`json_serialize_sql`), and the values of its parameters. */
export function conditionsOfTree(node: Node, columns: Columns, values: readonly SqlValue[] = []): readonly Condition[] {
  const translated = new Translation(columns, values).translate(node);
  if (translated === undefined) return [];
  return translated.op === 'and' ? translated.of : [translated];
}

/** The table's columns that a condition may name: perhaps too many, never too few. */
export async function columnsNamedBy(condition: Sql, { schema }: Pick<Columns, 'schema'>, options: Options): Promise<readonly string[]> {
  const where = await parseCondition(condition, options);
  const names = new Set(where === undefined ? [] : [...allNames(where.node)].map((name) => name.toLowerCase()));
  return schema.fields.flatMap(({ name }) => (names.has(name.toLowerCase()) ? [name] : []));
}

function* allNames(part: unknown): Generator<string> {
  if (Array.isArray(part)) for (const item of part) yield* allNames(item);
  if (!isNode(part)) return;
  yield* namesOf(part);
  for (const child of Object.values(part)) yield* allNames(child);
}

/** A column of a table that a join compares with one of another relation for equality. */
export type JoinPair = { readonly column: string; readonly other: string };

/** The pairs of columns that must be equal for a join's condition to hold. */
export async function joinPairs(condition: Sql, columns: Columns, otherAs: string, options: Options): Promise<readonly JoinPair[]> {
  const where = await parseCondition(condition, options);
  if (where === undefined) return [];
  const pairs: JoinPair[] = [];
  for (const node of conjuncts(where.node)) {
    if (node['type'] !== 'COMPARE_EQUAL') continue;
    for (const [ours, theirs] of [[node['left'], node['right']], [node['right'], node['left']]]) {
      const [left, right] = [namesOf(ours), namesOf(theirs)];
      const isOurs = left.length === 2 && same(left[0], columns.as) && findField(columns.schema, left[1] ?? '') !== undefined;
      if (isOurs && right.length === 2 && same(right[0], otherAs)) pairs.push({ column: left[1] ?? '', other: right[1] ?? '' });
    }
  } // prettier-ignore
  return pairs;
}

async function parseCondition(
  condition: Sql,
  { lease, signal }: Options,
): Promise<{ node: Node; values: readonly SqlValue[] } | undefined> {
  const { text, values } = render(sql`SELECT 1 FROM t WHERE (${condition}\n)`);
  const [row] = await lease.rows(sql`SELECT json_serialize_sql(CAST(${text} AS VARCHAR))::VARCHAR AS tree`, { signal });
  const tree: unknown = JSON.parse(String(row?.['tree']));
  const statements = isNode(tree) ? tree['statements'] : undefined;
  const [statement] = Array.isArray(statements) ? (statements as readonly unknown[]) : [];
  const select = isNode(statement) ? statement['node'] : undefined;
  const node = isNode(select) ? select['where_clause'] : undefined;
  return isNode(node) ? { node, values } : undefined;
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function childrenOf(node: Node): readonly Node[] {
  const children = node['children'];
  return Array.isArray(children) ? (children as readonly unknown[]).filter(isNode) : [];
}

function conjuncts(node: Node): readonly Node[] {
  return node['type'] === 'CONJUNCTION_AND' ? childrenOf(node).flatMap(conjuncts) : [node];
}

function namesOf(node: unknown): readonly string[] {
  if (!isNode(node) || node['class'] !== 'COLUMN_REF') return [];
  const names = node['column_names'];
  return Array.isArray(names) ? (names as readonly unknown[]).map(String) : [];
}

function same(a: string | undefined, b: string): boolean {
  return a?.toLowerCase() === b.toLowerCase();
}

const comparisons: Readonly<Record<string, '=' | '<>' | '<' | '<=' | '>' | '>='>> = {
  COMPARE_EQUAL: '=',
  COMPARE_NOTEQUAL: '<>',
  COMPARE_LESSTHAN: '<',
  COMPARE_LESSTHANOREQUALTO: '<=',
  COMPARE_GREATERTHAN: '>',
  COMPARE_GREATERTHANOREQUALTO: '>=',
};
const flipped = { '=': '=', '<>': '<>', '<': '>', '<=': '>=', '>': '<', '>=': '<=' } as const;
const negated = { '=': '<>', '<>': '=', '<': '>=', '<=': '>', '>': '<=', '>=': '<' } as const;

/** A constant as the engine has it. */
type Constant = { readonly kind: 'number' | 'text' | 'date' | 'timestamp'; readonly value: ConditionValue };

class Translation {
  readonly #columns: Columns;
  readonly #values: readonly SqlValue[];

  constructor(columns: Columns, values: readonly SqlValue[]) {
    this.#columns = columns;
    this.#values = values;
  }

  /** `undefined` where nothing can be told; `not` for the condition's opposite, which NULL is neither of. */
  translate(node: Node, not = false): Condition | undefined {
    switch (node['type']) {
      case 'CONJUNCTION_AND':
      case 'CONJUNCTION_OR':
        return this.#group(childrenOf(node), (node['type'] === 'CONJUNCTION_AND') !== not, not);
      case 'OPERATOR_NOT': {
        const [inner] = childrenOf(node);
        return inner === undefined ? undefined : this.translate(inner, !not);
      }
      case 'OPERATOR_IS_NULL':
      case 'OPERATOR_IS_NOT_NULL': {
        const [inner] = childrenOf(node);
        const column = this.#column(inner)?.name;
        const isNull = (node['type'] === 'OPERATOR_IS_NULL') !== not;
        return column === undefined ? undefined : { column, op: isNull ? 'is null' : 'is not null' };
      }
      case 'COMPARE_BETWEEN': {
        const { input, lower, upper } = node;
        if (!isNode(input) || !isNode(lower) || !isNode(upper)) return undefined;
        const parts = [this.#compare(input, not ? '<' : '>=', lower), this.#compare(input, not ? '>' : '<=', upper)];
        return combine(parts, not ? 'or' : 'and');
      }
      case 'COMPARE_IN':
        return not ? undefined : this.#in(childrenOf(node));
      case 'COMPARE_NOT_IN':
        return not ? this.#in(childrenOf(node)) : undefined;
      case 'FUNCTION':
        return not ? undefined : this.#like(node);
      default: {
        const op = comparisons[String(node['type'])];
        const { left, right } = node;
        if (op === undefined || !isNode(left) || !isNode(right)) return undefined;
        return this.#compare(left, not ? negated[op] : op, right);
      }
    }
  }

  #group(children: readonly Node[], isAnd: boolean, not: boolean): Condition | undefined {
    return combine(children.map((child) => this.translate(child, not)), isAnd ? 'and' : 'or'); // prettier-ignore
  }

  #compare(left: Node, op: keyof typeof flipped, right: Node): Condition | undefined {
    const column = this.#column(left);
    if (column === undefined) {
      const other = this.#column(right);
      return other === undefined ? undefined : this.#compare(right, flipped[op], left);
    }
    const value = this.#valueFor(column.type, right);
    return value === undefined ? undefined : { column: column.name, op, value };
  }

  #in([input, ...list]: readonly Node[]): Condition | undefined {
    const column = this.#column(input);
    if (column === undefined) return undefined;
    const values = list.map((item) => this.#valueFor(column.type, item));
    return values.some((value) => value === undefined)
      ? undefined
      : { column: column.name, op: 'in', values: values.filter((value) => value !== undefined) };
  }

  /** `LIKE 'abc%'`, and `starts_with`. */
  #like(node: Node): Condition | undefined {
    const [input, pattern] = childrenOf(node);
    const column = this.#column(input);
    const text = isNode(pattern) ? this.#constant(pattern) : undefined;
    if (column?.type !== 'string' || typeof text?.value !== 'string' || text.kind !== 'text') return undefined;
    const name = String(node['function_name']);
    const prefix = name === '~~' ? /^[^%_\\]*/.exec(text.value)?.[0] : ['starts_with', 'prefix', '^@'].includes(name) ? text.value : undefined; // prettier-ignore
    return prefix === undefined || prefix === '' ? undefined : { column: column.name, op: 'starts with', value: prefix };
  }

  #column(node: unknown): { readonly name: string; readonly type: DeltaType } | undefined {
    const { schema, as, isOneOfSeveral } = this.#columns;
    const names = namesOf(node);
    if (isOneOfSeveral === true && !(names.length > 1 && same(names[0], as))) return undefined;
    const path = names.length > 1 && same(names[0], as) ? names.slice(1) : names;
    let fields: StructType = schema;
    let type: DeltaType | undefined;
    for (const [index, name] of path.entries()) {
      const field = findField(fields, name);
      if (field === undefined) return undefined;
      type = field.type;
      if (index === path.length - 1) break;
      if (typeof type === 'string' || type.type !== 'struct') return undefined;
      fields = type;
    }
    return type === undefined ? undefined : { name: path.join('.'), type };
  }

  /** A constant that the engine compares with a column of that type without converting the column. */
  #valueFor(type: DeltaType, node: Node): ConditionValue | undefined {
    const constant = this.#constant(node);
    if (constant === undefined || typeof type !== 'string') return undefined;
    const { kind, value } = constant;
    switch (type) {
      case 'string':
        return kind === 'text' ? value : undefined;
      case 'date':
        return (kind === 'date' || kind === 'text') && /^\d{4}-\d\d-\d\d$/.test(String(value)) ? value : undefined;
      case 'timestamp':
      case 'timestamp_ntz': {
        const text = String(value);
        if (kind === 'number' || !/^\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?(?:Z|[+-]\d\d:\d\d)?$/.test(text))
          return undefined;
        // A zone in a text is passed over where the column has none.
        return type === 'timestamp_ntz' && /(?:Z|[+-]\d\d:\d\d)$/.test(text) ? undefined : text;
      }
      default: {
        const isNumber = ['byte', 'short', 'integer', 'long', 'float', 'double'].includes(type) || parseDecimal(type) !== undefined;
        return isNumber && kind === 'number' ? value : undefined;
      }
    }
  }

  #constant(node: Node): Constant | undefined {
    if (node['class'] === 'PARAMETER') return ofValue(this.#values[Number(node['identifier']) - 1]);
    if (node['class'] === 'CAST') {
      const [child, target] = [node['child'], node['cast_type']];
      const inner = isNode(child) ? this.#constant(child) : undefined;
      const id = isNode(target) ? String(target['id']) : '';
      if (inner?.kind !== 'text') return undefined;
      if (id === 'DATE') return { kind: 'date', value: inner.value };
      return id.startsWith('TIMESTAMP') && !id.endsWith('_NS') ? { kind: 'timestamp', value: inner.value } : undefined;
    }
    if (node['class'] === 'FUNCTION' && node['function_name'] === '-') {
      const children = childrenOf(node);
      const [first] = children;
      const inner = children.length === 1 && first !== undefined ? this.#constant(first) : undefined;
      return inner?.kind === 'number' ? { kind: 'number', value: -Number(inner.value) } : undefined;
    }
    const value = node['class'] === 'CONSTANT' ? node['value'] : undefined;
    if (!isNode(value) || value['is_null'] === true) return undefined;
    const type = isNode(value['type']) ? value['type'] : {};
    const id = String(type['id']);
    const held = value['value'];
    if (id === 'VARCHAR') return typeof held === 'string' ? { kind: 'text', value: held } : undefined;
    if (id === 'DECIMAL') {
      const scale = isNode(type['type_info']) ? Number(type['type_info']['scale']) : Number.NaN;
      // Beyond 2^53 it was rounded before it is divided.
      return typeof held === 'number' && Number.isSafeInteger(held) && Number.isInteger(scale)
        ? { kind: 'number', value: held / 10 ** scale }
        : undefined;
    }
    const isNumber = /^(?:TINYINT|SMALLINT|INTEGER|BIGINT|FLOAT|DOUBLE)$/.test(id) && typeof held === 'number';
    return isNumber ? { kind: 'number', value: held } : undefined;
  }
}

function ofValue(value: SqlValue | undefined): Constant | undefined {
  if (typeof value === 'string') return { kind: 'text', value };
  return typeof value === 'number' || typeof value === 'bigint' ? { kind: 'number', value } : undefined;
}

/** Of a conjunction what can be told of its parts; of a disjunction only where all can. */
function combine(parts: readonly (Condition | undefined)[], op: 'and' | 'or'): Condition | undefined {
  const known = parts.filter((part) => part !== undefined);
  if (known.length === 0 || (op === 'or' && known.length < parts.length)) return undefined;
  const [first] = known;
  return known.length === 1 ? first : { op, of: known };
}

const comparable: Readonly<Record<string, RegExp>> = {
  byte: /INT$|^INTEGER$/, short: /INT$|^INTEGER$/, integer: /INT$|^INTEGER$/, long: /INT$|^INTEGER$/, string: /^VARCHAR$/, date: /^DATE$/,
}; // prettier-ignore

/** At most so many different values are compared one by one, rather than as a range. */
const maxListed = 200;

/**
 * What the pairs of a join say of the table's files: a matching row lies between the least and the greatest value of the other
 * relation, or is one of its few.
 */
export async function rangeOfJoin(
  pairs: readonly JoinPair[],
  other: Sql,
  { schema }: Columns,
  options: Options,
): Promise<readonly Condition[]> {
  const conditions: Condition[] = [];
  for (const { column, other: name } of pairs) {
    const type = findField(schema, column)?.type;
    const pattern = typeof type === 'string' ? comparable[type] : undefined;
    if (pattern === undefined) continue;
    const value = ident(name);
    const [row] = await options.lease.rows(
      sql`SELECT typeof(any_value(${value})) AS type, min(${value})::VARCHAR AS low, max(${value})::VARCHAR AS high, approx_count_distinct(${value}) AS n FROM ${other}`,
      { signal: options.signal },
    );
    const { low, high } = row ?? {};
    if (!pattern.test(String(row?.['type'])) || typeof low !== 'string' || typeof high !== 'string') continue;
    const parse = (text: string): ConditionValue => (type === 'string' || type === 'date' ? text : BigInt(text));
    conditions.push({ column, op: '>=', value: parse(low) }, { column, op: '<=', value: parse(high) });
    if (Number(row?.['n']) > maxListed) continue;
    const values = await options.lease.rows(
      sql`SELECT DISTINCT ${value}::VARCHAR AS v FROM ${other} WHERE ${value} IS NOT NULL LIMIT ${maxListed * 2}`,
      options,
    );
    if (values.length <= maxListed) conditions.push({ column, op: 'in', values: values.map((one) => parse(String(one['v']))) });
  }
  return conditions;
}
