import { LakesteadError } from '#core';

/** One statement of a text, without the semicolon behind it. */
export type Statement = {
  readonly text: string;
  /** Where it begins in the whole text, for places of errors. */
  readonly start: number;
  /** Its words in upper case, punctuation and texts left out, as far as the first few: `SELECT`, `CREATE TEMP TABLE` ... */
  readonly words: readonly string[];
  /** Where parameters (`$1`) stand in the text. */
  readonly parameters: readonly { readonly number: number; readonly from: number; readonly to: number }[];
};

const maxWords = 8;

const blanks = /\s+/y;
const parameterMark = /\$\d{1,5}/y;
const dollarTag = /\$(?:[\p{L}_][\p{L}\p{N}_]*)?\$/uy;
const wordMark = /[\p{L}_][\p{L}\p{N}_$]*/uy;
const otherMarks = /[^;'"$\-/\s\p{L}_]+/uy;

/**
 * Takes a text apart at its semicolons, as PostgreSQL and DuckDB do: not in texts, names in quotes, dollar quotes and comments. Empty
 * statements are left out.
 *
 * @throws {LakesteadError} `SQL_SYNTAX` where a text, a name or a comment does not end
 */
export function splitStatements(text: string): readonly Statement[] {
  const found: Statement[] = [];
  let start = 0;
  let words: string[] = [];
  let parameters: { number: number; from: number; to: number }[] = [];
  let isEmpty = true;
  const end = (at: number) => {
    if (!isEmpty) found.push({ text: text.slice(start, at), start, words, parameters });
    start = at + 1;
    words = [];
    parameters = [];
    isEmpty = true;
  };
  let at = 0;
  /** What of the text fits a pattern here; the pattern goes on where it is told to, so that nothing is copied. */
  const fits = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0];
  };
  while (at < text.length) {
    const blank = fits(blanks);
    if (blank !== undefined) {
      at += blank.length;
      continue;
    }
    const char = text[at] ?? '';
    const next = text[at + 1] ?? '';
    if (char === ';') {
      end(at);
      at += 1;
      continue;
    }
    if (char === '-' && next === '-') {
      at = lineEnd(text, at);
      continue;
    }
    if (char === '/' && next === '*') {
      at = commentEnd(text, at);
      continue;
    }
    isEmpty = false;
    if (char === "'" || char === '"') at = quoteEnd(text, at, char, false);
    else if ((char === 'e' || char === 'E') && next === "'") at = quoteEnd(text, at + 1, "'", true);
    else if (char === '$') {
      const parameter = fits(parameterMark);
      const tag = parameter === undefined ? fits(dollarTag) : undefined;
      if (parameter !== undefined) {
        parameters.push({ number: Number(parameter.slice(1)), from: at - start, to: at - start + parameter.length });
        at += parameter.length;
      } else if (tag === undefined) at += 1;
      else {
        const close = text.indexOf(tag, at + tag.length);
        if (close < 0) throw endless('text', at);
        at = close + tag.length;
      }
    } else {
      const word = fits(wordMark);
      if (word !== undefined && words.length < maxWords) words.push(word.toUpperCase());
      at += word?.length ?? fits(otherMarks)?.length ?? 1;
    }
  }
  end(text.length);
  return found;
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end + 1;
}

function commentEnd(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at += 1) {
    const two = text.slice(at, at + 2);
    if (two === '/*') depth += 1;
    else if (two === '*/') depth -= 1;
    else continue;
    at += 1;
    if (depth === 0) return at + 1;
  }
  throw endless('comment', from);
}

function quoteEnd(text: string, from: number, quote: string, hasEscapes: boolean): number {
  for (let at = from + 1; at < text.length; at += 1) {
    if (hasEscapes && text[at] === '\\') at += 1;
    else if (text[at] === quote) {
      if (text[at + 1] !== quote) return at + 1;
      at += 1;
    }
  }
  throw endless(quote === '"' ? 'name' : 'text', from);
}

function endless(what: string, at: number): LakesteadError {
  return new LakesteadError('SQL_SYNTAX', `the ${what} that begins at character ${at + 1} does not end`, { data: { position: at + 1 } });
}
