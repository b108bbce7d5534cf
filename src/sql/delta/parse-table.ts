import type { Cursor } from './cursor.ts';
import type {
  CheckConstraint,
  ColumnDefinition,
  ColumnPosition,
  DeltaStatement,
  Fragment,
  IdentityDefinition,
  Name,
  TableDefinition,
} from './statement.ts';
import { asQuery, parseTimeTravel } from './time-travel.ts';

type Replace = 'no' | 'orCreate' | 'existing';

/** `[CREATE [OR REPLACE] | REPLACE] TABLE ...`, the cursor behind the word TABLE; also clones. */
export function parseCreateTable(cursor: Cursor, start: number, replace: Replace): DeltaStatement {
  const ifNotExists = cursor.accept('IF', 'NOT', 'EXISTS');
  const table = cursor.name('the name of a table');
  for (const isShallow of [true, false]) {
    if (!cursor.accept(isShallow ? 'SHALLOW' : 'DEEP', 'CLONE')) continue;
    return parseClone(cursor, start, { table, isShallow, ifNotExists, replace: replace !== 'no' });
  }
  if (cursor.isWord('CLONE')) throw cursor.unexpected('SHALLOW CLONE or DEEP CLONE');
  if (cursor.isWord('LIKE')) throw cursor.notSupported('CREATE TABLE ... LIKE');
  const columns: ColumnDefinition[] = [];
  const constraints: CheckConstraint[] = [];
  if (cursor.isSymbol('(')) {
    cursor.list(() => {
      if (cursor.isWord('CONSTRAINT')) constraints.push(parseConstraint(cursor));
      else columns.push(parseColumn(cursor, false));
    });
  }
  const definition = parseOptions(cursor, columns, constraints);
  return { kind: 'createTable', span: cursor.spanFrom(start), table, definition, ifNotExists, replace };
}

function parseOptions(cursor: Cursor, columns: readonly ColumnDefinition[], constraints: readonly CheckConstraint[]): TableDefinition {
  let partitionBy: readonly string[] = [];
  let clusterBy: readonly Name[] | undefined;
  let comment: string | undefined;
  let location: string | undefined;
  let properties = {};
  for (;;) {
    if (cursor.accept('USING')) {
      if (!cursor.accept('DELTA')) throw cursor.notSupported(`USING ${cursor.identifier('DELTA')}`, cursor.peek().span.start);
    } else if (cursor.accept('PARTITIONED', 'BY')) {
      partitionBy = cursor.list(() => {
        const column = cursor.identifier('the name of a column');
        if (cursor.isSymbol('(')) throw cursor.notSupported('a transform of a partition column');
        return column;
      });
    } else if (cursor.accept('CLUSTER', 'BY')) clusterBy = parseClusterBy(cursor);
    else if (cursor.accept('COMMENT')) comment = cursor.string();
    else if (cursor.accept('LOCATION')) location = cursor.string();
    else if (cursor.accept('TBLPROPERTIES')) properties = cursor.properties();
    else if (cursor.isWord('OPTIONS')) throw cursor.notSupported('OPTIONS of a table');
    else break;
  }
  let query: Fragment | undefined;
  if (cursor.accept('AS') || cursor.isWord('SELECT') || cursor.isWord('WITH'))
    query = asQuery(cursor.fragment('a query', () => cursor.isSymbol(';')));
  return { columns, constraints, partitionBy, clusterBy, comment, location, properties, query };
}

/** Behind CLUSTER BY; no columns for NONE. */
export function parseClusterBy(cursor: Cursor): readonly Name[] {
  if (cursor.accept('NONE')) return [];
  if (cursor.isWord('AUTO')) throw cursor.notSupported('CLUSTER BY AUTO');
  return cursor.list(() => cursor.name('the name of a column'));
}

/** `CONSTRAINT name CHECK (condition)`. */
export function parseConstraint(cursor: Cursor): CheckConstraint {
  cursor.expect('CONSTRAINT');
  const name = cursor.identifier('the name of a constraint');
  if (cursor.isWord('PRIMARY') || cursor.isWord('FOREIGN')) throw cursor.notSupported(`a ${cursor.peek().text} KEY constraint`);
  cursor.expect('CHECK');
  return { name, condition: cursor.inParentheses('a condition') };
}

