import type { ColumnDefinition, DefinitionMode, Name, Parameter, Statement, TypeName } from './ast.ts';
import { parseCondition, parseExpression, parseList, parseTypeName } from './parse-expression.ts';
import { parseColumnNames, parseQuery } from './parse-query.ts';
import { parseStatementsUntil } from './parse-statement.ts';
import type { TokenCursor } from './token-cursor.ts';

/** CREATE, ALTER and CREATE OR ALTER of everything. */
export function parseCreate(cursor: TokenCursor): Statement {
  const { start } = cursor;
  const mode: DefinitionMode = cursor.accept('CREATE', 'OR', 'ALTER') ? 'createOrAlter' : cursor.accept('CREATE') ? 'create' : 'alter';
  if (mode === 'alter') cursor.expect('ALTER');
  const span = () => cursor.spanFrom(start);
  if (cursor.accept('VIEW')) return parseView(cursor, start, mode);
  if (cursor.accept('PROCEDURE') || cursor.accept('PROC')) return parseProcedure(cursor, start, mode);
  if (mode === 'create' && cursor.accept('TABLE')) return parseCreateTable(cursor, start);
  if (mode === 'create' && cursor.accept('SCHEMA')) {
    const name = cursor.isWord('AUTHORIZATION') ? undefined : cursor.identifier('a schema');
    if (cursor.accept('AUTHORIZATION')) cursor.identifier('an owner');
    if (name === undefined) throw cursor.unsupported('CREATE SCHEMA without a name', start);
    return { kind: 'createSchema', name, span: span() };
  }
  if (mode === 'create' && cursor.accept('EXTERNAL', 'DATA', 'SOURCE')) {
    const name = cursor.identifier();
    cursor.expect('WITH');
    return { kind: 'createExternalDataSource', name, options: parseOptions(cursor), span: span() };
  }
  if (mode === 'create' && cursor.isWord('DATABASE') && !cursor.isWord('DATABASE', 'SCOPED')) {
    cursor.next();
    const name = cursor.identifier('a database');
    if (cursor.accept('COLLATE')) cursor.identifier('a collation');
    if (!atEnd(cursor)) throw cursor.unsupported('an option of CREATE DATABASE');
    return { kind: 'createDatabase', name, span: span() };
  }
  return skipStatement(cursor, start, mode === 'alter' ? 'ALTER' : 'CREATE');
}

/** A statement that is T-SQL and not performed: its tokens up to the end of the statement, and its name. */
export function skipStatement(cursor: TokenCursor, start: number, verb: string): Statement {
  const words = [verb];
  const known =
    /^(?:UNIQUE|CLUSTERED|NONCLUSTERED|COLUMNSTORE|INDEX|FUNCTION|TRIGGER|TYPE|SYNONYM|SEQUENCE|EXTERNAL|FILE|FORMAT|TABLE|DATABASE|SCOPED|CREDENTIAL|MASTER|KEY|LOGIN|USER|ROLE|STATISTICS|DATA|SOURCE|SCHEMA|AUTHORIZATION|CERTIFICATE|LIBRARY|AVAILABILITY|GROUP|RESOURCE|POOL|SECURITY|POLICY|SERVER|SYMMETRIC|ASYMMETRIC|PARTITION|SCHEME|FULLTEXT|CATALOG|XML|COLLECTION|EVENT|SESSION|QUEUE|SERVICE|ASSEMBLY|AGGREGATE|DEFAULT|RULE|VIEW|PROCEDURE|PROC|WORKLOAD|CLASSIFIER)$/;
  const first = cursor.start;
  while (cursor.peek().kind === 'word' && known.test(cursor.peek().text.toUpperCase())) words.push(cursor.next().text.toUpperCase());
  if (words.length === 1 && ['CREATE', 'ALTER', 'DROP'].includes(verb))
    throw cursor.error(`"${cursor.text.slice(first, first + 20)}" cannot be the object of ${verb}`);
  // Functions and triggers have statements in them and take the rest of the batch.
  const takesBatch = /FUNCTION|TRIGGER/.test(words.join(' ')) && verb !== 'DROP';
  if (!takesBatch && words.includes('TABLE') && !words.includes('EXTERNAL') && verb === 'CREATE' && cursor.isWord('IF'))
    throw cursor.unexpected('the name of a table');
  // END and ELSE belong to the block around it.
  const isEnd = () =>
    cursor.peek().kind === 'end' || (!takesBatch && (cursor.isSymbol(';') || cursor.isWord('END') || cursor.isWord('ELSE')));
  while (!isEnd()) {
    if (cursor.isSymbol('(')) cursor.skipParentheses();
    else cursor.next();
  }
  return { kind: 'unsupported', what: words.join(' '), span: cursor.spanFrom(start) };
}

