import { join, literal, sql, type Sql, unsafeSql } from '#sql';

import type { FunctionCall } from './ast.ts';
import { bindCondition } from './bind-condition.ts';
import { bindError, type BoundExpression, type Frame } from './bind-context.ts';
import { dateFunctions } from './bind-date-functions.ts';
import { bindOrder, bindOver } from './bind-expression.ts';
import { commonCollation, commonTypeOf, comparable, comparisonKey } from './bind-operator.ts';
import { convert } from './convert.ts';
import { decimalShape, engineType, isInteger, isNumeric, isText, type SqlServerType } from './types.ts';

/** A call with its arguments bound. */
type Call = { readonly node: FunctionCall; readonly args: readonly BoundExpression[]; readonly frame: Frame };
type FunctionBinder = (call: Call) => BoundExpression | Promise<BoundExpression>;

const int: SqlServerType = { name: 'int' };
const anyText: SqlServerType = { name: 'nvarchar', length: 'max' };

/** A call of a function, an aggregate or a window function; undefined when there is none of that name. */
export async function bindFunction(node: FunctionCall, frame: Frame): Promise<BoundExpression | undefined> {
  if (node.name.parts.length > 1) return undefined;
  const name = (node.name.parts[0] ?? '').toUpperCase();
  if (name in aggregates) return await bindAggregate(name, node, frame);
  if (name in windowFunctions) return await bindWindowFunction(name, node, frame);
  if (name === 'IIF' || name === 'CHOOSE') return await bindChoice(name, node, frame);
  const dated = dateFunctions[name];
  if (dated !== undefined) return await dated(node, frame);
  const binder = scalars[name];
  if (binder === undefined) return await bindSessionValue(name, node, frame);
  if (node.over !== undefined) throw bindError(frame.scope, 'SQL_SYNTAX', `${name} takes no OVER`, node.span);
  return await binder({ node, args: await Promise.all(node.args.map((arg) => frame.bind(arg, frame))), frame });
}

/** What the session knows: DB_NAME(), OBJECT_ID('t'), ERROR_MESSAGE(). Its arguments must be known before the statement runs. */
async function bindSessionValue(name: string, node: FunctionCall, frame: Frame): Promise<BoundExpression | undefined> {
  const args = await Promise.all(node.args.map((arg) => frame.bind(arg, frame)));
  const value = await frame.scope.sessionValue(
    name,
    args.map((arg) => arg.constant ?? null),
  );
  if (value === undefined) return undefined;
  if (args.some((arg) => arg.constant === undefined && !arg.isNull))
    throw bindError(
      frame.scope,
      'SQL_NOT_SUPPORTED',
      `${name} of a value that is only known when the statement runs is not supported`,
      node.span,
    );
  return { sql: sql`CAST(${value.value} AS ${unsafeSql(engineType(value.type))})`, type: value.type, nullable: true };
}

const aggregates: Readonly<Record<string, true>> = Object.fromEntries(
  'COUNT COUNT_BIG SUM AVG MIN MAX STDEV STDEVP VAR VARP STRING_AGG APPROX_COUNT_DISTINCT GROUPING'.split(' ').map((name) => [name, true]),
);

