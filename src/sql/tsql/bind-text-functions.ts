import { join, literal, sql, type Sql } from '#sql';

import { bindError, type BoundExpression } from './bind-context.ts';
import {
  anyText,
  argumentAs,
  argumentOf,
  type Call,
  checkCount,
  float,
  type FunctionBinder,
  int,
  isNational,
  longestOf,
  refuseCall,
  textLength,
  textOf,
  textTypeOf,
  varchar,
} from './bind-call.ts';
import { commonCollation } from './bind-operator.ts';
import { likeToRegex } from './like-pattern.ts';
import { once } from './once.ts';
import { raise } from './raise.ts';
import { isBinary, isText, type SqlServerType } from './types.ts';

/** A function whose result is text: it is national when one of the texts is, and takes its collation from them. */
function textFunction(
  [low, high]: readonly [number, number],
  build: (call: Call) => Sql,
  typeOf: (call: Call) => SqlServerType = ({ args: [first] }) => textTypeOf(first === undefined ? [] : [first]),
): FunctionBinder {
  return (call) => {
    checkCount(call, low, high);
    const type = typeOf(call);
    const collation = isText(type) ? { collation: commonCollation(...call.args) } : {};
    return { sql: build(call), type, nullable: call.args.some((arg) => arg.nullable), ...collation };
  };
}

/** A number of characters, at least 0: an error below. */
function countOf(call: Call, index: number, number: number, message: string): Sql {
  const { constant } = argumentOf(call, index);
  const count = argumentAs(call, index, int);
  if (typeof constant === 'number' && constant >= 0) return count;
  return sql`CASE WHEN ${count} < 0 THEN ${raise(number, message)} ELSE ${count} END`;
}

const partLength = (call: Call, index: number): SqlServerType => {
  const { constant } = argumentOf(call, index);
  const whole = textLength(argumentOf(call, 0));
  const part = typeof constant !== 'number' ? whole : whole === 'max' ? constant : Math.min(whole, constant);
  return textTypeOf([argumentOf(call, 0)], part);
};

const badLength = 'Invalid length parameter passed to the LEFT or SUBSTRING function.';

/** A start before the first character eats into the length. */
function substring(call: Call): { readonly from: Sql; readonly count: Sql } {
  const start = argumentOf(call, 1).constant;
  const count = countOf(call, 2, 537, badLength);
  if (typeof start === 'number' && start >= 1) return { from: argumentAs(call, 1, int), count };
  const from = argumentAs(call, 1, int);
  return {
    from: sql`CASE WHEN ${from} < 1 THEN 1 ELSE ${from} END`,
    count: once(count, (n) => sql`CASE WHEN ${from} >= 1 THEN ${n} WHEN ${n} + ${from} - 1 < 0 THEN 0 ELSE ${n} + ${from} - 1 END`),
  };
}

const SUBSTRING: FunctionBinder = (call) => {
  checkCount(call, 3, 3);
  const value = argumentOf(call, 0);
  const { from, count } = substring(call);
  if (isBinary(value.type))
    return { sql: sql`unhex(substring(hex(${value.sql}), 2 * (${from}) - 1, 2 * (${count})))`, type: { name: 'varbinary', length: value.type.length ?? 8000 }, nullable: true }; // prettier-ignore
  return {
    sql: sql`substring(${textOf(call, 0)}, ${from}, ${count})`,
    type: partLength(call, 2),
    nullable: true,
    collation: commonCollation(value),
  };
};

/** Text as a search looks at it. */
function folded(call: Call, index: number): Sql {
  return commonCollation(...call.args) === 'caseSensitive' ? textOf(call, index) : sql`lower(${textOf(call, index)})`;
}

const CHARINDEX = textFunction(
  [2, 3],
  (call) => {
    const [needle, hay] = [folded(call, 0), folded(call, 1)];
    const found =
      call.args.length === 2
        ? sql`instr(${hay}, ${needle})`
        : once(argumentAs(call, 2, int), (from) => {
            const start = sql`greatest(${from}, 1)`;
            const at = sql`nullif(instr(substring(${hay}, ${start}), ${needle}), 0) + ${start} - 1`;
            return sql`coalesce(${at}, CASE WHEN ${needle} IS NULL OR ${hay} IS NULL THEN NULL ELSE 0 END)`;
          });
    const { constant } = argumentOf(call, 0);
    if (typeof constant === 'string' && constant !== '') return sql`CAST(${found} AS INTEGER)`;
    return sql`CAST(CASE WHEN ${needle} = '' THEN 0 ELSE ${found} END AS INTEGER)`;
  },
  (call) => (longestOf(call.args.slice(1, 2)) === 'max' ? { name: 'bigint' } : int),
);

