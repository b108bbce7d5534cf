import { LakesteadError, nearMisses } from '#core';
import type { Sql } from '#sql';

import type { Expression, Query, Span } from './ast.ts';
import { placeOf } from './lexer.ts';
import type { BindScope, BoundColumn, RelationFiles } from './scope.ts';
import type { SqlServerType } from './types.ts';

/** How strings compare: without case (the default collation), or by code point. Trailing blanks never count. */
export type Collation = 'caseInsensitive' | 'caseSensitive';

/** A translated value. */
export type BoundExpression = {
  readonly sql: Sql;
  readonly type: SqlServerType;
  readonly nullable: boolean;
  readonly collation?: Collation;
  /** Set for NULL itself, which takes the type of what stands beside it. */
  readonly isNull?: true;
  /** Set for a literal or variable: its value, for what must be known before the statement runs (a style, OBJECT_ID). */
  readonly constant?: string | number;
  /** Set for JSON of JSON_QUERY and FOR JSON: FOR JSON takes it as it is. */
  readonly isJson?: true;
  /** Set for a literal integer: arithmetic with decimals takes it with as many digits as it has. */
  readonly digits?: number;
};

/** Something in FROM under its alias. */
export type FrameSource = {
  readonly alias: string;
  readonly qualifiers: readonly string[];
  readonly columns: readonly BoundColumn[];
  readonly files?: RelationFiles | undefined;
};

/** A query translated: `sql` is a whole SELECT whose columns stand in the order of `columns`, under those names. */
export type BoundQuery = { readonly sql: Sql; readonly columns: readonly BoundColumn[] };

/** Where an expression is bound: what FROM offers, what stands around the query, and how to bind a query inside. */
export type Frame = {
  readonly scope: BindScope;
  readonly sources: readonly FrameSource[];
  readonly parent: Frame | undefined;
  readonly commonTables: ReadonlyMap<string, readonly BoundColumn[]>;
  /** Text of grouped expressions by their SQL: outside aggregates they stand for any value of their group. */
  readonly groupKeys?: ReadonlySet<string>;
  /** True for GROUP BY with several sets: a key that a set leaves out is NULL there. */
  readonly hasGroupingSets?: boolean;
  readonly windows?: ReadonlyMap<string, import('./ast.ts').Window>;
  bindQuery(query: Query, frame: Frame): Promise<BoundQuery>;
  bind(expression: Expression, frame: Frame): Promise<BoundExpression>;
};

/** An error with the line and column of a span. */
export function bindError(
  scope: { readonly text: string },
  code: 'SQL_NAME_NOT_FOUND' | 'SQL_NOT_SUPPORTED' | 'SQL_TYPE' | 'SQL_SYNTAX',
  message: string,
  span: Span,
  hint?: string,
): LakesteadError {
  const place = placeOf(scope.text, span.start);
  return new LakesteadError(code, `line ${place.line}, column ${place.column}: ${message}`, {
    place,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** The error that a name is not there, with what it may have been meant to be. */
export function nameError(
  scope: { readonly text: string },
  what: string,
  name: string,
  span: Span,
  known: Iterable<string>,
): LakesteadError {
  const near = nearMisses(name, known);
  return bindError(
    scope,
    'SQL_NAME_NOT_FOUND',
    `there is no ${what} ${name}`,
    span,
    near.length === 0 ? undefined : `did you mean ${near.join(' or ')}?`,
  );
}