async function bindAggregate(name: string, node: FunctionCall, frame: Frame): Promise<BoundExpression> {
  // Inside an aggregate the grouped columns are themselves.
  const { groupKeys: _, ...inner } = frame;
  const over = node.over === undefined ? sql`` : sql` ${await bindOver(node.over, frame)}`;
  const distinct = node.isDistinct ? sql`DISTINCT ` : sql``;
  const [first] = node.args;
  if (name === 'COUNT' || name === 'COUNT_BIG') {
    const type: SqlServerType = { name: name === 'COUNT' ? 'int' : 'bigint' };
    if (first === undefined) throw bindError(frame.scope, 'SQL_SYNTAX', `${name} takes an argument`, node.span);
    const argument = first.kind === 'star' ? sql`*` : comparisonKeyIf(node.isDistinct, await inner.bind(first, inner));
    return { sql: sql`CAST(count(${distinct}${argument})${over} AS ${unsafeSql(engineType(type))})`, type, nullable: false };
  }
  if (first === undefined) throw bindError(frame.scope, 'SQL_SYNTAX', `${name} takes an argument`, node.span);
  const value = await inner.bind(first, inner);
  const call = (fn: string, argument: Sql = value.sql) => sql`${unsafeSql(fn)}(${distinct}${argument})${over}`;
  const cast = (piece: Sql, type: SqlServerType): BoundExpression => ({
    sql: sql`CAST(${piece} AS ${unsafeSql(engineType(type))})`,
    type,
    nullable: true,
  });
  switch (name) {
    case 'MIN':
    case 'MAX': {
      if (!isText(value.type)) return { sql: call(name.toLowerCase()), type: value.type, nullable: true };
      const by = name === 'MIN' ? 'arg_min' : 'arg_max';
      return {
        sql: sql`${unsafeSql(by)}(${value.sql}, ${comparisonKey(value)})${over}`,
        type: value.type,
        nullable: true,
        ...(value.collation === undefined ? {} : { collation: value.collation }),
      };
    }
    case 'SUM':
      requireNumber(frame, name, value, node);
      return cast(call('sum'), sumType(value.type));
    case 'AVG': {
      requireNumber(frame, name, value, node);
      const type = sumType(value.type);
      if (isInteger(value.type)) {
        const total = call('sum');
        return cast(sql`(${total} // nullif(${call('count')}, 0))`, type);
      }
      if (type.name === 'float') return cast(call('avg'), type);
      const { precision, scale } = decimalShape(value.type);
      const result: SqlServerType = type.name === 'money' ? type : { name: 'decimal', precision: 38, scale: Math.max(scale, 6) };
      // The average of decimals is their exact sum divided; a double keeps 15 digits of it.
      return cast(
        precision <= 15
          ? sql`round(CAST(${call('sum')} AS DOUBLE) / nullif(${call('count')}, 0), ${unsafeSql(String(decimalShape(result).scale))})`
          : call('avg'),
        result,
      );
    }
    case 'STDEV':
    case 'STDEVP':
    case 'VAR':
    case 'VARP': {
      const fn = { STDEV: 'stddev_samp', STDEVP: 'stddev_pop', VAR: 'var_samp', VARP: 'var_pop' }[name];
      return cast(call(fn, sql`CAST(${value.sql} AS DOUBLE)`), { name: 'float' });
    }
    case 'STRING_AGG': {
      const [, separator] = node.args;
      if (separator === undefined) throw bindError(frame.scope, 'SQL_SYNTAX', 'STRING_AGG takes a separator', node.span);
      const order = node.withinGroup === undefined ? [] : await bindOrder(node.withinGroup, inner);
      const by = order.length === 0 ? sql`` : sql` ORDER BY ${join(order)}`;
      const text = convert(frame.scope, value, anyText, node.span).sql;
      return { sql: sql`string_agg(${text}, ${(await inner.bind(separator, inner)).sql}${by})${over}`, type: anyText, nullable: true };
    }
    case 'APPROX_COUNT_DISTINCT':
      return cast(sql`approx_count_distinct(${comparisonKey(value)})${over}`, { name: 'bigint' });
    default:
      return cast(sql`grouping(${comparisonKey(value)})`, { name: 'tinyint' });
  }
}

const comparisonKeyIf = (condition: boolean, value: BoundExpression): Sql => (condition ? comparisonKey(value) : value.sql);

function requireNumber(frame: Frame, name: string, value: BoundExpression, node: FunctionCall): void {
  if (!isNumeric(value.type) || value.type.name === 'bit')
    throw bindError(frame.scope, 'SQL_TYPE', `${name} takes numbers, not ${value.type.name}`, node.span);
}

function sumType(type: SqlServerType): SqlServerType {
  if (type.name === 'bigint') return type;
  if (isInteger(type)) return int;
  if (type.name === 'money' || type.name === 'smallmoney') return { name: 'money' };
  if (type.name === 'decimal') return { name: 'decimal', precision: 38, scale: type.scale ?? 0 };
  return { name: 'float' };
}

