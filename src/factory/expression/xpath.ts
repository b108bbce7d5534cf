import { formatFloat } from './value.ts';
import { localNameOf, namespaceOf, nameOf, type PathNode, pathTree, stringOf } from './xpath-tree.ts';
import { parsePath, type PathExpression, type Step } from './xpath-parse.ts';
import type { XmlDocument } from './xml.ts';

/** What XPath 1.0 answers: nodes in document order, a number, a text or a boolean. */
export type PathValue = readonly PathNode[] | number | string | boolean;

type Context = { readonly node: PathNode; readonly position: number; readonly size: number };

/** Evaluates XPath 1.0 on a document. Prefixes are declared nowhere: use `local-name()`. @throws TypeError */
export function evaluatePath(document: XmlDocument, path: string): PathValue {
  return evaluate(parsePath(path), { node: pathTree(document), position: 1, size: 1 });
}

function evaluate(expression: PathExpression, context: Context): PathValue {
  switch (expression.kind) {
    case 'number':
    case 'text':
      return expression.value;
    case 'negate':
      return -numberOf(evaluate(expression.of, context));
    case 'call':
      return call(expression.name, expression.args, context);
    case 'binary':
      return binary(expression, context);
    case 'path': {
      const { from, filters, steps } = expression;
      const start =
        from === 'root' ? [rootOf(context.node)] : from === 'context' ? [context.node] : nodesOf(evaluate(from, context), 'a path');
      const filtered = filters.reduce<readonly PathNode[]>((nodes, filter) => keep(nodes, filter), start);
      return steps.reduce<readonly PathNode[]>((nodes, step) => inOrder(nodes.flatMap((node) => walk(node, step))), filtered);
    }
  }
}

const rootOf = (node: PathNode): PathNode => (node.parent === undefined ? node : rootOf(node.parent));

function inOrder(nodes: readonly PathNode[]): readonly PathNode[] {
  return [...new Set(nodes)].toSorted((a, b) => a.order - b.order);
}

function keep(nodes: readonly PathNode[], predicate: PathExpression): readonly PathNode[] {
  return nodes.filter((node, index) => {
    const value = evaluate(predicate, { node, position: index + 1, size: nodes.length });
    return typeof value === 'number' ? value === index + 1 : booleanOf(value);
  });
}

/** The nodes that a step leads to, nearest first: positions in predicates count so. */
function walk(node: PathNode, { axis, test, predicates }: Step): readonly PathNode[] {
  const principal = axis === 'attribute' ? 'attribute' : 'element';
  return predicates.reduce<readonly PathNode[]>(
    (nodes, predicate) => keep(nodes, predicate),
    onAxis(node, axis).filter((one) => matches(one, test, principal)),
  );
}

const descendants = (node: PathNode): readonly PathNode[] => node.children.flatMap((child) => [child, ...descendants(child)]);
const ancestors = (node: PathNode): readonly PathNode[] => (node.parent === undefined ? [] : [node.parent, ...ancestors(node.parent)]);

function onAxis(node: PathNode, axis: string): readonly PathNode[] {
  const siblings = node.node.kind === 'attribute' ? [] : (node.parent?.children ?? []);
  const at = siblings.indexOf(node);
  switch (axis) {
    case 'child':
      return node.children;
    case 'attribute':
      return node.attributes;
    case 'self':
      return [node];
    case 'parent':
      return node.parent === undefined ? [] : [node.parent];
    case 'descendant':
      return descendants(node);
    case 'descendant-or-self':
      return [node, ...descendants(node)];
    case 'ancestor':
      return ancestors(node);
    case 'ancestor-or-self':
      return [node, ...ancestors(node)];
    case 'following-sibling':
      return siblings.slice(at + 1);
    case 'preceding-sibling':
      return siblings.slice(0, Math.max(0, at)).toReversed();
    case 'following':
      return [node, ...ancestors(node)].flatMap((one) => onAxis(one, 'following-sibling').flatMap((next) => [next, ...descendants(next)]));
    case 'preceding':
      return [node, ...ancestors(node)].flatMap((one) =>
        onAxis(one, 'preceding-sibling').flatMap((next) => [next, ...descendants(next)].toReversed()),
      );
    default:
      throw new TypeError(`no XPath: the axis ${axis} is not supported`);
  }
}

