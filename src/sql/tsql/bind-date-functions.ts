import { join, sql, type Sql, unsafeSql } from '#sql';

import type { Expression, FunctionCall } from './ast.ts';
import { bindError, type BoundExpression, type Frame } from './bind-context.ts';
import { roundTemporal } from './convert-temporal.ts';
import { convert } from './convert.ts';
import { raise } from './raise.ts';
import { isTemporal, type SqlServerType } from './types.ts';

type DateBinder = (node: FunctionCall, frame: Frame) => BoundExpression | Promise<BoundExpression>;

const int: SqlServerType = { name: 'int' };
const stamp: SqlServerType = { name: 'datetime2', scale: 7 };

const parts: Readonly<Record<string, string>> = {
  year: 'year', yy: 'year', yyyy: 'year', quarter: 'quarter', qq: 'quarter', q: 'quarter', month: 'month', mm: 'month', m: 'month', dayofyear: 'dayofyear', dy: 'dayofyear', y: 'dayofyear', day: 'day', dd: 'day', d: 'day',
  week: 'week', wk: 'week', ww: 'week', weekday: 'weekday', dw: 'weekday', w: 'weekday', hour: 'hour', hh: 'hour', minute: 'minute', mi: 'minute', n: 'minute', second: 'second', ss: 'second', s: 'second',
  millisecond: 'millisecond', ms: 'millisecond', microsecond: 'microsecond', mcs: 'microsecond', nanosecond: 'nanosecond', ns: 'nanosecond', iso_week: 'iso_week', isowk: 'iso_week', isoww: 'iso_week',
}; // prettier-ignore

function partOf(node: FunctionCall, frame: Frame): string {
  const [first] = node.args;
  const word = first?.kind === 'column' && first.name.parts.length === 1 ? (first.name.parts[0] ?? '').toLowerCase() : '';
  const part = parts[word];
  if (part === undefined)
    throw bindError(
      frame.scope,
      'SQL_SYNTAX',
      `${node.name.parts.join('.')} begins with a part of a date, such as year, month or day`,
      node.span,
    );
  return part;
}

async function argument(node: FunctionCall, frame: Frame, index: number): Promise<BoundExpression> {
  const expression: Expression | undefined = node.args[index];
  if (expression === undefined) throw bindError(frame.scope, 'SQL_SYNTAX', `${node.name.parts.join('.')} takes more arguments`, node.span);
  return await frame.bind(expression, frame);
}

/** A temporal value as TIMESTAMP, whatever it was. */
async function timestamp(node: FunctionCall, frame: Frame, index: number): Promise<{ value: BoundExpression; sql: Sql }> {
  const bound = await argument(node, frame, index);
  const value = isTemporal(bound.type)
    ? bound
    : convert(frame.scope, bound, bound.type.name === 'int' ? { name: 'datetime' } : stamp, node.span);
  return {
    value,
    sql:
      value.type.name === 'time' || value.type.name === 'datetimeoffset'
        ? convert(frame.scope, value, stamp, node.span).sql
        : sql`CAST(${value.sql} AS TIMESTAMP)`,
  };
}

/** One part of a timestamp as an integer; weeks begin on Sunday, as under us_english. */
function extract(part: string, value: Sql): Sql {
  switch (part) {
    case 'weekday':
      return sql`(dayofweek(${value}) + 1)`;
    case 'week':
      return sql`((dayofyear(${value}) + dayofweek(date_trunc('year', ${value})) - 1) // 7 + 1)`;
    case 'iso_week':
      return sql`weekofyear(${value})`;
    case 'millisecond':
      return sql`(millisecond(${value}) % 1000)`;
    case 'microsecond':
      return sql`(microsecond(${value}) % 1000000)`;
    case 'nanosecond':
      return sql`((microsecond(${value}) % 1000000) * 1000)`;
    default:
      return sql`${unsafeSql(part)}(${value})`;
  }
}

function now(frame: Frame, type: SqlServerType): BoundExpression {
  const text = frame.scope.now.toISOString().replace('T', ' ').replace('Z', '');
  return {
    sql: type.name === 'datetimeoffset' ? sql`${`${text}0000 +00:00`}` : roundTemporal(sql`CAST(${text} AS TIMESTAMP)`, type),
    type,
    nullable: false,
  };
}

