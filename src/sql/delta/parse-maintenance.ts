import type { Cursor } from './cursor.ts';
import type { DeltaStatement } from './statement.ts';
import { parseTimeTravel } from './time-travel.ts';

/** Behind OPTIMIZE. */
export function parseOptimize(cursor: Cursor, start: number): DeltaStatement {
  const table = cursor.name('the name of a table');
  const isFull = cursor.accept('FULL');
  const where = cursor.accept('WHERE')
    ? cursor.fragment('a condition', () => cursor.isWord('ZORDER', 'BY') || cursor.isSymbol(';'))
    : undefined;
  let zorderBy: (DeltaStatement & { kind: 'optimize' })['zorderBy'] = [];
  if (cursor.accept('ZORDER', 'BY')) {
    if (cursor.isSymbol('(')) zorderBy = cursor.list(() => cursor.name('the name of a column'));
    else {
      const columns = [cursor.name('the name of a column')];
      while (cursor.acceptSymbol(',')) columns.push(cursor.name());
      zorderBy = columns;
    }
  }
  return { kind: 'optimize', table, where, zorderBy, isFull, span: cursor.spanFrom(start) };
}

/** Behind REORG. */
export function parseReorg(cursor: Cursor, start: number): DeltaStatement {
  cursor.expect('TABLE');
  const table = cursor.name('the name of a table');
  const where = cursor.accept('WHERE') ? cursor.fragment('a condition', () => cursor.isWord('APPLY')) : undefined;
  cursor.expect('APPLY');
  cursor.expectSymbol('(');
  if (cursor.isWord('UPGRADE')) throw cursor.notSupported('REORG ... APPLY (UPGRADE UNIFORM)');
  cursor.expect('PURGE');
  cursor.expectSymbol(')');
  return { kind: 'reorg', table, where, span: cursor.spanFrom(start) };
}

/** Behind VACUUM: `name [FULL | LITE] [RETAIN n HOURS] [DRY RUN]`, in any order. */
export function parseVacuum(cursor: Cursor, start: number): DeltaStatement {
  const table = cursor.name('the name of a table');
  let retainHours: number | undefined;
  let dryRun = false;
  let mode: 'full' | 'lite' = 'full';
  for (;;) {
    if (cursor.accept('RETAIN')) {
      const { kind, text } = cursor.peek();
      if (kind !== 'number' || !Number.isFinite(Number(text))) throw cursor.unexpected('a number of hours');
      retainHours = Number(cursor.next().text);
      if (!cursor.accept('HOURS')) cursor.expect('HOUR');
    } else if (cursor.accept('DRY', 'RUN')) dryRun = true;
    else if (cursor.accept('LITE')) mode = 'lite';
    else if (cursor.isWord('USING')) throw cursor.notSupported('VACUUM ... USING INVENTORY');
    else if (!cursor.accept('FULL')) break;
  }
  return { kind: 'vacuum', table, retainHours, dryRun, mode, span: cursor.spanFrom(start) };
}

/** Behind RESTORE: `[TABLE] name [TO] VERSION AS OF n`. */
export function parseRestore(cursor: Cursor, start: number): DeltaStatement {
  cursor.accept('TABLE');
  const table = cursor.name('the name of a table');
  cursor.accept('TO');
  const at = parseTimeTravel(cursor);
  if (at === undefined) throw cursor.unexpected('TO VERSION AS OF or TO TIMESTAMP AS OF');
  return { kind: 'restore', table, at, span: cursor.spanFrom(start) };
}

/** Behind DESCRIBE or DESC: HISTORY or DETAIL. */
export function parseDescribe(cursor: Cursor, start: number): DeltaStatement {
  if (cursor.accept('HISTORY')) {
    const table = cursor.name('the name of a table');
    const limit = cursor.accept('LIMIT') ? cursor.count('a number') : undefined;
    return { kind: 'history', table, limit, span: cursor.spanFrom(start) };
  }
  cursor.expect('DETAIL');
  return { kind: 'detail', table: cursor.name('the name of a table'), span: cursor.spanFrom(start) };
}

/** Behind SHOW TBLPROPERTIES: `name [('key')]`. */
export function parseShowProperties(cursor: Cursor, start: number): DeltaStatement {
  const table = cursor.name('the name of a table');
  const [key] = cursor.isSymbol('(') ? cursor.list(() => cursor.propertyKey()) : [];
  return { kind: 'showProperties', table, key, span: cursor.spanFrom(start) };
}
