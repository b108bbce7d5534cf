import { Cursor } from './cursor.ts';
import type { Fragment, TimeTravel } from './statement.ts';

/**
 * A query with Spark's time travel as the engine has it: `t VERSION AS OF 3` and `t@v3` become `t AT (VERSION => 3)`,
 * `t TIMESTAMP AS OF x` becomes `t AT (TIMESTAMP => x)`, also with FOR and SYSTEM_ in front; `table_changes('t', 1, 5)` becomes
 * `t AT (VERSION => 'changes 1..5')`. The rest stays as it is.
 *
 * @throws {LakesteadError} `SQL_SYNTAX` where something else than a version or a timestamp follows
 */
function rewriteTimeTravel(query: string): string {
  const cursor = new Cursor(query);
  let text = '';
  let from = 0;
  const replace = (start: number, clause: string) => {
    text += query.slice(from, start) + clause;
    from = cursor.spanFrom(start).end;
  };
  while (!cursor.isAtEnd) {
    const { kind, text: word, span } = cursor.next();
    if (kind !== 'word' && kind !== 'quoted') continue;
    if (kind === 'word' && word === 'TABLE_CHANGES' && cursor.isSymbol('(') && cursor.peek(1).kind === 'string') {
      replace(span.start, parseTableChanges(cursor));
      continue;
    }
    const next = cursor.peek();
    if (cursor.isSymbol('@') && next.span.start === span.end) {
      const version = /^V(\d+)$/.exec(cursor.peek(1).text)?.[1];
      if (version === undefined) continue; // an operator of the engine's
      cursor.next();
      cursor.next();
      replace(span.end, ` AT (VERSION => ${version})`);
      continue;
    }
    const { start } = next.span;
    const at = parseTimeTravel(cursor);
    if (at !== undefined) replace(start, 'version' in at ? `AT (VERSION => ${at.version})` : `AT (TIMESTAMP => ${at.timestamp.text})`);
  }
  return text + query.slice(from);
}

/** `('gold.sales', 1, 5)` behind `table_changes`, as the engine's text of time travel; versions, or timestamps as texts. */
function parseTableChanges(cursor: Cursor): string {
  const parts = cursor.list(() => {
    const token = cursor.peek();
    if (token.kind !== 'string' && token.kind !== 'number') throw cursor.unexpected('a version or a timestamp');
    return cursor.next().text;
  });
  const [name = '', from, to] = parts;
  if (from === undefined || parts.length > 3) throw cursor.unexpected('a first version and perhaps a last one');
  const table = name.split('.').map((part) => `"${part.replaceAll('`', '').replaceAll('"', '""')}"`).join('.'); // prettier-ignore
  return `${table} AT (VERSION => 'changes ${[from, to ?? ''].join('..').replaceAll("'", "''")}')`;
}

/** A query whose time travel is the engine's. */
export function asQuery({ text, span }: Fragment): Fragment {
  return { text: rewriteTimeTravel(text), span };
}

/** `VERSION AS OF 3` or `TIMESTAMP AS OF x`, also with FOR and SYSTEM_ in front; undefined where neither comes. */
export function parseTimeTravel(cursor: Cursor): TimeTravel | undefined {
  if (accepts(cursor, 'VERSION', 'SYSTEM_VERSION')) return { version: cursor.count('a version') };
  return accepts(cursor, 'TIMESTAMP', 'SYSTEM_TIME') ? { timestamp: parseTimestamp(cursor) } : undefined;
}

function accepts(cursor: Cursor, ...names: readonly string[]): boolean {
  return names.some((name) => cursor.accept(name, 'AS', 'OF') || cursor.accept('FOR', name, 'AS', 'OF'));
}

/** A string, a call or something in parentheses, and intervals that are added to it or taken away. */
function parseTimestamp(cursor: Cursor): Fragment {
  const { start } = cursor.peek().span;
  if (!cursor.isSymbol('(') && cursor.peek().kind !== 'string') cursor.name('a timestamp');
  if (cursor.peek().kind === 'string') cursor.next();
  else if (cursor.isSymbol('(')) cursor.balanced('(', ')');
  while ((cursor.isSymbol('-') || cursor.isSymbol('+')) && cursor.peek(1).text === 'INTERVAL') {
    cursor.next();
    cursor.next();
    if (cursor.isSymbol('(')) cursor.balanced('(', ')');
    else cursor.next();
    if (/^(?:MICROSECOND|MILLISECOND|SECOND|MINUTE|HOUR|DAY|WEEK|MONTH|YEAR)S?$/.test(cursor.peek().text)) cursor.next();
  }
  return cursor.fragmentFrom(start);
}