const windowFunctions: Readonly<Record<string, SqlServerType | 'argument'>> = {
  ROW_NUMBER: { name: 'bigint' }, RANK: { name: 'bigint' }, DENSE_RANK: { name: 'bigint' }, NTILE: { name: 'bigint' }, PERCENT_RANK: { name: 'float' }, CUME_DIST: { name: 'float' },
  LAG: 'argument', LEAD: 'argument', FIRST_VALUE: 'argument', LAST_VALUE: 'argument',
}; // prettier-ignore

async function bindWindowFunction(name: string, node: FunctionCall, frame: Frame): Promise<BoundExpression> {
  if (node.over === undefined) throw bindError(frame.scope, 'SQL_SYNTAX', `${name} needs OVER (...)`, node.span);
  const args = await Promise.all(node.args.map((arg) => frame.bind(arg, frame)));
  const result = windowFunctions[name];
  const [first] = args;
  const type = result === 'argument' ? first?.type : result;
  if (type === undefined) throw bindError(frame.scope, 'SQL_SYNTAX', `${name} takes an argument`, node.span);
  const values = args.map((arg, index) =>
    index === 2 && first !== undefined ? convert(frame.scope, arg, first.type, node.span).sql : arg.sql,
  );
  const nulls = node.nulls === 'ignore' ? sql` IGNORE NULLS` : sql``;
  return { sql: sql`${unsafeSql(name.toLowerCase())}(${join(values)}${nulls}) ${await bindOver(node.over, frame)}`, type, nullable: true };
}

async function bindChoice(name: string, node: FunctionCall, frame: Frame): Promise<BoundExpression> {
  const { scope } = frame;
  const args = await Promise.all(node.args.map((arg) => frame.bind(arg, frame)));
  const values = name === 'IIF' ? args : args.slice(1);
  const type = commonTypeOf(values);
  const value = (one: BoundExpression | undefined) => (one === undefined ? sql`NULL` : convert(scope, one, type, node.span).sql);
  const result = (piece: Sql): BoundExpression => ({ sql: piece, type, nullable: true, collation: commonCollation(...values) });
  if (name === 'IIF') {
    if (node.condition === undefined || values.length !== 2)
      throw bindError(scope, 'SQL_SYNTAX', 'IIF takes a condition and two values', node.span);
    return result(sql`CASE WHEN ${await bindCondition(node.condition, frame)} THEN ${value(values[0])} ELSE ${value(values[1])} END`);
  }
  const [index] = args;
  const whens = values.map((one, at) => sql`WHEN ${unsafeSql(String(at + 1))} THEN ${value(one)}`);
  return result(sql`CASE ${index === undefined ? sql`0` : convert(scope, index, int, node.span).sql} ${join(whens, ' ')} END`);
}

/** A function of text: arguments that must be text are converted to it. */
function textFunction(
  build: (texts: readonly Sql[], call: Call) => Sql,
  type: SqlServerType | 'first',
  count?: readonly [number, number],
): FunctionBinder {
  return (call) => {
    checkCount(call, count);
    const texts = call.args.map((arg) =>
      isText(arg.type) || !isNumeric(arg.type) ? convert(call.frame.scope, arg, anyText, call.node.span).sql : arg.sql,
    );
    const [first] = call.args;
    const result = type === 'first' ? (first !== undefined && isText(first.type) ? first.type : anyText) : type;
    return {
      sql: build(texts, call),
      type: result,
      nullable: call.args.some((arg) => arg.nullable),
      ...(isText(result) ? { collation: commonCollation(...call.args) } : {}),
    };
  };
}

function checkCount({ node, args, frame }: Call, count: readonly [number, number] | undefined): void {
  if (count === undefined || (args.length >= count[0] && args.length <= count[1])) return;
  const wanted = count[0] === count[1] ? String(count[0]) : `${count[0]} to ${count[1]}`;
  throw bindError(frame.scope, 'SQL_SYNTAX', `${node.name.parts.join('.')} takes ${wanted} arguments, not ${args.length}`, node.span);
}