async function dateAdd(node: FunctionCall, frame: Frame): Promise<BoundExpression> {
  const part = partOf(node, frame);
  const count = convert(frame.scope, await argument(node, frame, 1), int, node.span).sql;
  const { value, sql: date } = await timestamp(node, frame, 2);
  const intervals: Readonly<Record<string, Sql>> = {
    year: sql`to_years(${count})`, quarter: sql`to_months(3 * ${count})`, month: sql`to_months(${count})`, day: sql`to_days(${count})`, dayofyear: sql`to_days(${count})`, weekday: sql`to_days(${count})`, week: sql`to_days(7 * ${count})`,
    hour: sql`to_hours(${count})`, minute: sql`to_minutes(${count})`, second: sql`to_seconds(${count})`, millisecond: sql`to_milliseconds(${count})`, microsecond: sql`to_microseconds(${count})`, nanosecond: sql`to_microseconds(${count} // 1000)`,
  }; // prettier-ignore
  const interval = intervals[part];
  if (interval === undefined) throw bindError(frame.scope, 'SQL_SYNTAX', `DATEADD takes no ${part}`, node.span);
  const type = value.type.name === 'datetimeoffset' ? stamp : value.type;
  return { sql: roundTemporal(sql`(${date} + ${interval})`, type), type, nullable: true };
}

async function dateDiff(node: FunctionCall, frame: Frame, type: SqlServerType): Promise<BoundExpression> {
  const part = partOf(node, frame);
  const [from, to] = [(await timestamp(node, frame, 1)).sql, (await timestamp(node, frame, 2)).sql];
  const unit = { dayofyear: 'day', weekday: 'day', nanosecond: 'microsecond' }[part] ?? part;
  // Boundaries crossed, as in the engine; weeks begin on Sunday whatever DATEFIRST says.
  const days = (value: Sql) => sql`(date_diff('day', DATE '1899-12-31', CAST(${value} AS DATE)) // 7)`;
  const count =
    part === 'week' || part === 'iso_week' ? sql`(${days(to)} - ${days(from)})` : sql`date_diff(${unsafeSql(`'${unit}'`)}, ${from}, ${to})`;
  const scaled = part === 'nanosecond' ? sql`(${count} * 1000)` : count;
  return { sql: sql`CAST(${scaled} AS ${unsafeSql(type.name === 'int' ? 'INTEGER' : 'BIGINT')})`, type, nullable: true };
}

const fromParts =
  (count: number, type: SqlServerType, build: (values: readonly Sql[]) => Sql): DateBinder =>
  async (node, frame) => {
    if (node.args.length < count)
      throw bindError(frame.scope, 'SQL_SYNTAX', `${node.name.parts.join('.')} takes ${count} arguments`, node.span);
    const values = await Promise.all(
      node.args.map(async (_, index) => convert(frame.scope, await argument(node, frame, index), int, node.span).sql),
    );
    const refusal = raise(289, `Cannot construct data type ${type.name}, some of the arguments have values which are not valid.`);
    const isNull = join(
      values.map((value) => sql`${value} IS NULL`),
      ' OR ',
    );
    return { sql: sql`CASE WHEN ${isNull} THEN NULL ELSE coalesce(TRY(${build(values)}), ${refusal}) END`, type, nullable: true };
  };

const zero = sql`0`;
const at = (values: readonly Sql[], index: number) => values[index] ?? zero;

