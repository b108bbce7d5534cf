import type { LakesteadError } from '#core';

import type { Name, Span } from './ast.ts';
import { lex, syntaxError, type Token } from './lexer.ts';

/** Depth of nested expressions, queries and blocks: deeper text is refused instead of exhausting the stack. */
const maxDepth = 200;

/** Words that cannot be a bare alias or name, because they begin or continue something else. */
const reserved = new Set(
  `ADD ALL ALTER AND ANY AS ASC AUTHORIZATION BACKUP BEGIN BETWEEN BREAK BROWSE BULK BY CASCADE CASE CHECK CHECKPOINT CLOSE CLUSTERED COALESCE COLLATE COLUMN COMMIT COMPUTE CONSTRAINT CONTAINS CONTINUE CONVERT CREATE CROSS CURRENT CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER CURSOR DATABASE DBCC DEALLOCATE DECLARE DEFAULT DELETE DENY DESC DISTINCT DISTRIBUTED DOUBLE DROP ELSE END ERRLVL ESCAPE EXCEPT EXEC EXECUTE EXISTS EXIT EXTERNAL FETCH FILE FILLFACTOR FOR FOREIGN FREETEXT FROM FULL FUNCTION GOTO GRANT GROUP HAVING HOLDLOCK IDENTITY IDENTITY_INSERT IF IN INDEX INNER INSERT INTERSECT INTO IS JOIN KEY KILL LEFT LIKE MERGE NATIONAL NOCHECK NONCLUSTERED NOT NULL NULLIF OF OFF OFFSETS ON OPEN OPENDATASOURCE OPENQUERY OPENROWSET OPENXML OPTION OR ORDER OUTER OVER PERCENT PIVOT PLAN PRIMARY PRINT PROC PROCEDURE PUBLIC RAISERROR READ RECONFIGURE REFERENCES REPLICATION RESTORE RESTRICT RETURN REVERT REVOKE RIGHT ROLLBACK ROWCOUNT ROWGUIDCOL RULE SAVE SCHEMA SELECT SESSION_USER SET SETUSER SHUTDOWN SOME STATISTICS SYSTEM_USER TABLE TABLESAMPLE TEXTSIZE THEN TO TOP TRAN TRANSACTION TRIGGER TRUNCATE TRY_CONVERT TSEQUAL UNION UNIQUE UNPIVOT UPDATE UPDATETEXT USE USER VALUES VARYING VIEW WAITFOR WHEN WHERE WHILE WITH WITHIN WRITETEXT`.split(
    ' ',
  ),
);

/** Reads tokens one after the other; nothing is ever read twice. */
export class TokenCursor {
  readonly text: string;
  readonly #tokens: readonly Token[];
  #index = 0;
  #depth = 0;

  constructor(text: string) {
    this.text = text;
    this.#tokens = lex(text);
  }

  peek(ahead = 0): Token {
    return (
      this.#tokens[this.#index + ahead] ?? this.#tokens.at(-1) ?? { kind: 'end', text: '', isNational: false, span: { start: 0, end: 0 } }
    );
  }

  next(): Token {
    const token = this.peek();
    if (token.kind !== 'end') this.#index += 1;
    return token;
  }

  /** Where the next token begins. */
  get start(): number {
    return this.peek().span.start;
  }

  /** From `start` to the end of the last token read. */
  spanFrom(start: number): Span {
    const last = this.#tokens[this.#index - 1];
    return { start, end: Math.max(start, last?.span.end ?? start) };
  }

  isWord(...words: readonly string[]): boolean {
    return words.every((word, ahead) => {
      const token = this.peek(ahead);
      return token.kind === 'word' && token.text.toUpperCase() === word;
    });
  }

  isWordAt(ahead: number, word: string): boolean {
    const token = this.peek(ahead);
    return token.kind === 'word' && token.text.toUpperCase() === word;
  }

  isSymbol(symbol: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.kind === 'symbol' && token.text === symbol;
  }

  /** Takes these words when they come next. */
  accept(...words: readonly string[]): boolean {
    if (!this.isWord(...words)) return false;
    this.#index += words.length;
    return true;
  }

  acceptSymbol(symbol: string): boolean {
    if (!this.isSymbol(symbol)) return false;
    this.#index += 1;
    return true;
  }

  expect(...words: readonly string[]): void {
    for (const word of words) if (!this.accept(word)) throw this.unexpected(word);
  }

  expectSymbol(symbol: string): void {
    if (!this.acceptSymbol(symbol)) throw this.unexpected(`"${symbol}"`);
  }

  /** A name in any form; a bare word must not be reserved. */
  identifier(what = 'a name'): string {
    const token = this.peek();
    if (token.kind === 'quoted' || (token.kind === 'word' && !reserved.has(token.text.toUpperCase()))) return this.next().text;
    throw this.unexpected(what);
  }

  isIdentifier(ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.kind === 'quoted' || (token.kind === 'word' && !reserved.has(token.text.toUpperCase()));
  }

  /** `a`, `a.b`, `a..b` up to four parts. */
  name(what = 'a name'): Name {
    const start = this.start;
    const parts = [this.identifier(what)];
    while (this.isSymbol('.') && (this.isIdentifier(1) || this.peek(1).kind === 'word' || (this.isSymbol('.', 1) && parts.length < 3))) {
      this.next();
      if (this.isSymbol('.')) parts.push('');
      else parts.push(this.next().text);
    }
    if (parts.length > 4) throw this.unexpected('a name of at most four parts');
    return { parts, span: this.spanFrom(start) };
  }

  variable(): string {
    const token = this.peek();
    if (token.kind !== 'variable') throw this.unexpected('a variable');
    return this.next().text;
  }

  /** Runs `parse` one level deeper; too deep is an error with a place. */
  nested<T>(parse: () => T): T {
    this.#depth += 1;
    if (this.#depth > maxDepth) throw this.error(`nested more than ${maxDepth} levels deep`);
    try {
      return parse();
    } finally {
      this.#depth -= 1;
    }
  }

  /** The error that something else stands here than `wanted`. */
  unexpected(wanted: string): LakesteadError {
    const token = this.peek();
    const found = token.kind === 'end' ? 'the end of the text' : `"${this.text.slice(token.span.start, token.span.end).slice(0, 40)}"`;
    return this.error(`${wanted} was expected, ${found} stands here`);
  }

  error(problem: string, offset = this.start): LakesteadError {
    return syntaxError(this.text, offset, problem);
  }

  unsupported(what: string, offset = this.start): LakesteadError {
    return syntaxError(this.text, offset, `${what} is not supported`, 'SQL_NOT_SUPPORTED');
  }

  /** Moves past a bracketed group whose opening parenthesis comes next; gives its text with the parentheses. */
  skipParentheses(): string {
    const { start } = this;
    this.expectSymbol('(');
    for (let depth = 1; depth > 0;) {
      const token = this.next();
      if (token.kind === 'end') throw this.unexpected('")"');
      if (token.kind === 'symbol' && token.text === '(') depth += 1;
      if (token.kind === 'symbol' && token.text === ')') depth -= 1;
    }
    return this.text.slice(start, this.spanFrom(start).end);
  }
}