/** A function of numbers whose result is a float. */
const floatFunction =
  (fn: string, count: readonly [number, number] = [1, 1]): FunctionBinder =>
  (call) => {
    checkCount(call, count);
    const args = call.args.map((arg) => convert(call.frame.scope, arg, { name: 'float' }, call.node.span).sql);
    return { sql: sql`${unsafeSql(fn)}(${join(args)})`, type: { name: 'float' }, nullable: true };
  };

/** A function that keeps the type of its number: integers stay integers, decimals decimals. */
const sameNumber =
  (build: (value: Sql, call: Call) => Sql): FunctionBinder =>
  (call) => {
    const [value] = call.args;
    if (value === undefined)
      throw bindError(call.frame.scope, 'SQL_SYNTAX', `${call.node.name.parts.join('.')} takes an argument`, call.node.span);
    const number =
      isNumeric(value.type) && value.type.name !== 'bit' ? value : convert(call.frame.scope, value, { name: 'float' }, call.node.span);
    return { sql: sql`CAST(${build(number.sql, call)} AS ${unsafeSql(engineType(number.type))})`, type: number.type, nullable: true };
  };

const varchar = (length: number | 'max'): SqlServerType => ({ name: 'varchar', length });

const scalars: Readonly<Record<string, FunctionBinder>> = {
  ISNULL: (call) => {
    checkCount(call, [2, 2]);
    const [first, second] = call.args as readonly [BoundExpression, BoundExpression]; // two, just checked
    const type = first.isNull ? second.type : first.type;
    const value = convert(call.frame.scope, first, type, call.node.span);
    return {
      sql: sql`coalesce(${value.sql}, ${convert(call.frame.scope, second, type, call.node.span).sql})`,
      type,
      nullable: second.nullable,
      collation: commonCollation(first, second),
    };
  },
  COALESCE: (call) => {
    const type = commonTypeOf(call.args);
    const values = call.args.map((arg) => convert(call.frame.scope, arg, type, call.node.span).sql);
    return {
      sql: sql`coalesce(${join(values)})`,
      type,
      nullable: call.args.every((arg) => arg.nullable),
      collation: commonCollation(...call.args),
    };
  },
  NULLIF: (call) => {
    checkCount(call, [2, 2]);
    const [first, second] = call.args as readonly [BoundExpression, BoundExpression]; // two, just checked
    const { left, right } = comparable(call.frame.scope, first, second, call.node.span);
    return { sql: sql`CASE WHEN ${left} = ${right} THEN NULL ELSE ${first.sql} END`, type: first.type, nullable: true };
  },
  GREATEST: extreme('greatest'),
  LEAST: extreme('least'),

  LEN: textFunction(([text]) => sql`CAST(length(rtrim(${text ?? sql``}, ' ')) AS INTEGER)`, int, [1, 1]),
  DATALENGTH: (call) => {
    const [value] = call.args;
    if (value === undefined) throw bindError(call.frame.scope, 'SQL_SYNTAX', 'DATALENGTH takes an argument', call.node.span);
    const fixed: Readonly<Record<string, number>> = {
      int: 4,
      bigint: 8,
      smallint: 2,
      tinyint: 1,
      bit: 1,
      float: 8,
      real: 4,
      datetime: 8,
      date: 3,
      money: 8,
      smallmoney: 4,
      uniqueidentifier: 16,
      smalldatetime: 4,
    };
    const bytes = fixed[value.type.name];
    const size = isText(value.type)
      ? sql`${value.type.name.startsWith('n') || value.type.name === 'xml' ? sql`2 * ` : sql``}length(${value.sql})`
      : bytes === undefined
        ? sql`octet_length(${value.sql})`
        : sql`CASE WHEN ${value.sql} IS NULL THEN NULL ELSE ${unsafeSql(String(bytes))} END`;
    return { sql: sql`CAST(${size} AS INTEGER)`, type: int, nullable: value.nullable };
  },
  UPPER: textFunction(([text]) => sql`upper(${text ?? sql``})`, 'first', [1, 1]),
  LOWER: textFunction(([text]) => sql`lower(${text ?? sql``})`, 'first', [1, 1]),
  LTRIM: textFunction(([text, characters]) => sql`ltrim(${text ?? sql``}, ${characters ?? sql`' '`})`, 'first', [1, 2]),
  RTRIM: textFunction(([text, characters]) => sql`rtrim(${text ?? sql``}, ${characters ?? sql`' '`})`, 'first', [1, 2]),
  TRIM: textFunction(
    ([first, second]) => (second === undefined ? sql`trim(${first ?? sql``}, ' ')` : sql`trim(${second}, ${first ?? sql``})`),
    'first',
    [1, 2],
  ),
  LEFT: textFunction(([text, count]) => sql`left(${text ?? sql``}, ${count ?? sql`0`})`, 'first', [2, 2]),
  RIGHT: textFunction(([text, count]) => sql`right(${text ?? sql``}, ${count ?? sql`0`})`, 'first', [2, 2]),
  // A start before the first character eats into the length, as there.
  SUBSTRING: textFunction(
    ([text, start, count]) =>
      sql`substring(${text ?? sql``}, greatest(${start ?? sql`1`}, 1), greatest(${count ?? sql`2147483647`} + least(${start ?? sql`1`} - 1, 0), 0))`,
    'first',
    [2, 3],
  ),
  CHARINDEX: textFunction(
    ([what, text, from]) => {
      const [needle, hay] = [sql`lower(${what ?? sql``})`, sql`lower(${text ?? sql``})`];
      if (from === undefined) return sql`CAST(CASE WHEN ${needle} = '' THEN 0 ELSE instr(${hay}, ${needle}) END AS INTEGER)`;
      const start = sql`greatest(${from}, 1)`;
      const at = sql`instr(substring(${hay}, ${start}), ${needle})`;
      return sql`CAST(CASE WHEN ${needle} = '' OR ${at} = 0 THEN CASE WHEN ${needle} IS NULL OR ${hay} IS NULL THEN NULL ELSE 0 END ELSE ${at} + ${start} - 1 END AS INTEGER)`;
    },
    int,
    [2, 3],
  ),
  PATINDEX: (call) => {
    checkCount(call, [2, 2]);
    const [pattern, text] = call.args as readonly [BoundExpression, BoundExpression]; // two, just checked
    if (typeof pattern.constant !== 'string')
      throw bindError(call.frame.scope, 'SQL_NOT_SUPPORTED', 'a PATINDEX pattern that is not a constant is not supported', call.node.span);
    return bindPatIndex(pattern.constant, convert(call.frame.scope, text, anyText, call.node.span).sql);
  },
  REPLACE: textFunction(
    ([text, from, to]) =>
      sql`CASE WHEN ${from ?? sql``} = '' THEN ${text ?? sql``} ELSE regexp_replace(${text ?? sql``}, regexp_escape(${from ?? sql``}), replace(${to ?? sql``}, '\\', '\\\\'), 'gi') END`,
    anyText,
    [3, 3],
  ),
  STUFF: textFunction(
    ([text, start, count, insert]) =>
      sql`CASE WHEN ${start ?? sql``} < 1 OR ${start ?? sql``} > length(${text ?? sql``}) OR ${count ?? sql``} < 0 THEN NULL ELSE left(${text ?? sql``}, ${start ?? sql``} - 1) || coalesce(${insert ?? sql``}, '') || substring(${text ?? sql``}, ${start ?? sql``} + ${count ?? sql``}) END`,
    anyText,
    [4, 4],
  ),
  REPLICATE: textFunction(
    ([text, count]) => sql`CASE WHEN ${count ?? sql``} < 0 THEN NULL ELSE repeat(${text ?? sql``}, ${count ?? sql``}) END`,
    anyText,
    [2, 2],
  ),
  SPACE: textFunction(([count]) => sql`repeat(' ', ${count ?? sql``})`, varchar(8000), [1, 1]),
  REVERSE: textFunction(([text]) => sql`reverse(${text ?? sql``})`, 'first', [1, 1]),
  CONCAT: textFunction(
    (_, call) =>
      sql`(${join(
        call.args.map((arg) => sql`coalesce(${convert(call.frame.scope, arg, anyText, call.node.span).sql}, '')`),
        ' || ',
      )})`,
    anyText,
    [2, 254],
  ),
  CONCAT_WS: (call) => {
    const texts = call.args.map((arg) => convert(call.frame.scope, arg, anyText, call.node.span).sql);
    return { sql: sql`concat_ws(${join(texts)})`, type: anyText, nullable: false };
  },
  CHAR: textFunction(
    ([code]) => sql`CASE WHEN ${code ?? sql``} BETWEEN 0 AND 255 THEN chr(${code ?? sql``}) END`,
    { name: 'char', length: 1 },
    [1, 1],
  ),
  NCHAR: textFunction(([code]) => sql`chr(${code ?? sql``})`, { name: 'nchar', length: 1 }, [1, 1]),
  ASCII: textFunction(([text]) => sql`CASE WHEN ${text ?? sql``} = '' THEN NULL ELSE ascii(${text ?? sql``}) END`, int, [1, 1]),
  UNICODE: textFunction(([text]) => sql`CASE WHEN ${text ?? sql``} = '' THEN NULL ELSE unicode(${text ?? sql``}) END`, int, [1, 1]),
  QUOTENAME: textFunction(
    ([text, quote], call) => {
      const character = call.args[1]?.constant ?? '[';
      if (typeof character !== 'string')
        throw bindError(
          call.frame.scope,
          'SQL_NOT_SUPPORTED',
          'a QUOTENAME character that is not a constant is not supported',
          call.node.span,
        );
      const [open, close] = (
        {
          '[': ['[', ']'],
          ']': ['[', ']'],
          '"': ['"', '"'],
          "'": ["'", "'"],
          '(': ['(', ')'],
          '{': ['{', '}'],
          '<': ['<', '>'],
        } as Readonly<Record<string, readonly [string, string]>>
      )[character] ?? [undefined, undefined];
      if (open === undefined || close === undefined) return sql`NULL::VARCHAR || ${quote ?? sql``}`;
      return sql`CASE WHEN length(${text ?? sql``}) > 128 THEN NULL ELSE ${literal(open)} || replace(${text ?? sql``}, ${literal(close)}, ${literal(close + close)}) || ${literal(close)} END`;
    },
    { name: 'nvarchar', length: 258 },
    [1, 2],
  ),
  STR: (call) => {
    const [value, length, decimals] = call.args.map((arg) => convert(call.frame.scope, arg, { name: 'float' }, call.node.span).sql);
    const width = sql`CAST(${length ?? sql`10`} AS INTEGER)`;
    const rounded = sql`format('{:.' || CAST(CAST(${decimals ?? sql`0`} AS INTEGER) AS VARCHAR) || 'f}', ${value ?? sql`0.0`})`;
    return {
      sql: sql`CASE WHEN length(${rounded}) > ${width} THEN repeat('*', ${width}) ELSE lpad(${rounded}, ${width}, ' ') END`,
      type: varchar(8000),
      nullable: true,
    };
  },
  TRANSLATE: textFunction((texts) => sql`translate(${join(texts)})`, 'first', [3, 3]),
  STRING_ESCAPE: textFunction(([text]) => sql`trim(to_json(${text ?? sql``})::VARCHAR, '"')`, anyText, [2, 2]),
  DIFFERENCE: refused,
  SOUNDEX: refused,
  FORMAT: refused,

  ABS: sameNumber((value) => sql`abs(${value})`),
  CEILING: sameNumber((value) => sql`ceil(${value})`),
  FLOOR: sameNumber((value) => sql`floor(${value})`),
  SIGN: sameNumber((value) => sql`sign(${value})`),
  ROUND: sameNumber((value, { args }) => {
    const digits = args[1]?.sql ?? sql`0`;
    const cut = args[2];
    // Decimals round exactly; a third argument other than 0 cuts.
    if (cut !== undefined && cut.constant !== 0) return sql`(trunc(${value} * power(10, ${digits})) / power(10, ${digits}))`;
    return sql`round(${value}, ${digits})`;
  }),
  POWER: (call) => {
    const [base] = call.args;
    const power = floatFunction('pow', [2, 2])(call) as BoundExpression; // floatFunction is synchronous
    if (base === undefined || !isNumeric(base.type) || base.type.name === 'float') return power;
    return {
      ...power,
      sql: sql`CAST(${isInteger(base.type) ? sql`trunc(${power.sql})` : power.sql} AS ${unsafeSql(engineType(base.type))})`,
      type: base.type,
    };
  },
  SQRT: floatFunction('sqrt'),
  SQUARE: (call) => {
    const [value] = call.args.map((arg) => convert(call.frame.scope, arg, { name: 'float' }, call.node.span).sql);
    return { sql: sql`(${value ?? sql`0`} * ${value ?? sql`0`})`, type: { name: 'float' }, nullable: true };
  },
  EXP: floatFunction('exp'),
  LOG10: floatFunction('log10'),
  LOG: (call) => {
    const [value, base] = call.args.map((arg) => convert(call.frame.scope, arg, { name: 'float' }, call.node.span).sql);
    return {
      sql: base === undefined ? sql`ln(${value ?? sql`1`})` : sql`(ln(${value ?? sql`1`}) / ln(${base}))`,
      type: { name: 'float' },
      nullable: true,
    };
  },
  PI: floatFunction('pi', [0, 0]),
  SIN: floatFunction('sin'),
  COS: floatFunction('cos'),
  TAN: floatFunction('tan'),
  COT: floatFunction('cot'),
  ASIN: floatFunction('asin'),
  ACOS: floatFunction('acos'),
  ATAN: floatFunction('atan'),
  ATN2: floatFunction('atan2', [2, 2]),
  DEGREES: floatFunction('degrees'),
  RADIANS: floatFunction('radians'),
  RAND: (call) => {
    if (call.args.length > 0) throw bindError(call.frame.scope, 'SQL_NOT_SUPPORTED', 'RAND with a seed is not supported', call.node.span);
    return { sql: sql`random()`, type: { name: 'float' }, nullable: false };
  },
  ISNUMERIC: (call) => {
    const [value] = call.args;
    const test =
      value === undefined
        ? sql`false`
        : isNumeric(value.type)
          ? sql`${value.sql} IS NOT NULL`
          : sql`(TRY_CAST(trim(regexp_replace(${convert(call.frame.scope, value, anyText, call.node.span).sql}, '[$,]', '', 'g')) AS DOUBLE) IS NOT NULL)`;
    return { sql: sql`CASE WHEN ${test} THEN 1 ELSE 0 END`, type: int, nullable: false };
  },

  NEWID: () => ({ sql: sql`upper(CAST(uuid() AS VARCHAR))`, type: { name: 'uniqueidentifier' }, nullable: false }),
  NEWSEQUENTIALID: () => ({ sql: sql`upper(CAST(uuidv7() AS VARCHAR))`, type: { name: 'uniqueidentifier' }, nullable: false }),
  HASHBYTES: (call) => {
    const [algorithm, value] = call.args;
    const fn = { MD5: 'md5', SHA1: 'sha1', SHA: 'sha1', SHA2_256: 'sha256' }[String(algorithm?.constant).toUpperCase() as 'MD5'];
    if (fn === undefined || value === undefined)
      throw bindError(
        call.frame.scope,
        'SQL_NOT_SUPPORTED',
        `HASHBYTES with ${String(algorithm?.constant)} is not supported`,
        call.node.span,
        'MD5, SHA1 and SHA2_256 are',
      );
    if (value.type.name.startsWith('n'))
      throw bindError(
        call.frame.scope,
        'SQL_NOT_SUPPORTED',
        'HASHBYTES of national text is not supported',
        call.node.span,
        'cast it to varchar or varbinary',
      );
    return { sql: sql`unhex(${unsafeSql(fn)}(${value.sql}))`, type: { name: 'varbinary', length: 8000 }, nullable: value.nullable };
  },
  ISJSON: textFunction(
    ([text]) =>
      sql`CASE WHEN ${text ?? sql``} IS NULL THEN NULL WHEN json_valid(${text ?? sql``}) AND ltrim(${text ?? sql``})[1] IN ('{', '[') THEN 1 ELSE 0 END`,
    int,
    [1, 1],
  ),
  JSON_VALUE: textFunction(
    ([text, path], call) => {
      const at = jsonPath(call, path);
      return sql`CASE WHEN json_type(${text ?? sql``}, ${at}) IN ('OBJECT', 'ARRAY') THEN NULL ELSE json_extract_string(${text ?? sql``}, ${at}) END`;
    },
    { name: 'nvarchar', length: 4000 },
    [2, 2],
  ),
  JSON_QUERY: textFunction(
    ([text, path], call) => {
      const at = jsonPath(call, path);
      return sql`CASE WHEN json_type(${text ?? sql``}, ${at}) IN ('OBJECT', 'ARRAY') THEN CAST(json_extract(${text ?? sql``}, ${at}) AS VARCHAR) END`;
    },
    anyText,
    [1, 2],
  ),
};

