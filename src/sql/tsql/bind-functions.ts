import { sql, unsafeSql } from '#sql';

import type { FunctionCall } from './ast.ts';
import { bindAggregate, bindWindowFunction, isAggregate, isWindowFunction } from './bind-aggregate.ts';
import { bindError, type BoundExpression, type Frame } from './bind-context.ts';
import { bindFileFunction } from './bind-file-functions.ts';
import { dateFunctions } from './bind-date-functions.ts';
import { FORMAT } from './bind-format.ts';
import type { FunctionBinder } from './bind-call.ts';
import { jsonFunctions } from './bind-json-functions.ts';
import { numberFunctions } from './bind-number-functions.ts';
import { DATALENGTH, textFunctions } from './bind-text-functions.ts';
import { bindChoice, valueFunctions } from './bind-value-functions.ts';
import { engineType } from './types.ts';

const scalars: Readonly<Record<string, FunctionBinder>> = {
  ...valueFunctions,
  ...textFunctions,
  ...numberFunctions,
  ...jsonFunctions,
  DATALENGTH,
  FORMAT,
};

/** A call of a function, an aggregate or a window function; undefined when there is none of that name. */
export async function bindFunction(node: FunctionCall, frame: Frame): Promise<BoundExpression | undefined> {
  if (node.name.parts.length > 1) return await bindFileFunction(node, frame);
  const name = (node.name.parts[0] ?? '').toUpperCase();
  if (isAggregate(name)) return await bindAggregate(name, node, frame);
  if (isWindowFunction(name)) return await bindWindowFunction(name, node, frame);
  if (node.over !== undefined) throw bindError(frame.scope, 'SQL_SYNTAX', `${name} takes no OVER`, node.span);
  if (name === 'IIF' || name === 'CHOOSE') return await bindChoice(name, node, frame);
  const dated = dateFunctions[name];
  if (dated !== undefined) return await dated(node, frame);
  const binder = scalars[name];
  if (binder === undefined) return await bindSessionValue(name, node, frame);
  return binder({ node, args: await Promise.all(node.args.map((arg) => frame.bind(arg, frame))), frame });
}

/** What the session knows: DB_NAME(), OBJECT_ID('t'), ERROR_MESSAGE(). Its arguments must be known before the statement runs. */
async function bindSessionValue(name: string, node: FunctionCall, frame: Frame): Promise<BoundExpression | undefined> {
  const args = await Promise.all(node.args.map((arg) => frame.bind(arg, frame)));
  const values = args.map((arg) => arg.constant ?? null);
  const value = await frame.scope.sessionValue(name, values);
  if (value === undefined) return undefined;
  if (args.some((arg) => arg.constant === undefined && !arg.isNull)) {
    const problem = `${name} of a value that is only known when the statement runs is not supported`;
    throw bindError(frame.scope, 'SQL_NOT_SUPPORTED', problem, node.span);
  }
  return { sql: sql`CAST(${value.value} AS ${unsafeSql(engineType(value.type))})`, type: value.type, nullable: true };
}
