/** XPath 1.0 as a tree. */
export type PathExpression =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly PathExpression[] }
  | { readonly kind: 'binary'; readonly operator: string; readonly left: PathExpression; readonly right: PathExpression }
  | { readonly kind: 'negate'; readonly of: PathExpression }
  | {
      readonly kind: 'path';
      readonly from: 'context' | 'root' | PathExpression;
      /** Predicates of an expression that is filtered: `(//b)[2]`. */
      readonly filters: readonly PathExpression[];
      readonly steps: readonly Step[];
    };

export type Step = { readonly axis: string; readonly test: string; readonly predicates: readonly PathExpression[] };

const token = /\s*(?:(\d+(?:\.\d*)?|\.\d+)|"([^"]*)"|'([^']*)'|(\.\.|::|\/\/|!=|<=|>=|[()[\].@,/|+\-=<>*])|([\p{L}_][\p{L}\p{N}_.-]*(?::(?!:)(?:[\p{L}_][\p{L}\p{N}_.-]*|\*))?))/uy; // prettier-ignore

type Token = { readonly kind: 'number' | 'text' | 'sign' | 'name'; readonly value: string };

function tokensOf(path: string): Token[] {
  const found: Token[] = [];
  token.lastIndex = 0;
  while (/\S/.test(path.slice(token.lastIndex))) {
    const at = token.lastIndex;
    const match = token.exec(path);
    if (match === null) throw new TypeError(`no XPath: ${JSON.stringify(path.slice(at, at + 12))} is not understood`);
    const [, number, double, single, sign, name] = match;
    if (number !== undefined) found.push({ kind: 'number', value: number });
    else if (sign !== undefined) found.push({ kind: 'sign', value: sign });
    else if (name !== undefined) found.push({ kind: 'name', value: name });
    else found.push({ kind: 'text', value: double ?? single ?? '' });
  }
  return found;
}

/** Operators from the weakest binding to the strongest. */
const levels = [['or'], ['and'], ['=', '!='], ['<', '<=', '>', '>='], ['+', '-'], ['*', 'div', 'mod']] as const;
const maxDepth = 100;

/** @throws TypeError for text that is no XPath 1.0 */
export function parsePath(path: string): PathExpression {
  const tokens = tokensOf(path);
  let at = 0;
  let depth = 0;
  const peek = (ahead = 0) => tokens[at + ahead];
  const is = (value: string, ahead = 0) => peek(ahead)?.value === value && peek(ahead)?.kind !== 'text';
  const fail = () => new TypeError(`no XPath: ${peek() === undefined ? 'the end' : `"${peek()?.value}"`} is not expected`);
  const take = (value: string) => {
    if (!is(value)) throw fail();
    at += 1;
  };

  const binary = (level: number): PathExpression => {
    const operators: readonly string[] | undefined = levels[level];
    if (operators === undefined) return unary();
    let left = binary(level + 1);
    while (operators.some((one) => is(one))) {
      const operator = peek()?.value ?? '';
      at += 1;
      left = { kind: 'binary', operator, left, right: binary(level + 1) };
    }
    return left;
  };
  const expression = (): PathExpression => {
    depth += 1;
    if (depth > maxDepth) throw new TypeError(`no XPath: nested more than ${maxDepth} levels deep`);
    const found = binary(0);
    depth -= 1;
    return found;
  };
  const unary = (): PathExpression => {
    if (is('-')) {
      at += 1;
      return { kind: 'negate', of: unary() };
    }
    let left = pathExpression();
    while (is('|')) {
      at += 1;
      left = { kind: 'binary', operator: '|', left, right: pathExpression() };
    }
    return left;
  };
  const predicates = (): PathExpression[] => {
    const found: PathExpression[] = [];
    while (is('[')) {
      at += 1;
      found.push(expression());
      take(']');
    }
    return found;
  };
  const nodeTypes = ['text', 'node', 'comment', 'processing-instruction'];
  const primary = (): PathExpression | undefined => {
    const one = peek();
    if (one?.kind === 'number' || one?.kind === 'text') {
      at += 1;
      return one.kind === 'number' ? { kind: 'number', value: Number(one.value) } : { kind: 'text', value: one.value };
    }
    if (is('(')) {
      at += 1;
      const inner = expression();
      take(')');
      return inner;
    }
    if (one?.kind !== 'name' || !is('(', 1) || nodeTypes.includes(one.value)) return undefined;
    at += 2;
    const args: PathExpression[] = [];
    while (!is(')')) {
      if (args.length > 0) take(',');
      args.push(expression());
    }
    take(')');
    return { kind: 'call', name: one.value, args };
  };
  const anywhere: Step = { axis: 'descendant-or-self', test: 'node()', predicates: [] };
  const step = (): Step => {
    if (is('.') || is('..')) {
      const axis = is('.') ? 'self' : 'parent';
      at += 1;
      return { axis, test: 'node()', predicates: [] };
    }
    let axis = 'child';
    if (is('@')) {
      at += 1;
      axis = 'attribute';
    } else if (peek()?.kind === 'name' && is('::', 1)) {
      axis = peek()?.value ?? '';
      at += 2;
    }
    const test = peek();
    if (test === undefined || (test.kind !== 'name' && !is('*'))) throw fail();
    at += 1;
    if (test.kind === 'name' && nodeTypes.includes(test.value) && is('(')) {
      at += 1;
      const name = peek()?.kind === 'text' ? (tokens[at++]?.value ?? '') : '';
      take(')');
      return { axis, test: `${test.value}(${name})`, predicates: predicates() };
    }
    return { axis, test: test.value, predicates: predicates() };
  };
  const isStep = () => is('.') || is('..') || is('@') || is('*') || peek()?.kind === 'name';
  const steps = (): Step[] => {
    const found: Step[] = [step()];
    while (is('/') || is('//')) {
      if (is('//')) found.push(anywhere);
      at += 1;
      found.push(step());
    }
    return found;
  };
  const pathExpression = (): PathExpression => {
    if (is('/') || is('//')) {
      const first = is('//') ? [anywhere] : [];
      at += 1;
      if (first.length === 0 && !isStep()) return { kind: 'path', from: 'root', filters: [], steps: [] };
      return { kind: 'path', from: 'root', filters: [], steps: [...first, ...steps()] };
    }
    const from = primary();
    if (from === undefined) return { kind: 'path', from: 'context', filters: [], steps: steps() };
    const filters = predicates();
    if (!is('/') && !is('//')) return filters.length === 0 ? from : { kind: 'path', from, filters, steps: [] };
    const first = is('//') ? [anywhere] : [];
    at += 1;
    return { kind: 'path', from, filters, steps: [...first, ...steps()] };
  };

  const result = expression();
  if (at < tokens.length) throw fail();
  return result;
}