function atEnd(cursor: TokenCursor): boolean {
  return cursor.peek().kind === 'end' || cursor.isSymbol(';');
}

function parseOptions(cursor: TokenCursor): Record<string, string> {
  const options: Record<string, string> = {};
  cursor.expectSymbol('(');
  parseList(cursor, () => {
    const name = cursor.next().text.toUpperCase();
    cursor.expectSymbol('=');
    options[name] = cursor.next().text;
  });
  cursor.expectSymbol(')');
  return options;
}

function parseView(cursor: TokenCursor, start: number, mode: DefinitionMode): Statement {
  const name = cursor.name('a view');
  const columns = cursor.isSymbol('(') ? parseColumnNames(cursor) : [];
  if (cursor.accept('WITH')) parseList(cursor, () => cursor.identifier('SCHEMABINDING'));
  cursor.expect('AS');
  const query = parseQuery(cursor);
  if (cursor.accept('WITH')) cursor.expect('CHECK', 'OPTION');
  const span = cursor.spanFrom(start);
  return { kind: 'createView', mode, name, columns, query, text: cursor.text.slice(span.start, span.end), span };
}

function parseProcedure(cursor: TokenCursor, start: number, mode: DefinitionMode): Statement {
  const name = cursor.name('a procedure');
  if (cursor.acceptSymbol(';')) throw cursor.unsupported('a numbered procedure');
  const hasParentheses = cursor.acceptSymbol('(');
  const parameters = cursor.peek().kind === 'variable' ? parseList(cursor, parseParameter) : [];
  if (hasParentheses) cursor.expectSymbol(')');
  if (cursor.accept('WITH')) {
    parseList(cursor, () => {
      if (!cursor.accept('EXECUTE', 'AS')) return void cursor.identifier('an option');
      cursor.next();
    });
  }
  if (cursor.accept('FOR', 'REPLICATION')) throw cursor.unsupported('FOR REPLICATION', start);
  cursor.expect('AS');
  // Everything to the end of the batch is the body.
  const body = parseStatementsUntil(cursor, () => cursor.peek().kind === 'end');
  if (body.length === 0) throw cursor.unexpected('the body of the procedure');
  const span = cursor.spanFrom(start);
  return { kind: 'createProcedure', mode, name, parameters, body, text: cursor.text.slice(span.start, span.end), span };
}

function parseParameter(cursor: TokenCursor): Parameter {
  const { start } = cursor;
  const name = cursor.variable();
  cursor.accept('AS');
  const type = parseTypeName(cursor);
  if (cursor.accept('NOT')) cursor.expect('NULL');
  else cursor.accept('NULL');
  const defaultValue = cursor.acceptSymbol('=') ? parseExpression(cursor) : undefined;
  const isOutput = cursor.accept('OUTPUT') || cursor.accept('OUT');
  const isReadonly = cursor.accept('READONLY');
  return { name, type, defaultValue, isOutput, isReadonly, span: cursor.spanFrom(start) };
}

