import { lex } from './lexer.ts';

/**
 * The text of VALUES in which the word DEFAULT, where it stands alone in the place of a value, is replaced by the default of its column;
 * any other query as it is.
 *
 * @param defaultAt the text for a position (from 0) in a row
 */
export function replaceDefaults(text: string, defaultAt: (position: number) => string): string {
  const tokens = lex(text);
  if (tokens[0]?.text !== 'VALUES') return text;
  let out = '';
  let from = 0;
  let depth = 0;
  let position = 0;
  for (const [index, { kind, text: word, span }] of tokens.entries()) {
    if (kind === 'symbol' && '([{'.includes(word)) {
      depth += 1;
      if (depth === 1) position = 0;
    } else if (kind === 'symbol' && ')]}'.includes(word)) depth -= 1;
    else if (kind === 'symbol' && word === ',' && depth === 1) position += 1;
    const [before, after] = [tokens[index - 1]?.text, tokens[index + 1]?.text];
    const isAlone = depth === 1 && (before === '(' || before === ',') && (after === ')' || after === ',');
    if (kind !== 'word' || word !== 'DEFAULT' || !isAlone) continue;
    out += text.slice(from, span.start) + defaultAt(position);
    from = span.end;
  }
  return out + text.slice(from);
}
