import { join, sql, type Sql, unsafeSql } from '#sql';

import { bindCondition } from './bind-condition.ts';
import type { FunctionCall } from './ast.ts';
import { bindError, type BoundExpression, type Frame } from './bind-context.ts';
import { argumentOf, type Call, checkCount, type FunctionBinder, int, refuseCall } from './bind-call.ts';
import { commonCollation, commonTypeOf, comparable } from './bind-operator.ts';
import { convert } from './convert.ts';
import { isText } from './types.ts';

/** The first argument decides the type: the second is cut to it. */
const ISNULL: FunctionBinder = (call) => {
  checkCount(call, 2, 2);
  const [first, second] = [argumentOf(call, 0), argumentOf(call, 1)];
  const type = first.isNull ? second.type : first.type;
  const values = [first, second].map((one) => convert(call.frame.scope, one, type, call.node.span).sql);
  return {
    sql: sql`coalesce(${join(values)})`,
    type,
    nullable: first.nullable && second.nullable,
    collation: commonCollation(first, second),
  };
};

/** The type comes of all arguments, by precedence. */
const COALESCE: FunctionBinder = (call) => {
  const { scope } = call.frame;
  if (call.args.length < 2)
    throw bindError(scope, 'SQL_SYNTAX', `COALESCE takes two arguments or more, not ${call.args.length}`, call.node.span);
  if (call.args.every((arg) => arg.isNull))
    throw bindError(scope, 'SQL_TYPE', 'one of the arguments of COALESCE must be something else than NULL', call.node.span);
  const type = commonTypeOf(call.args);
  const values = call.args.map((arg) => convert(scope, arg, type, call.node.span).sql);
  const nullable = call.args.every((arg) => arg.nullable);
  return { sql: sql`coalesce(${join(values)})`, type, nullable, collation: commonCollation(...call.args) };
};

const NULLIF: FunctionBinder = (call) => {
  checkCount(call, 2, 2);
  const [first, second] = [argumentOf(call, 0), argumentOf(call, 1)];
  if (first.isNull) throw bindError(call.frame.scope, 'SQL_TYPE', 'the first argument of NULLIF cannot be NULL itself', call.node.span);
  const { left, right } = comparable(call.frame.scope, first, second, call.node.span);
  return { ...first, sql: sql`CASE WHEN ${left} = ${right} THEN NULL ELSE ${first.sql} END`, nullable: true };
};

function extreme(fn: 'greatest' | 'least'): FunctionBinder {
  return (call) => {
    const type = commonTypeOf(call.args);
    if (isText(type)) throw refuseCall(call, `${fn.toUpperCase()} of text is not supported`);
    const values = call.args.map((arg) => convert(call.frame.scope, arg, type, call.node.span).sql);
    return { sql: sql`${unsafeSql(fn)}(${join(values)})`, type, nullable: true };
  };
}

const hashes: Readonly<Record<string, string>> = { MD5: 'md5', SHA1: 'sha1', SHA: 'sha1', SHA2_256: 'sha256' };

const HASHBYTES: FunctionBinder = (call) => {
  checkCount(call, 2, 2);
  const [algorithm, value] = [argumentOf(call, 0), argumentOf(call, 1)];
  const fn = hashes[String(algorithm.constant).toUpperCase()];
  if (fn === undefined)
    throw refuseCall(call, `HASHBYTES with ${String(algorithm.constant)} is not supported`, 'MD5, SHA1 and SHA2_256 are');
  if (value.type.name.startsWith('n'))
    throw refuseCall(call, 'HASHBYTES of national text is not supported', 'cast it to varchar or varbinary');
  return { sql: sql`unhex(${unsafeSql(fn)}(${value.sql}))`, type: { name: 'varbinary', length: 8000 }, nullable: value.nullable };
};

const newId = (fn: string) => (): BoundExpression => ({
  sql: sql`upper(CAST(${unsafeSql(fn)}() AS VARCHAR))`,
  type: { name: 'uniqueidentifier' },
  nullable: false,
});

/** Functions of any values, by upper-case name. */
export const valueFunctions: Readonly<Record<string, FunctionBinder>> = {
  ISNULL,
  COALESCE,
  NULLIF,
  GREATEST: extreme('greatest'),
  LEAST: extreme('least'),
  HASHBYTES,
  NEWID: newId('uuid'),
  NEWSEQUENTIALID: newId('uuidv7'),
};

/** IIF and CHOOSE, whose first argument is none of the values. */
export async function bindChoice(name: 'IIF' | 'CHOOSE', node: FunctionCall, frame: Frame): Promise<BoundExpression> {
  const { scope } = frame;
  const args = await Promise.all(node.args.map((arg) => frame.bind(arg, frame)));
  const call: Call = { node, args, frame };
  const values = name === 'IIF' ? args : args.slice(1);
  const type = commonTypeOf(values);
  const value = (one: BoundExpression) => convert(scope, one, type, node.span).sql;
  const result = (piece: Sql): BoundExpression => ({ sql: piece, type, nullable: true, collation: commonCollation(...values) });
  if (name === 'CHOOSE') {
    if (values.length === 0) throw bindError(scope, 'SQL_SYNTAX', 'CHOOSE takes an index and values', node.span);
    const whens = values.map((one, at) => sql`WHEN ${unsafeSql(String(at + 1))} THEN ${value(one)}`);
    return result(sql`CASE ${convert(scope, argumentOf(call, 0), int, node.span).sql} ${join(whens, ' ')} END`);
  }
  if (node.condition === undefined || values.length !== 2)
    throw bindError(scope, 'SQL_SYNTAX', 'IIF takes a condition and two values', node.span);
  const condition = await bindCondition(node.condition, frame);
  return result(sql`CASE WHEN ${condition} THEN ${value(argumentOf(call, 0))} ELSE ${value(argumentOf(call, 1))} END`);
}
