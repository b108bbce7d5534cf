import { literal, sql } from '#sql';

import type { FunctionCall } from './ast.ts';
import { bindError, type BoundExpression, type Frame } from './bind-context.ts';
import { answersTo, columnSql } from './bind-expression.ts';
import { filePathColumn } from './scope.ts';

/**
 * `r.filename()`, `r.filepath()` and `r.filepath(n)` of a rowset: the name of the file that a row is from, its whole
 * address, and the part of it that the n-th wildcard stands for. Undefined for any other name.
 */
export async function bindFileFunction(node: FunctionCall, frame: Frame): Promise<BoundExpression | undefined> {
  const name = (node.name.parts.at(-1) ?? '').toLowerCase();
  if (name !== 'filepath' && name !== 'filename') return undefined;
  const source = frame.sources.find(({ qualifiers }) => answersTo(qualifiers, node.name.parts.slice(0, -1)));
  if (source?.files === undefined)
    throw bindError(frame.scope, 'SQL_NOT_SUPPORTED', `${name}() is there for files of OPENROWSET: Parquet and CSV`, node.span);
  const { alias, files } = source;
  const path = columnSql(alias, filePathColumn);
  const text = (value: BoundExpression['sql']): BoundExpression => ({
    sql: value,
    type: { name: 'nvarchar', length: 4000 },
    nullable: false,
  });
  const [argument] = await Promise.all(node.args.map((arg) => frame.bind(arg, frame)));
  if (name === 'filename') return text(sql`regexp_extract(${path}, '[^/]*$')`);
  if (argument === undefined) return text(path);
  const position = argument.constant;
  const [pattern = '', ...more] = files.patterns;
  if (typeof position !== 'number' || more.length > 0)
    throw bindError(frame.scope, 'SQL_NOT_SUPPORTED', 'filepath(n) takes a number, and a rowset of one address', node.span);
  const wildcards = pattern.match(/\*\*|\*/g)?.length ?? 0;
  if (!Number.isInteger(position) || position < 1 || position > wildcards)
    throw bindError(frame.scope, 'SQL_TYPE', `filepath(${position}): the address has ${wildcards} wildcards`, node.span);
  return text(sql`regexp_extract(${path}, ${literal(wildcardExpression(pattern))}, ${literal(position)})`);
}

/** The end of an address with a group for each wildcard: what stands before it may be an external data source. */
function wildcardExpression(pattern: string): string {
  const parts = pattern.split(/(\*\*|\*)/).map((part) => {
    if (part === '**') return '(.*)';
    return part === '*' ? '([^/]*)' : part.replaceAll(/[\\^$.|?*+()[\]{}]/g, '\\$&');
  });
  return `${parts.join('')}$`;
}