function parseCreateTable(cursor: TokenCursor, start: number): Statement {
  if (cursor.isWord('IF')) throw cursor.unexpected('the name of a table');
  const name: Name = cursor.name('a table');
  if (cursor.accept('AS')) throw cursor.unsupported('CREATE TABLE AS', start);
  const { columns, primaryKey, refused } = parseColumnDefinitions(cursor);
  if (cursor.accept('ON')) {
    cursor.identifier('a file group');
    if (cursor.isSymbol('(')) cursor.skipParentheses();
  }
  if (cursor.accept('WITH')) {
    cursor.skipParentheses();
    return { kind: 'unsupported', what: 'CREATE TABLE ... WITH', span: cursor.spanFrom(start) };
  }
  if (refused !== undefined) return { kind: 'unsupported', what: `CREATE TABLE with ${refused}`, span: cursor.spanFrom(start) };
  return { kind: 'createTable', name, columns, primaryKey, span: cursor.spanFrom(start) };
}

/** The columns and constraints of a table. `refused` names what would change meaning and is not kept. */
export function parseColumnDefinitions(cursor: TokenCursor): {
  columns: ColumnDefinition[];
  primaryKey: string[] | undefined;
  refused: string | undefined;
} {
  const columns: ColumnDefinition[] = [];
  let primaryKey: string[] | undefined;
  let refused: string | undefined;
  cursor.expectSymbol('(');
  do {
    if (cursor.isSymbol(')')) break; // T-SQL lets a comma stand at the end
    if (cursor.accept('CONSTRAINT')) cursor.identifier('a constraint');
    if (cursor.accept('PRIMARY', 'KEY')) {
      skipClustering(cursor);
      primaryKey = parseKeyColumns(cursor);
    } else if (cursor.accept('UNIQUE')) {
      skipClustering(cursor);
      parseKeyColumns(cursor);
    } else if (cursor.accept('FOREIGN', 'KEY')) {
      parseColumnNames(cursor);
      parseReferences(cursor);
    } else if (cursor.accept('CHECK')) {
      parseCheck(cursor);
      refused ??= 'CHECK';
    } else if (cursor.accept('PERIOD', 'FOR', 'SYSTEM_TIME')) {
      parseColumnNames(cursor);
      refused ??= 'PERIOD FOR SYSTEM_TIME';
    } else if (cursor.isWord('INDEX') && cursor.isIdentifier(1)) {
      cursor.next();
      cursor.identifier();
      cursor.accept('UNIQUE');
      skipClustering(cursor);
      if (cursor.isSymbol('(')) cursor.skipParentheses();
    } else {
      const { column, refused: why } = parseColumn(cursor);
      columns.push(column);
      refused ??= why;
    }
  } while (cursor.acceptSymbol(','));
  cursor.expectSymbol(')');
  return { columns, primaryKey: primaryKey ?? columns.filter((column) => column.isPrimaryKey).map(({ name }) => name), refused };
}

function skipClustering(cursor: TokenCursor): void {
  if (!cursor.accept('CLUSTERED')) cursor.accept('NONCLUSTERED');
  cursor.accept('HASH');
}

function parseKeyColumns(cursor: TokenCursor): string[] {
  cursor.expectSymbol('(');
  const names = parseList(cursor, () => {
    const name = cursor.identifier('a column');
    if (!cursor.accept('ASC')) cursor.accept('DESC');
    return name;
  });
  cursor.expectSymbol(')');
  return names;
}

function parseReferences(cursor: TokenCursor): void {
  cursor.expect('REFERENCES');
  cursor.name('a table');
  if (cursor.isSymbol('(')) parseColumnNames(cursor);
  while (cursor.accept('ON', 'DELETE') || cursor.accept('ON', 'UPDATE')) {
    if (cursor.accept('NO')) cursor.expect('ACTION');
    else if (cursor.accept('SET')) cursor.next();
    else cursor.expect('CASCADE');
  }
}

function parseCheck(cursor: TokenCursor): void {
  cursor.expectSymbol('(');
  parseCondition(cursor);
  cursor.expectSymbol(')');
}