/** The functions of dates and times, by upper-case name. */
export const dateFunctions: Readonly<Record<string, DateBinder>> = {
  GETDATE: (_, frame) => now(frame, { name: 'datetime' }),
  CURRENT_TIMESTAMP: (_, frame) => now(frame, { name: 'datetime' }),
  GETUTCDATE: (_, frame) => now(frame, { name: 'datetime' }),
  SYSDATETIME: (_, frame) => now(frame, stamp),
  SYSUTCDATETIME: (_, frame) => now(frame, stamp),
  SYSDATETIMEOFFSET: (_, frame) => now(frame, { name: 'datetimeoffset', scale: 7 }),
  CURRENT_DATE: (_, frame) => now(frame, { name: 'date' }),
  DATEADD: dateAdd,
  DATEDIFF: (node, frame) => dateDiff(node, frame, int),
  DATEDIFF_BIG: (node, frame) => dateDiff(node, frame, { name: 'bigint' }),
  DATEPART: async (node, frame) => ({
    sql: sql`CAST(${extract(partOf(node, frame), (await timestamp(node, frame, 1)).sql)} AS INTEGER)`,
    type: int,
    nullable: true,
  }),
  DATENAME: async (node, frame) => {
    const part = partOf(node, frame);
    const { sql: value } = await timestamp(node, frame, 1);
    const text =
      part === 'month'
        ? sql`monthname(${value})`
        : part === 'weekday'
          ? sql`dayname(${value})`
          : sql`CAST(${extract(part, value)} AS VARCHAR)`;
    return { sql: text, type: { name: 'nvarchar', length: 30 }, nullable: true };
  },
  DATETRUNC: async (node, frame) => {
    const part = partOf(node, frame);
    const { value, sql: date } = await timestamp(node, frame, 1);
    const truncated =
      part === 'week'
        ? sql`(date_trunc('day', ${date}) - to_days(CAST(dayofweek(${date}) AS INTEGER)))`
        : sql`date_trunc(${unsafeSql(`'${{ iso_week: 'week', dayofyear: 'day' }[part] ?? part}'`)}, ${date})`;
    return { sql: roundTemporal(sql`CAST(${truncated} AS TIMESTAMP)`, value.type), type: value.type, nullable: true };
  },
  YEAR: async (node, frame) => ({ sql: sql`CAST(year(${(await timestamp(node, frame, 0)).sql}) AS INTEGER)`, type: int, nullable: true }),
  MONTH: async (node, frame) => ({ sql: sql`CAST(month(${(await timestamp(node, frame, 0)).sql}) AS INTEGER)`, type: int, nullable: true }),
  DAY: async (node, frame) => ({ sql: sql`CAST(day(${(await timestamp(node, frame, 0)).sql}) AS INTEGER)`, type: int, nullable: true }),
  EOMONTH: async (node, frame) => {
    const { sql: date } = await timestamp(node, frame, 0);
    const months = node.args.length > 1 ? convert(frame.scope, await argument(node, frame, 1), int, node.span).sql : zero;
    return { sql: sql`last_day(CAST(${date} + to_months(${months}) AS DATE))`, type: { name: 'date' }, nullable: true };
  },
  DATEFROMPARTS: fromParts(3, { name: 'date' }, (values) => sql`make_date(${at(values, 0)}, ${at(values, 1)}, ${at(values, 2)})`),
  DATETIMEFROMPARTS: fromParts(7, { name: 'datetime' }, (values) =>
    roundTemporal(
      sql`(make_timestamp(${at(values, 0)}, ${at(values, 1)}, ${at(values, 2)}, ${at(values, 3)}, ${at(values, 4)}, ${at(values, 5)}) + to_milliseconds(${at(values, 6)}))`,
      { name: 'datetime' },
    ),
  ),
  DATETIME2FROMPARTS: fromParts(
    8,
    stamp,
    (values) =>
      sql`(make_timestamp(${at(values, 0)}, ${at(values, 1)}, ${at(values, 2)}, ${at(values, 3)}, ${at(values, 4)}, ${at(values, 5)}) + to_microseconds(CAST(${at(values, 6)} * power(10, 6 - ${at(values, 7)}) AS BIGINT)))`,
  ),
  ISDATE: async (node, frame) => {
    const value = convert(frame.scope, await argument(node, frame, 0), { name: 'nvarchar', length: 'max' }, node.span);
    const date = convert(frame.scope, value, { name: 'datetime' }, node.span, { isTry: true });
    return { sql: sql`CASE WHEN ${date.sql} IS NOT NULL THEN 1 ELSE 0 END`, type: int, nullable: false };
  },
};