function extreme(fn: 'greatest' | 'least'): FunctionBinder {
  return (call) => {
    const type = commonTypeOf(call.args);
    if (isText(type))
      throw bindError(call.frame.scope, 'SQL_NOT_SUPPORTED', `${fn.toUpperCase()} of text is not supported`, call.node.span);
    const values = call.args.map((arg) => convert(call.frame.scope, arg, type, call.node.span).sql);
    return { sql: sql`${unsafeSql(fn)}(${join(values)})`, type, nullable: true };
  };
}

function refused(call: Call): never {
  throw bindError(call.frame.scope, 'SQL_NOT_SUPPORTED', `the function ${call.node.name.parts.join('.')} is not supported`, call.node.span);
}

/** A path of SQL Server's JSON functions for the engine: `lax` is the default, `strict` is refused. */
function jsonPath(call: Call, path: Sql | undefined): Sql {
  const constant = call.args[1]?.constant ?? '$';
  if (path !== undefined && typeof constant !== 'string')
    throw bindError(call.frame.scope, 'SQL_NOT_SUPPORTED', 'a JSON path that is not a constant is not supported', call.node.span);
  return literal(checkedJsonPath(String(constant), (message) => bindError(call.frame.scope, 'SQL_NOT_SUPPORTED', message, call.node.span)));
}