function parseColumn(cursor: TokenCursor): { column: ColumnDefinition; refused: string | undefined } {
  const { start } = cursor;
  const name = cursor.identifier('a column');
  let type: TypeName | undefined;
  let computed;
  let refused: string | undefined;
  if (cursor.accept('AS')) {
    computed = parseExpression(cursor);
    if (cursor.accept('PERSISTED')) refused = undefined;
  } else if (cursor.isWord('ROWVERSION') || cursor.isWord('TIMESTAMP')) {
    type = parseTypeName(cursor);
  } else type = parseTypeName(cursor);
  let nullable: boolean | undefined;
  let identity: ColumnDefinition['identity'];
  let defaultValue;
  let collation: string | undefined;
  let isPrimaryKey = false;
  let isUnique = false;
  for (;;) {
    if (cursor.accept('CONSTRAINT')) cursor.identifier('a constraint');
    else if (cursor.accept('NOT', 'NULL')) nullable = false;
    else if (cursor.accept('NULL')) nullable = true;
    else if (cursor.accept('IDENTITY')) identity = parseIdentity(cursor);
    else if (cursor.accept('DEFAULT')) defaultValue = parseExpression(cursor);
    else if (cursor.accept('COLLATE')) collation = cursor.identifier('a collation');
    else if (cursor.accept('PRIMARY', 'KEY')) {
      isPrimaryKey = true;
      skipClustering(cursor);
    } else if (cursor.accept('UNIQUE')) {
      isUnique = true;
      skipClustering(cursor);
    } else if (cursor.accept('ROWGUIDCOL') || cursor.accept('SPARSE') || cursor.accept('NOT', 'FOR', 'REPLICATION')) continue;
    else if (cursor.accept('CHECK')) {
      parseCheck(cursor);
      refused ??= 'CHECK';
    } else if (cursor.isWord('REFERENCES') || cursor.accept('FOREIGN', 'KEY')) parseReferences(cursor);
    else if (cursor.accept('GENERATED', 'ALWAYS', 'AS', 'ROW')) {
      cursor.next();
      cursor.accept('HIDDEN');
      refused ??= 'GENERATED ALWAYS';
    } else if (cursor.accept('MASKED', 'WITH')) {
      cursor.skipParentheses();
      refused ??= 'MASKED';
    } else break;
  }
  return {
    column: { name, type, computed, nullable, identity, defaultValue, isPrimaryKey, isUnique, collation, span: cursor.spanFrom(start) },
    refused,
  };
}

function parseIdentity(cursor: TokenCursor): { seed: number; increment: number } {
  if (!cursor.acceptSymbol('(')) return { seed: 1, increment: 1 };
  const number = () => {
    const sign = cursor.acceptSymbol('-') ? -1 : 1;
    return sign * Number(cursor.next().text);
  };
  const seed = number();
  cursor.expectSymbol(',');
  const increment = number();
  cursor.expectSymbol(')');
  return { seed, increment };
}

const droppable = ['TABLE', 'VIEW', 'PROCEDURE', 'SCHEMA', 'DATABASE', 'FUNCTION'] as const;

/** DROP of what is kept; of anything else by its name. */
export function parseDrop(cursor: TokenCursor): Statement {
  const { start } = cursor;
  cursor.expect('DROP');
  const object = cursor.accept('PROC')
    ? 'PROCEDURE'
    : cursor.accept('EXTERNAL', 'DATA', 'SOURCE')
      ? 'EXTERNAL DATA SOURCE'
      : cursor.accept('EXTERNAL', 'TABLE')
        ? 'EXTERNAL TABLE'
        : droppable.find((word) => !(word === 'DATABASE' && cursor.isWordAt(1, 'SCOPED')) && cursor.accept(word));
  if (object === undefined) return skipStatement(cursor, start, 'DROP');
  const ifExists = cursor.accept('IF', 'EXISTS');
  const names = parseList(cursor, () => cursor.name());
  return { kind: 'drop', object, names, ifExists, span: cursor.spanFrom(start) };
}