const PATINDEX = textFunction(
  [2, 2],
  (call) => {
    const { constant: pattern } = argumentOf(call, 0);
    if (typeof pattern !== 'string') throw refuseCall(call, 'a PATINDEX pattern that is not a constant is not supported');
    const isAnchored = !pattern.startsWith('%');
    const inner = `${likeToRegex(pattern.replace(/^%/, '').replace(/%$/, ''))}${pattern.endsWith('%') ? '' : '$'}`;
    const options = commonCollation(...call.args) === 'caseSensitive' ? '(?s)' : '(?is)';
    return once(textOf(call, 1), (text) => {
      // What stands before the first match, as short as it can be.
      const before = sql`length(regexp_extract(${text}, ${literal(`${options}^(.*?)(?:${inner})`)}, 1)) + 1`;
      const matches = sql`regexp_matches(${text}, ${literal(`${options}${isAnchored ? '^' : ''}(?:${inner})`)})`;
      return sql`CAST(CASE WHEN ${matches} THEN ${isAnchored ? sql`1` : before} WHEN ${text} IS NULL THEN NULL ELSE 0 END AS INTEGER)`;
    });
  },
  (call) => (longestOf(call.args.slice(1, 2)) === 'max' ? { name: 'bigint' } : int),
);

const REPLACE = textFunction(
  [3, 3],
  (call) => {
    const [text, from, to] = [textOf(call, 0), textOf(call, 1), textOf(call, 2)];
    const { constant } = argumentOf(call, 1);
    // A search that case does not matter to needs no regular expression.
    const isPlain =
      commonCollation(...call.args) === 'caseSensitive' ||
      (typeof constant === 'string' && constant.toLowerCase() === constant.toUpperCase());
    if (isPlain) return sql`replace(${text}, ${from}, ${to})`;
    const replaced = (value: Sql) =>
      sql`regexp_replace(${value}, regexp_escape(${from}), replace(${to}, ${literal('\\')}, ${literal(String.raw`\\`)}), 'gi')`;
    if (typeof constant === 'string' && constant !== '') return replaced(text);
    return once(text, (value) => sql`CASE WHEN ${from} = '' THEN ${value} ELSE ${replaced(value)} END`);
  },
  ({ args }) => textTypeOf(args, longestOf(args)),
);

const STUFF = textFunction(
  [4, 4],
  (call) => {
    const [start, count] = [argumentAs(call, 1, int), argumentAs(call, 2, int)];
    const insert = sql`coalesce(${textOf(call, 3)}, '')`;
    return once(
      textOf(call, 0),
      (text) =>
        sql`CASE WHEN ${start} >= 1 AND ${start} <= length(${text}) AND ${count} >= 0 THEN left(${text}, ${start} - 1) || ${insert} || substring(${text}, CAST(${start} AS BIGINT) + ${count}) END`,
    );
  },
  (call) => textTypeOf([argumentOf(call, 0), argumentOf(call, 3)]),
);

const REPLICATE = textFunction(
  [2, 2],
  (call) => {
    const count = argumentAs(call, 1, int);
    const text = sql`repeat(${textOf(call, 0)}, CASE WHEN ${count} >= 0 THEN ${count} END)`;
    const limit = longestOf(call.args.slice(0, 1));
    return limit === 'max' ? text : sql`left(${text}, ${literal(limit)})`;
  },
  ({ args }) => textTypeOf(args.slice(0, 1), longestOf(args.slice(0, 1))),
);

const CONCAT: FunctionBinder = (call) => {
  if (call.args.length < 2 || call.args.length > 254)
    throw bindError(call.frame.scope, 'SQL_SYNTAX', `CONCAT takes 2 to 254 arguments, not ${call.args.length}`, call.node.span);
  const pieces = call.args.map((_, index) => sql`coalesce(${textOf(call, index)}, '')`);
  return { sql: sql`(${join(pieces, ' || ')})`, type: textTypeOf(call.args), nullable: false, collation: commonCollation(...call.args) };
};

const CONCAT_WS: FunctionBinder = (call) => {
  checkCount(call, 3, 254);
  const texts = call.args.map((_, index) => textOf(call, index));
  const [separator = sql`''`, ...rest] = texts;
  const [between, ...values] = call.args;
  const separators = values.slice(1).map(() => between).filter((one) => one !== undefined); // prettier-ignore
  return {
    sql: sql`concat_ws(coalesce(${separator}, ''), ${join(rest)})`,
    type: textTypeOf([...values, ...separators]),
    nullable: false,
    collation: commonCollation(...call.args),
  };
};