/** The path without its mode word. */
export function checkedJsonPath(path: string, refuse: (message: string) => Error): string {
  if (/^\s*strict\b/i.test(path)) throw refuse('strict JSON paths are not supported');
  const bare = path.replace(/^\s*lax\s+/i, '').trim();
  if (!bare.startsWith('$')) throw refuse(`"${path}" is no JSON path: it begins with $`);
  return bare;
}

function bindPatIndex(pattern: string, text: Sql): BoundExpression {
  // The position of what lies between the leading and the closing %.
  const anchoredStart = !pattern.startsWith('%');
  const anchoredEnd = !pattern.endsWith('%');
  const inner = pattern.replace(/^%/, '').replace(/%$/, '');
  const regex = `${anchoredStart ? '^' : ''}${likeBody(inner)}${anchoredEnd ? '$' : ''}`;
  const found = sql`regexp_extract(${text}, ${`(?is)^(.*?)(?:${regex.replace(/^\^/, '')})`}, 1)`;
  const start = anchoredStart ? sql`1` : sql`length(${found}) + 1`;
  return {
    sql: sql`CASE WHEN regexp_matches(${text}, ${`(?is)${regex}`}) THEN CAST(${start} AS INTEGER) WHEN ${text} IS NULL THEN NULL ELSE 0 END`,
    type: int,
    nullable: true,
  };
}

function likeBody(pattern: string): string {
  return pattern.replaceAll(
    /\[(\^?)([^\]]*)\]|[%_]|[\\^$.|?*+(){}-]/g,
    (whole: string, not: string | undefined, members: string | undefined) => {
      if (members !== undefined) return `[${not ?? ''}${members.replaceAll(/[\\[\]]/g, String.raw`\$&`)}]`;
      if (whole === '%') return '.*';
      return whole === '_' ? '.' : `\\${whole}`;
    },
  );
}
