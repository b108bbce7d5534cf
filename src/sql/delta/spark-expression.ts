import { LakesteadError } from '#core';

import { ident, literal, type Sql, unsafeSql } from '#sql';
import { lex, type Token } from './lexer.ts';

/** Words of an expression that are no names of columns. */
const keywords = new Set([
  'AND', 'OR', 'NOT', 'IN', 'IS', 'NULL', 'TRUE', 'FALSE', 'BETWEEN', 'LIKE', 'CASE', 'WHEN', 'THEN', 'ELSE', 'END', 'DISTINCT', 'FROM', 'ESCAPE', 'DATE', 'INTERVAL',
  'YEAR', 'YEARS', 'MONTH', 'MONTHS', 'WEEK', 'WEEKS', 'DAY', 'DAYS', 'HOUR', 'HOURS', 'MINUTE', 'MINUTES', 'SECOND', 'SECONDS',
]); // prettier-ignore

/** Words that would make more of an expression than one of a row. */
const refusedWords = new Set(['SELECT', 'WITH', 'OVER', 'EXISTS', 'RLIKE', 'REGEXP', 'ILIKE', 'DIV', 'COLLATE', 'LATERAL']);

/** Functions that give the same in the engine, with its name of them. */
const functions: Readonly<Record<string, string>> = {
  YEAR: 'year', MONTH: 'month', DAY: 'day', DAYOFMONTH: 'day', HOUR: 'hour', MINUTE: 'minute', SECOND: 'second', QUARTER: 'quarter', WEEKOFYEAR: 'week', DAYOFYEAR: 'dayofyear',
  LENGTH: 'length', CHAR_LENGTH: 'length', CHARACTER_LENGTH: 'length', LOWER: 'lower', LCASE: 'lower', UPPER: 'upper', UCASE: 'upper', TRIM: 'trim', LTRIM: 'ltrim', RTRIM: 'rtrim',
  SUBSTRING: 'substring', SUBSTR: 'substring', REPLACE: 'replace', LPAD: 'lpad', RPAD: 'rpad', REVERSE: 'reverse', LEFT: 'left', RIGHT: 'right',
  STARTSWITH: 'starts_with', ENDSWITH: 'ends_with', CONTAINS: 'contains', COALESCE: 'coalesce', IFNULL: 'coalesce', NVL: 'coalesce', NULLIF: 'nullif',
  ABS: 'abs', CEIL: 'ceil', CEILING: 'ceil', FLOOR: 'floor', ROUND: 'round', SQRT: 'sqrt', EXP: 'exp', LN: 'ln', POWER: 'pow', POW: 'pow', SIGN: 'sign', GREATEST: 'greatest', LEAST: 'least',
  ISNAN: 'isnan', SIZE: 'len', CARDINALITY: 'len', DATE_TRUNC: 'date_trunc', MD5: 'md5', IF: 'if', NOW: 'now',
}; // prettier-ignore

const types: Readonly<Record<string, string>> = {
  STRING: 'VARCHAR', BIGINT: 'BIGINT', LONG: 'BIGINT', INT: 'INTEGER', INTEGER: 'INTEGER', SMALLINT: 'SMALLINT', SHORT: 'SMALLINT', TINYINT: 'TINYINT', BYTE: 'TINYINT',
  FLOAT: 'FLOAT', REAL: 'FLOAT', DOUBLE: 'DOUBLE', BOOLEAN: 'BOOLEAN', BINARY: 'BLOB', DATE: 'DATE', TIMESTAMP: 'TIMESTAMP WITH TIME ZONE', TIMESTAMP_NTZ: 'TIMESTAMP',
}; // prettier-ignore

const wholeNumbers = ['BIGINT', 'INTEGER', 'SMALLINT', 'TINYINT'];

/** Patterns of dates that both have; others would need a translation of each letter. */
const datePatterns: Readonly<Record<string, string>> = {
  yyyy: '%Y', MM: '%m', dd: '%d', HH: '%H', 'yyyy-MM': '%Y-%m', 'yyyy-MM-dd': '%Y-%m-%d', 'yyyy-MM-dd-HH': '%Y-%m-%d-%H', yyyyMM: '%Y%m', yyyyMMdd: '%Y%m%d', 'yyyy-MM-dd HH:mm:ss': '%Y-%m-%d %H:%M:%S',
}; // prettier-ignore

