import { LakesteadError } from '#core';

import { Float, formatExactJson, isObject, type Value } from '../expression/index.ts';

/**
 * A call of a stored procedure as T-SQL, for a source that reads its result set. Numbers are written as numbers, everything
 * else as a string that SQL Server converts to the parameter's type.
 *
 * @throws FACTORY_INVALID for a name that is none of a procedure or of a parameter
 */
export function procedureCall(procedure: string, parameters: Value | undefined): string {
  // The name stands in the text as it is: brackets and dots, no more.
  if (!/^(?:(?:\[(?:[^\]]|\]\])+\]|[\p{L}_][\p{L}\p{N}_$#@]*)\.){0,2}(?:\[(?:[^\]]|\]\])+\]|[\p{L}_][\p{L}\p{N}_$#@]*)$/u.test(procedure))
    throw new LakesteadError('FACTORY_INVALID', `"${procedure}" is no name of a stored procedure`, { hint: 'write [schema].[procedure]' });
  const list = Object.entries(isObject(parameters) ? parameters : {}).map(([name, definition]) => {
    const bare = name.replace(/^@/, '');
    if (!/^[\p{L}_][\p{L}\p{N}_$#@]*$/u.test(bare)) throw new LakesteadError('FACTORY_INVALID', `"${name}" is no name of a parameter`);
    return `@${bare} = ${literalOf(isObject(definition) && 'value' in definition ? (definition['value'] ?? null) : definition)}`;
  });
  return `EXEC ${procedure} ${list.join(', ')}`.trimEnd();
}

function literalOf(value: Value): string {
  if (value === null) return 'NULL';
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (value instanceof Float) return formatExactJson(value);
  return `N'${(typeof value === 'string' ? value : formatExactJson(value)).replaceAll("'", "''")}'`;
}