function matches(node: PathNode, test: string, principal: string): boolean {
  const { kind } = node.node;
  if (test === 'node()') return true;
  if (test === 'text()') return kind === 'text' || kind === 'cdata';
  if (test === 'comment()') return kind === 'comment';
  const [, instruction] = /^processing-instruction\((.*)\)$/.exec(test) ?? [];
  if (instruction !== undefined) return kind === 'instruction' && (instruction === '' || nameOf(node) === instruction);
  if (test.includes(':')) throw new TypeError(`no XPath: the prefix of ${test} is declared nowhere; use local-name()`);
  if (kind !== principal) return false;
  return test === '*' || (localNameOf(node) === test && namespaceOf(node) === '');
}

function nodesOf(value: PathValue, what: string): readonly PathNode[] {
  if (typeof value === 'object') return value;
  throw new TypeError(`no XPath: ${what} needs nodes`);
}

function textOf(value: PathValue): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return formatFloat(value);
  if (typeof value === 'boolean') return String(value);
  const [first] = value;
  return first === undefined ? '' : stringOf(first);
}

function numberOf(value: PathValue): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  const text = textOf(value).trim();
  return /^-?(?:\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : Number.NaN;
}

function booleanOf(value: PathValue): boolean {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number') return value !== 0 && !Number.isNaN(value);
  return value.length > 0;
}

function binary({ operator, left, right }: PathExpression & { kind: 'binary' }, context: Context): PathValue {
  if (operator === 'or') return booleanOf(evaluate(left, context)) || booleanOf(evaluate(right, context));
  if (operator === 'and') return booleanOf(evaluate(left, context)) && booleanOf(evaluate(right, context));
  const [a, b] = [evaluate(left, context), evaluate(right, context)];
  if (operator === '|') return inOrder([...nodesOf(a, '|'), ...nodesOf(b, '|')]);
  const [x, y] = [numberOf(a), numberOf(b)];
  switch (operator) {
    case '+':
      return x + y;
    case '-':
      return x - y;
    case '*':
      return x * y;
    case 'div':
      return x / y;
    case 'mod':
      return x % y;
    default:
      return compare(operator, a, b);
  }
}

/** Of nodes it is enough that one of them compares. */
function compare(operator: string, a: PathValue, b: PathValue): boolean {
  if (typeof a === 'object' && typeof b !== 'boolean') return a.some((node) => compare(operator, stringOf(node), b));
  if (typeof b === 'object' && typeof a !== 'boolean') return b.some((node) => compare(operator, a, stringOf(node)));
  if (operator === '=' || operator === '!=') {
    const same =
      typeof a === 'boolean' || typeof b === 'boolean'
        ? booleanOf(a) === booleanOf(b)
        : typeof a === 'number' || typeof b === 'number'
          ? numberOf(a) === numberOf(b)
          : textOf(a) === textOf(b);
    return operator === '=' ? same : !same;
  }
  const [x, y] = [numberOf(a), numberOf(b)];
  return operator === '<' ? x < y : operator === '<=' ? x <= y : operator === '>' ? x > y : x >= y;
}

type PathFunction = {
  readonly count: readonly [least: number, most: number];
  readonly apply: (args: readonly PathValue[], context: Context) => PathValue;
};

const ofText = (args: readonly PathValue[], context: Context) => textOf(args[0] ?? [context.node]);
const firstNode = (args: readonly PathValue[], { node }: Context) => (args[0] === undefined ? node : nodesOf(args[0], 'the function')[0]);
const named =
  (of: (node: PathNode) => string): PathFunction['apply'] =>
  (args, context) => {
    const node = firstNode(args, context);
    return node === undefined ? '' : of(node);
  };
