import { checked } from './define-function.ts';
import { Float, type Value } from './value.ts';

const blanks = /(?:\s|\/\*[\s\S]*?\*\/|\/\/[^\n]*)*/uy;
const word = /[\p{L}_$][\p{L}\p{N}_$]*/uy;
const number = /-?(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|Infinity)/uy;
const escapes: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', '"': '"', "'": "'", '\\': '\\', '/': '/' };
const words: Readonly<Record<string, Value>> = {
  true: true,
  false: false,
  null: null,
  NaN: new Float(Number.NaN),
  Infinity: new Float(Infinity),
};
const maxDepth = 200;

/**
 * JSON as `json()` takes it, which is what .NET's reader takes: also single quotes, names without quotes, comments and a
 * comma too many. The first value counts; a text of nothing is null.
 *
 * @throws TypeError with the character where it stops being JSON
 */
export function parseLooseJson(text: string): Value {
  let at = text.startsWith('\ufeff') ? 1 : 0;
  const fail = (problem: string) => new TypeError(`no JSON: ${problem} at character ${at + 1}`);
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    at += found?.length ?? 0;
    return found;
  };
  const skip = (): string | undefined => {
    match(blanks);
    return text[at];
  };
  const quoted = (): string => {
    const quote = text[at];
    let value = '';
    for (at += 1; ; at += 1) {
      const character = text[at];
      if (character === undefined) throw fail('a text is not closed');
      if (character === quote) {
        at += 1;
        return value;
      }
      if (character !== '\\') value += character;
      else {
        at += 1;
        const code = /^u([0-9a-fA-F]{4})/.exec(text.slice(at, at + 5))?.[1];
        const plain = escapes[text[at] ?? ''];
        if (code !== undefined) {
          value += String.fromCharCode(Number.parseInt(code, 16));
          at += 4;
        } else if (plain !== undefined) value += plain;
        else throw fail('an escape is not known');
      }
    }
  };
  const scalar = (): Value => {
    const digits = match(number);
    if (digits !== undefined) {
      if (/[\p{L}\p{N}.+_-]/u.test(text[at] ?? '')) throw fail('a number was expected');
      if (/^-?(?:0[xX][0-9a-fA-F]+|\d+)$/.test(digits)) return whole(digits);
      return new Float(digits.endsWith('Infinity') ? (digits.startsWith('-') ? -Infinity : Infinity) : Number(digits));
    }
    const name = match(word) ?? '';
    if (!Object.hasOwn(words, name)) throw fail('a value was expected');
    return words[name] ?? null;
  };
  const value = (depth: number): Value => {
    if (depth > maxDepth) throw fail(`nested more than ${maxDepth} levels deep`);
    switch (skip()) {
      case '{':
        return object(depth);
      case '[':
        return array(depth);
      case '"':
      case "'":
        return quoted();
      default:
        return scalar();
    }
  };
  const object = (depth: number): Value => {
    const entries: [string, Value][] = [];
    for (at += 1; skip() !== '}';) {
      const name = text[at] === '"' || text[at] === "'" ? quoted() : match(word);
      if (name === undefined) throw fail('the name of a property was expected');
      if (skip() !== ':') throw fail('":" was expected');
      at += 1;
      entries.push([name, value(depth + 1)]);
      if (skip() === ',') at += 1;
      else if (text[at] !== '}') throw fail('"," or "}" was expected');
    }
    at += 1;
    return Object.fromEntries(entries);
  };
  const array = (depth: number): Value => {
    const items: Value[] = [];
    for (at += 1; skip() !== ']';) {
      items.push(value(depth + 1));
      if (skip() === ',') at += 1;
      else if (text[at] !== ']') throw fail('"," or "]" was expected');
    }
    at += 1;
    return items;
  };
  return skip() === undefined ? null : value(0);
}

/** Of more than 64 bits it stays exact: .NET has a big integer there. A leading zero makes it octal in .NET, which nobody means. */
function whole(digits: string): Value {
  const isHex = /[xX]/.test(digits);
  return isHex ? checked(digits.startsWith('-') ? -BigInt(digits.slice(1)) : BigInt(digits)) : BigInt(digits);
}