/** A column with its type and what follows it; `isAdded` allows FIRST and AFTER. */
export function parseColumn(cursor: Cursor, isAdded: boolean): ColumnDefinition {
  const name = cursor.name('the name of a column');
  const type = cursor.type();
  let nullable = true;
  const details: {
    comment?: string;
    defaultValue?: Fragment;
    generatedAs?: Fragment;
    identity?: IdentityDefinition;
    position?: ColumnPosition;
  } = {};
  for (;;) {
    if (cursor.accept('NOT', 'NULL')) nullable = false;
    else if (cursor.accept('NULL')) nullable = true;
    else if (cursor.accept('COMMENT')) details.comment = cursor.string();
    else if (cursor.accept('DEFAULT')) details.defaultValue = cursor.fragment('a value', () => endsColumn(cursor));
    else if (cursor.accept('GENERATED', 'ALWAYS', 'AS', 'IDENTITY')) details.identity = parseIdentity(cursor, false);
    else if (cursor.accept('GENERATED', 'BY', 'DEFAULT', 'AS', 'IDENTITY')) details.identity = parseIdentity(cursor, true);
    else if (cursor.accept('GENERATED', 'ALWAYS', 'AS')) details.generatedAs = cursor.inParentheses('an expression');
    else if (isAdded && (cursor.isWord('FIRST') || cursor.isWord('AFTER'))) details.position = parsePosition(cursor);
    else if (cursor.isWord('PRIMARY') || cursor.isWord('REFERENCES') || cursor.isWord('UNIQUE'))
      throw cursor.notSupported(`${cursor.peek().text} of a column`);
    else return { name, type, nullable, ...details };
  }
}

function endsColumn(cursor: Cursor): boolean {
  return (
    cursor.isSymbol(',') || ['COMMENT', 'GENERATED', 'FIRST', 'AFTER'].some((word) => cursor.isWord(word)) || cursor.isWord('NOT', 'NULL')
  );
}

/** Behind AS IDENTITY: `(START WITH 1 INCREMENT BY 1)`, either part or none. */
function parseIdentity(cursor: Cursor, allowExplicitInsert: boolean): IdentityDefinition {
  let [begin, step] = [1n, 1n];
  if (cursor.acceptSymbol('(')) {
    while (!cursor.acceptSymbol(')')) {
      if (cursor.accept('START', 'WITH')) begin = cursor.integer('a whole number');
      else {
        cursor.expect('INCREMENT', 'BY');
        step = cursor.integer('a whole number');
      }
      cursor.acceptSymbol(',');
    }
  }
  return { start: begin, step, allowExplicitInsert };
}

/** `FIRST` or `AFTER column`. */
export function parsePosition(cursor: Cursor): ColumnPosition {
  if (cursor.accept('FIRST')) return { kind: 'first' };
  cursor.expect('AFTER');
  return { kind: 'after', column: cursor.identifier('the name of a column') };
}

function parseClone(
  cursor: Cursor,
  start: number,
  clone: { readonly table: Name; readonly isShallow: boolean; readonly ifNotExists: boolean; readonly replace: boolean },
): DeltaStatement {
  const source = cursor.name('the name of a table');
  const at = parseTimeTravel(cursor);
  let properties = {};
  let location: string | undefined;
  for (;;) {
    if (cursor.accept('TBLPROPERTIES')) properties = cursor.properties();
    else if (cursor.accept('LOCATION')) location = cursor.string();
    else break;
  }
  return { kind: 'clone', span: cursor.spanFrom(start), source, at, properties, location, ...clone };
}

/** `CONVERT TO DELTA parquet.\`path\` [NO STATISTICS] [PARTITIONED BY (column type, ...)]`, behind the word CONVERT. */
export function parseConvert(cursor: Cursor, start: number): DeltaStatement {
  cursor.expect('TO', 'DELTA');
  const source = cursor.name('parquet and a path');
  const withStatistics = !cursor.accept('NO', 'STATISTICS');
  const partitions = cursor.accept('PARTITIONED', 'BY')
    ? cursor.list(() => ({ name: cursor.identifier('the name of a column'), type: cursor.type() }))
    : [];
  return { kind: 'convert', span: cursor.spanFrom(start), source, partitions, withStatistics };
}