const quotes: Readonly<Record<string, readonly [string, string]>> = {
  '[': ['[', ']'], ']': ['[', ']'], '"': ['"', '"'], "'": ["'", "'"], '`': ['`', '`'], '(': ['(', ')'], ')': ['(', ')'], '{': ['{', '}'], '}': ['{', '}'], '<': ['<', '>'], '>': ['<', '>'],
}; // prettier-ignore

const QUOTENAME = textFunction(
  [1, 2],
  (call) => {
    const character = call.args.length === 1 ? '[' : argumentOf(call, 1).constant;
    if (typeof character !== 'string') throw refuseCall(call, 'a QUOTENAME character that is not a constant is not supported');
    const [open, close] = quotes[character] ?? [];
    if (open === undefined || close === undefined) return sql`CAST(NULL AS VARCHAR)`;
    return once(
      textOf(call, 0),
      (text) =>
        sql`CASE WHEN length(${text}) <= 128 THEN ${literal(open)} || replace(${text}, ${literal(close)}, ${literal(close + close)}) || ${literal(close)} END`,
    );
  },
  () => ({ name: 'nvarchar', length: 258 }),
);

const STR: FunctionBinder = (call) => {
  checkCount(call, 1, 3);
  const { constant } = argumentOf(call, 1);
  const width = call.args.length > 1 ? argumentAs(call, 1, int) : sql`10`;
  const digits = call.args.length > 2 ? sql`least(${argumentAs(call, 2, int)}, 16)` : sql`0`;
  // fmt rounds half to even on the binary value; SQL Server half away from zero.
  const rounded = sql`format('{:.' || CAST(${digits} AS VARCHAR) || 'f}', round(${argumentAs(call, 0, float)}, ${digits}))`;
  const text = (shown: Sql) => {
    const room = sql`(${width} - instr(${shown}, '.'))`;
    // Decimals that have no room are rounded away, one by one.
    const shorter = sql`format('{:.' || CAST(greatest(${room}, 0) AS VARCHAR) || 'f}', round(${argumentAs(call, 0, float)}, CAST(greatest(${room}, 0) AS INTEGER)))`;
    const fits = sql`CASE WHEN length(${shown}) <= ${width} THEN ${shown} WHEN instr(${shown}, '.') > 0 AND instr(${shown}, '.') - 1 <= ${width} THEN ${shorter} END`;
    return sql`coalesce(lpad(${fits}, ${width}, ' '), CASE WHEN ${shown} IS NOT NULL THEN repeat('*', ${width}) END)`;
  };
  return {
    sql: once(rounded, text),
    type: varchar(typeof constant === 'number' ? Math.max(1, Math.min(8000, constant)) : call.args.length > 1 ? 8000 : 10),
    nullable: true,
  };
};

const trim = (fn: 'ltrim' | 'rtrim' | 'trim'): FunctionBinder =>
  textFunction([1, 2], (call) => {
    // TRIM(x FROM y) has the characters first.
    const [text, characters] = fn === 'trim' && call.args.length === 2 ? [1, 0] : [0, 1];
    const wanted = call.args.length === 2 ? textOf(call, characters) : sql`' '`;
    const name = { ltrim: sql`ltrim`, rtrim: sql`rtrim`, trim: sql`trim` }[fn];
    return sql`${name}(${textOf(call, text)}, ${wanted})`;
  }, ({ args }) => textTypeOf(fn === 'trim' ? args.slice(-1) : args.slice(0, 1))); // prettier-ignore

const codeOf = (fn: Sql): FunctionBinder =>
  textFunction(
    [1, 1],
    (call) => once(textOf(call, 0), (text) => sql`CASE WHEN ${text} <> '' THEN CAST(${fn}(${text}) AS INTEGER) END`),
    () => int,
  );

const lengthType = ({ args }: Call): SqlServerType => (longestOf(args) === 'max' ? { name: 'bigint' } : int);
const castLength = (call: Call, length: Sql): Sql =>
  lengthType(call).name === 'bigint' ? sql`CAST(${length} AS BIGINT)` : sql`CAST(${length} AS INTEGER)`;

