import type { Assignment, BinaryOperator, Expression } from './ast.ts';
import { bindError, type Frame } from './bind-context.ts';
import { parseBatch } from './parse-statement.ts';
import type { BoundColumn, TargetTable } from './scope.ts';
import { formatType, type SqlServerType } from './types.ts';

/** The value of `column = value` or `column += value` as one expression. */
export function wholeValue({ operator, value, span }: Assignment, column: string, alias: string): Expression {
  if (operator === '=') return value;
  const left: Expression = { kind: 'column', name: { parts: [alias, column], span }, span };
  return { kind: 'binaryOperation', operator: operator.slice(0, -1) as BinaryOperator, left, right: value, span }; // the parser takes no other signs before =
}

/**
 * The assignments that an UPDATE also makes: each computed column that reads a column it sets, from the values that are set.
 *
 * @throws SQL_TYPE for a computed column that is set itself (SQL Server's error 271)
 */
export function computedAssignments(
  table: TargetTable,
  assignments: readonly Assignment[],
  alias: string,
  frame: Frame,
): readonly Assignment[] {
  const { computed = [] } = table;
  const set = new Map(assignments.map((assignment) => [(assignment.column?.parts.at(-1) ?? '').toLowerCase(), assignment]));
  return computed.flatMap(({ name, expression }): Assignment[] => {
    const own = set.get(name.toLowerCase());
    if (own !== undefined)
      throw bindError(
        frame.scope,
        'SQL_TYPE',
        `The column "${name}" cannot be modified because it is either a computed column or is the result of a UNION operator.`,
        own.span,
      );
    let reads = false;
    const [first] = assignments;
    const value = replaceColumns(parseExpressionText(expression), (parts) => {
      const column = parts.at(-1) ?? '';
      const assignment = set.get(column.toLowerCase());
      const span = assignment?.span ?? first?.span ?? { start: 0, end: 0 };
      if (assignment === undefined) return { kind: 'column', name: { parts: [alias, column], span }, span };
      if (assignment.value.kind === 'default')
        throw bindError(
          frame.scope,
          'SQL_NOT_SUPPORTED',
          `DEFAULT for ${column}, which the computed column ${name} reads, is not supported`,
          span,
        );
      reads = true;
      const type = table.columns.find((one) => one.name.toLowerCase() === column.toLowerCase())?.type;
      const whole = wholeValue(assignment, column, alias);
      return type === undefined ? whole : castTo(whole, type);
    });
    if (!reads || first === undefined) return [];
    return [{ ...first, column: { parts: [name], span: first.span }, operator: '=', value }];
  });
}

/** A computed column of rows to insert, over their other columns under the alias. */
export function computedOverColumns(
  { name, expression }: { readonly name: string; readonly expression: string },
  inserted: readonly BoundColumn[],
  alias: string,
  frame: Frame,
  span: Expression['span'],
): Expression {
  return replaceColumns(parseExpressionText(expression), (parts) => {
    const column = parts.at(-1) ?? '';
    if (!inserted.some((one) => one.name.toLowerCase() === column.toLowerCase()))
      throw bindError(frame.scope, 'SQL_NOT_SUPPORTED', `INSERT must name ${column}: the computed column ${name} reads it`, span);
    return { kind: 'column', name: { parts: [alias, column], span }, span };
  });
}

function parseExpressionText(text: string): Expression {
  const [statement] = parseBatch(`SELECT ${text}`);
  const item = statement?.kind === 'query' && statement.query.body.kind === 'select' ? statement.query.body.items[0] : undefined;
  if (item === undefined) throw new SyntaxError(`${text} is no expression`);
  return item.expression;
}

function castTo(operand: Expression, type: SqlServerType): Expression {
  const cast = parseExpressionText(`CAST(NULL AS ${formatType(type)})`);
  return cast.kind === 'cast' ? { ...cast, operand } : operand;
}

/** The tree with another expression in the place of each column. */
function replaceColumns(tree: Expression, replace: (parts: readonly string[]) => Expression): Expression {
  const visit = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(visit);
    if (typeof node !== 'object' || node === null) return node;
    if ('kind' in node && node.kind === 'column') return replace((node as Extract<Expression, { kind: 'column' }>).name.parts); // its kind says so
    return Object.fromEntries(Object.entries(node).map(([key, child]) => [key, visit(child)]));
  };
  return visit(tree) as Expression; // the same tree, other leaves
}