/** Halves go up, as XPath says. */
const round = (value: number) => (Number.isFinite(value) ? Math.floor(value + 0.5) : value);

const pathFunctions: Readonly<Record<string, PathFunction>> = {
  last: { count: [0, 0], apply: (_, { size }) => size },
  position: { count: [0, 0], apply: (_, { position }) => position },
  count: { count: [1, 1], apply: ([nodes = 0]) => nodesOf(nodes, 'count').length },
  'local-name': { count: [0, 1], apply: named(localNameOf) },
  'namespace-uri': { count: [0, 1], apply: named(namespaceOf) },
  name: { count: [0, 1], apply: named(nameOf) },
  string: { count: [0, 1], apply: ofText },
  concat: { count: [2, Infinity], apply: (args) => args.map(textOf).join('') },
  'starts-with': { count: [2, 2], apply: ([a = '', b = '']) => textOf(a).startsWith(textOf(b)) },
  contains: { count: [2, 2], apply: ([a = '', b = '']) => textOf(a).includes(textOf(b)) },
  'substring-before': {
    count: [2, 2],
    apply: ([a = '', b = '']) => textOf(a).slice(0, Math.max(0, textOf(a).indexOf(textOf(b)))),
  },
  'substring-after': {
    count: [2, 2],
    apply: ([a = '', b = '']) => (textOf(a).includes(textOf(b)) ? textOf(a).slice(textOf(a).indexOf(textOf(b)) + textOf(b).length) : ''),
  },
  substring: {
    count: [2, 3],
    apply: ([a = '', b = 0, c]) => {
      const from = round(numberOf(b));
      const to = c === undefined ? Infinity : from + round(numberOf(c));
      return Array.from(textOf(a))
        .filter((_, index) => index + 1 >= from && index + 1 < to)
        .join('');
    },
  },
  'string-length': { count: [0, 1], apply: (args, context) => ofText(args, context).length },
  'normalize-space': { count: [0, 1], apply: (args, context) => ofText(args, context).trim().replaceAll(/\s+/g, ' ') },
  translate: {
    count: [3, 3],
    apply: ([a = '', b = '', c = '']) => {
      const [from, to] = [textOf(b), textOf(c)];
      return Array.from(textOf(a))
        .map((one) => (from.includes(one) ? (to[from.indexOf(one)] ?? '') : one))
        .join('');
    },
  },
  boolean: { count: [1, 1], apply: ([a = false]) => booleanOf(a) },
  not: { count: [1, 1], apply: ([a = false]) => !booleanOf(a) },
  true: { count: [0, 0], apply: () => true },
  false: { count: [0, 0], apply: () => false },
  number: { count: [0, 1], apply: ([a], { node }) => numberOf(a ?? [node]) },
  sum: { count: [1, 1], apply: ([a = 0]) => nodesOf(a, 'sum').reduce((sum, node) => sum + numberOf(stringOf(node)), 0) },
  floor: { count: [1, 1], apply: ([a = 0]) => Math.floor(numberOf(a)) },
  ceiling: { count: [1, 1], apply: ([a = 0]) => Math.ceil(numberOf(a)) },
  round: { count: [1, 1], apply: ([a = 0]) => round(numberOf(a)) },
};

function call(name: string, args: readonly PathExpression[], context: Context): PathValue {
  const found = Object.hasOwn(pathFunctions, name) ? pathFunctions[name] : undefined;
  if (found === undefined) throw new TypeError(`no XPath: the function ${name} is not supported`);
  const [least, most] = found.count;
  if (args.length < least || args.length > most) throw new TypeError(`no XPath: ${name} does not take ${args.length} arguments`);
  return found.apply(
    args.map((arg) => evaluate(arg, context)),
    context,
  );
}
