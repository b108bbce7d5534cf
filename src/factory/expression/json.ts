import { LakesteadError, type SourcePlace } from '#core';

import { Float, type Value, type ValueObject } from './value.ts';

/** Where values stand in a text of JSON: by path, joined with `/`. */
export type PlacedJson = {
  readonly value: Value;
  readonly placeOf: (path: readonly (string | number)[]) => SourcePlace | undefined;
  /** Keys that stand twice in one object, at their second place: the last one counts. */
  readonly duplicates: readonly { readonly key: string; readonly place: SourcePlace }[];
};

const stringPattern = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;

/**
 * JSON with exact numbers and the place of every value. Takes a byte order mark; refuses comments and all else that JSON
 * does not have.
 *
 * @throws FACTORY_INVALID with file, line and column
 */
export function parseJson(text: string, file: string): PlacedJson {
  const offsets = new Map<string, number>();
  const repeated: { readonly key: string; readonly at: number }[] = [];
  const source = text.replace(/^\ufeff/, '');
  let at = 0;
  const fail = (problem: string): never => {
    const place = placeAt(source, at, file);
    throw new LakesteadError('FACTORY_INVALID', `${file}:${place.line}:${place.column}: ${problem}`, {
      place,
      hint: 'the file must be JSON as Data Factory writes it',
    });
  };
  const skip = () => {
    for (;;) {
      const code = source.charCodeAt(at);
      if (code !== 32 && code !== 9 && code !== 10 && code !== 13) return;
      at += 1;
    }
  };
  const found = () => (at >= source.length ? 'the end of the file' : JSON.stringify(source.slice(at, at + 12)));
  const expect = (character: string) => {
    skip();
    if (source[at] !== character) fail(`"${character}" was expected, ${found()} stands here`);
    at += 1;
  };
  const string = (): string => {
    skip();
    stringPattern.lastIndex = at;
    const match = stringPattern.exec(source);
    if (match === null) return fail(`a text in quotes was expected, ${found()} stands here`);
    at += match[0].length;
    return match[0].includes('\\') ? (JSON.parse(match[0]) as string) : match[0].slice(1, -1); // a JSON string, by the pattern
  };
  const value = (path: string, depth: number): Value => {
    skip();
    if (depth > 200) fail('nested more than 200 levels deep');
    offsets.set(path, at);
    const character = source[at];
    if (character === '{') return object(path, depth);
    if (character === '[') return array(path, depth);
    if (character === '"') return string();
    const word = /^(?:true|false|null)\b/.exec(source.slice(at, at + 6))?.[0];
    if (word !== undefined) {
      at += word.length;
      return word === 'null' ? null : word === 'true';
    }
    const number = /^-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/.exec(source.slice(at, at + 400));
    if (number === null) return fail(`a value was expected, ${found()} stands here`);
    at += number[0].length;
    return number[1] === undefined && number[2] === undefined ? BigInt(number[0]) : new Float(Number(number[0]));
  };
  const object = (path: string, depth: number): ValueObject => {
    const entries: [string, Value][] = [];
    const keys = new Set<string>();
    at += 1;
    skip();
    if (source[at] === '}') at += 1;
    else {
      do {
        skip();
        const start = at;
        const key = string();
        if (keys.has(key)) repeated.push({ key, at: start });
        keys.add(key);
        expect(':');
        entries.push([key, value(`${path}/${key}`, depth + 1)]);
        skip();
      } while (source[at] === ',' && (at += 1) > 0);
      expect('}');
    }
    return Object.fromEntries(entries);
  };
  const array = (path: string, depth: number): Value[] => {
    const items: Value[] = [];
    at += 1;
    skip();
    if (source[at] === ']') at += 1;
    else {
      do {
        items.push(value(`${path}/${items.length}`, depth + 1));
        skip();
      } while (source[at] === ',' && (at += 1) > 0);
      expect(']');
    }
    return items;
  };
  const result = value('', 0);
  skip();
  if (at < source.length) fail(`the end of the file was expected, ${found()} stands here`);
  const lines = new LineIndex(source);
  return {
    value: result,
    duplicates: repeated.map(({ key, at: offset }) => ({ key, place: placeAt(source, offset, file) })),
    placeOf: (path) => {
      const offset = offsets.get(path.map((part) => `/${part}`).join(''));
      return offset === undefined ? undefined : lines.placeAt(offset, file);
    },
  };
}

/** Where the lines of a text begin, found once it is asked for. */
class LineIndex {
  readonly #text: string;
  #starts: number[] | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  placeAt(offset: number, file: string): SourcePlace {
    this.#starts ??= [0, ...[...this.#text.matchAll(/\n/g)].map(({ index }) => index + 1)];
    const starts = this.#starts;
    let [low, high] = [0, starts.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { file, line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  }
}

function placeAt(text: string, offset: number, file: string): { file: string; line: number; column: number } {
  const before = text.slice(0, offset);
  return { file, line: before.split('\n').length, column: offset - before.lastIndexOf('\n') };
}