/** The functions of text, by upper-case name. */
export const textFunctions: Readonly<Record<string, FunctionBinder>> = {
  LEN: textFunction([1, 1], (call) => castLength(call, sql`length(rtrim(${textOf(call, 0)}, ' '))`), lengthType),
  UPPER: textFunction([1, 1], (call) => sql`upper(${textOf(call, 0)})`),
  LOWER: textFunction([1, 1], (call) => sql`lower(${textOf(call, 0)})`),
  LTRIM: trim('ltrim'),
  RTRIM: trim('rtrim'),
  TRIM: trim('trim'),
  LEFT: textFunction(
    [2, 2],
    (call) => sql`left(${textOf(call, 0)}, ${countOf(call, 1, 537, badLength)})`,
    (call) => partLength(call, 1),
  ),
  RIGHT: textFunction(
    [2, 2],
    (call) => sql`right(${textOf(call, 0)}, ${countOf(call, 1, 536, 'Invalid length parameter passed to the RIGHT function.')})`,
    (call) => partLength(call, 1),
  ),
  SUBSTRING,
  CHARINDEX,
  PATINDEX,
  REPLACE,
  STUFF,
  REPLICATE,
  CONCAT,
  CONCAT_WS,
  QUOTENAME,
  STR,
  SPACE: textFunction(
    [1, 1],
    (call) => once(argumentAs(call, 0, int), (count) => sql`repeat(' ', CASE WHEN ${count} >= 0 THEN least(${count}, 8000) END)`),
    () => varchar(8000),
  ),
  REVERSE: textFunction([1, 1], (call) => sql`reverse(${textOf(call, 0)})`),
  CHAR: textFunction(
    [1, 1],
    (call) => once(argumentAs(call, 0, int), (code) => sql`CASE WHEN ${code} BETWEEN 0 AND 255 THEN chr(${code}) END`),
    () => ({ name: 'char', length: 1 }),
  ),
  NCHAR: textFunction(
    [1, 1],
    (call) => once(argumentAs(call, 0, int), (code) => sql`CASE WHEN ${code} BETWEEN 0 AND 65535 THEN chr(${code}) END`),
    () => ({ name: 'nchar', length: 1 }),
  ),
  ASCII: codeOf(sql`ascii`),
  UNICODE: codeOf(sql`unicode`),
  TRANSLATE: textFunction([3, 3], (call) => {
    const [from, to] = [textOf(call, 1), textOf(call, 2)];
    const translated = sql`translate(${textOf(call, 0)}, ${from}, ${to})`;
    const problem = 'The second and third arguments of the TRANSLATE built-in function must contain an equal number of characters.';
    return sql`CASE WHEN length(${from}) <> length(${to}) THEN ${raise(9828, problem)} ELSE ${translated} END`;
  }),
  STRING_ESCAPE: textFunction(
    [2, 2],
    (call) => {
      if (String(argumentOf(call, 1).constant).toLowerCase() !== 'json') throw refuseCall(call, "STRING_ESCAPE takes 'json' only");
      // JSON text without its quotes; SQL Server escapes the slash too.
      return once(
        sql`CAST(to_json(${textOf(call, 0)}) AS VARCHAR)`,
        (text) => sql`replace(substring(${text}, 2, length(${text}) - 2), '/', ${literal(String.raw`\/`)})`,
      );
    },
    () => anyText,
  ),
};

/** The bytes of a value, as DATALENGTH counts them. */
export const DATALENGTH: FunctionBinder = (call) => {
  checkCount(call, 1, 1);
  const value = argumentOf(call, 0);
  const { type } = value;
  const result = isText(type) ? lengthType(call) : int;
  if (value.isNull) return { sql: sql`CAST(NULL AS INTEGER)`, type: int, nullable: true };
  const size = isText(type)
    ? sql`${isNational(type) ? sql`2 * ` : sql``}length(${value.sql})`
    : isBinary(type)
      ? sql`octet_length(${value.sql})`
      : sql`CASE WHEN ${value.sql} IS NOT NULL THEN ${literal(storedBytes(value))} END`;
  return { sql: castLength(call, size), type: result, nullable: value.nullable };
};

function storedBytes({ type }: BoundExpression): number {
  const { precision = 18, scale = 7 } = type;
  const small = scale <= 2 ? 0 : scale <= 4 ? 1 : 2;
  const bytes: Readonly<Record<string, number>> = {
    int: 4, bigint: 8, smallint: 2, tinyint: 1, bit: 1, float: 8, real: 4, datetime: 8, date: 3, money: 8, smallmoney: 4, uniqueidentifier: 16, smalldatetime: 4,
    decimal: precision <= 9 ? 5 : precision <= 19 ? 9 : precision <= 28 ? 13 : 17, time: 3 + small, datetime2: 6 + small, datetimeoffset: 8 + small,
  }; // prettier-ignore
  return bytes[type.name] ?? 8;
}