/**
 * An expression of Spark's about the columns of one row, as a table's log holds it (a constraint, a default, how a column is
 * generated), as SQL for the engine. Only what means the same in both is taken; timestamps are in UTC.
 *
 * @throws {LakesteadError} `DELTA_UNSUPPORTED` naming what is not evaluated
 */
export function sparkExpression(text: string): Sql {
  return unsafeSql(`(${new Translator(text).translate()})`);
}

/** A fragment of a statement as Spark writes it: names in backticks, since double quotes are strings there. */
export function toSparkText(text: string): string {
  let out = '';
  let from = 0;
  for (const { kind, text: name, span } of lex(text)) {
    if (kind !== 'quoted' || text[span.start] !== '"') continue;
    out += `${text.slice(from, span.start)}\`${name.replaceAll('`', '``')}\``;
    from = span.end;
  }
  return out + text.slice(from);
}

class Translator {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = lex(text);
  }

  translate(): string {
    const all = this.#until([]);
    if (this.#peek().kind !== 'end') throw this.#refuse(`the ${this.#written(this.#peek())}`);
    if (all.trim() === '') throw this.#refuse('nothing');
    return all;
  }

  #peek(ahead = 0): Token {
    return this.#tokens[this.#at + ahead] ?? { kind: 'end', text: '', span: { start: this.#text.length, end: this.#text.length } };
  }

  #isSymbol(symbol: string, ahead = 0): boolean {
    return this.#peek(ahead).kind === 'symbol' && this.#peek(ahead).text === symbol;
  }

  /** Everything up to one of these symbols or words outside of parentheses. */
  #until(stops: readonly string[]): string {
    const out: string[] = [];
    while (this.#peek().kind !== 'end') {
      const token = this.#peek();
      if ((token.kind === 'symbol' || token.kind === 'word') && stops.includes(token.text)) break;
      out.push(this.#one());
    }
    return out.join(' ');
  }

  #one(): string {
    const token = this.#peek();
    this.#at += 1;
    switch (token.kind) {
      case 'string':
        return this.#string(token, token.text);
      case 'quoted':
        // Spark takes double quotes for strings.
        return this.#text[token.span.start] === '"' ? this.#string(token, token.text) : this.#name(token.text);
      case 'number':
        return this.#number(token);
      case 'word':
        return this.#word(token);
      default:
        return this.#symbol(token);
    }
  }

  #string({ span }: Token, value: string): string {
    if (this.#text.slice(span.start, span.end).includes('\\')) throw this.#refuse('a string with a backslash');
    return literal(value).texts[0] ?? '';
  }

  #name(name: string): string {
    return ident(name).texts[0] ?? '';
  }

  /** `5L` is a number of Spark's; the engine finds the type by itself. */
  #number({ span }: Token): string {
    const digits = this.#text.slice(span.start, span.end);
    const suffix = this.#peek();
    if (suffix.kind !== 'word' || suffix.span.start !== span.end) return digits;
    this.#at += 1;
    if (['L', 'S', 'Y'].includes(suffix.text)) return digits;
    if (['D', 'F'].includes(suffix.text)) return `${digits}::DOUBLE`;
    throw this.#refuse(`the number ${digits}${suffix.text}`);
  }

  #word(token: Token): string {
    const { text } = token;
    const isCall = this.#isSymbol('(');
    if (refusedWords.has(text)) throw this.#refuse(text);
    if (text === 'CURRENT_TIMESTAMP' || text === 'CURRENT_DATE') {
      if (isCall) this.#parentheses();
      return text === 'CURRENT_DATE' ? 'CAST(now() AS DATE)' : 'now()';
    }
    if (text === 'TIMESTAMP' && this.#peek().kind === 'string') return 'TIMESTAMPTZ';
    if (text === 'CAST' && isCall) return this.#cast();
    if (isCall && Object.hasOwn(functions, text)) return `${functions[text] ?? ''}(${this.#arguments(text).join(', ')})`;
    if (isCall && Object.hasOwn(special, text)) return special[text]?.(this.#arguments(text)) ?? '';
    if (isCall && text === 'DATE_FORMAT') return this.#dateFormat();
    if (keywords.has(text) && !(isCall && ['YEAR', 'DATE'].includes(text))) return text;
    if (isCall) throw this.#refuse(`the function ${text.toLowerCase()}`);
    return this.#name(this.#written(token));
  }

  #cast(): string {
    this.#at += 1;
    const value = this.#until(['AS']);
    this.#at += 1;
    const type = this.#peek();
    this.#at += 1;
    let target = Object.hasOwn(types, type.text) ? types[type.text] : undefined;
    if (['DECIMAL', 'DEC', 'NUMERIC'].includes(type.text)) {
      target = 'DECIMAL(10,0)';
      if (this.#isSymbol('(')) target = `DECIMAL(${this.#parentheses()})`;
    }
    if (target === undefined) throw this.#refuse(`a cast to ${this.#written(type)}`);
    if (!this.#isSymbol(')')) throw this.#refuse('this form of CAST');
    this.#at += 1;
    // Spark cuts fractions where the engine rounds.
    return wholeNumbers.includes(target) ? `CAST(trunc(CAST(${value} AS DECIMAL(38,9))) AS ${target})` : `CAST(${value} AS ${target})`;
  }

  #dateFormat(): string {
    const [value = '', pattern = ''] = this.#arguments('DATE_FORMAT');
    const found = datePatterns[pattern.slice(1, -1)];
    if (found === undefined) throw this.#refuse(`date_format with the pattern ${pattern}`);
    return `strftime(CAST(${value} AS TIMESTAMP), '${found}')`;
  }

  #parentheses(): string {
    this.#at += 1;
    const inner = this.#until([')']);
    this.#at += 1;
    return inner;
  }

  #arguments(name: string): readonly string[] {
    this.#at += 1;
    const all: string[] = [];
    while (!this.#isSymbol(')')) {
      if (this.#peek().kind === 'end') throw this.#refuse(`${name} that is not closed`);
      all.push(this.#until([',', ')']));
      if (this.#isSymbol(',')) this.#at += 1;
    }
    this.#at += 1;
    return all;
  }

  #symbol({ text, span }: Token): string {
    if (text === '(') {
      this.#at -= 1;
      if (this.#peek(1).text === 'SELECT') throw this.#refuse('a subquery');
      const list: string[] = [];
      this.#at += 1;
      for (;;) {
        list.push(this.#until([',', ')']));
        const isMore = this.#isSymbol(',');
        if (!isMore && !this.#isSymbol(')')) throw this.#refuse('a parenthesis that is not closed');
        this.#at += 1;
        if (!isMore) return `(${list.join(', ')})`;
      }
    }
    // Operators of several characters come as one symbol each.
    for (const [spelled, written] of operators) {
      if (!this.#text.startsWith(spelled, span.start)) continue;
      this.#at += spelled.length - 1;
      return written;
    }
    throw this.#refuse(`"${text}"`);
  }

  #written({ span }: Token): string {
    return this.#text.slice(span.start, span.end);
  }

  #refuse(what: string): LakesteadError {
    return new LakesteadError('DELTA_UNSUPPORTED', `the table's expression ${this.#text} is not evaluated here: ${what}`, {
      hint: 'write the table with the engine that it belongs to, or word the expression otherwise',
      data: { expression: this.#text },
    });
  }
}

/** Longest first. */
const operators: readonly (readonly [string, string])[] = [
  ['<=>', 'IS NOT DISTINCT FROM'], ['<=', '<='], ['>=', '>='], ['<>', '<>'], ['!=', '<>'], ['==', '='], ['||', '||'],
  ['<', '<'], ['>', '>'], ['=', '='], ['+', '+'], ['-', '-'], ['*', '*'], ['/', '/'], ['%', '%'], ['.', '.'],
]; // prettier-ignore

const special: Readonly<Record<string, (args: readonly string[]) => string>> = {
  // NULL when one of them is, unlike the engine's.
  CONCAT: (args) => `(${args.map((arg) => `CAST(${arg} AS VARCHAR)`).join(' || ')})`,
  ISNULL: ([value = '']) => `(${value}) IS NULL`,
  ISNOTNULL: ([value = '']) => `(${value}) IS NOT NULL`,
  TO_DATE: ([value = '']) => `CAST(${value} AS DATE)`,
  DATE_ADD: ([day = '', count = '']) => `CAST(CAST(${day} AS DATE) + CAST(${count} AS INTEGER) AS DATE)`,
  DATE_SUB: ([day = '', count = '']) => `CAST(CAST(${day} AS DATE) - CAST(${count} AS INTEGER) AS DATE)`,
  DATE: ([value = '']) => `CAST(${value} AS DATE)`,
  MOD: ([value = '', by = '']) => `((${value}) % (${by}))`,
  UUID: () => 'CAST(uuid() AS VARCHAR)',
};
