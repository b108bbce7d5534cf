import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { describeError, LakesteadError } from '#core';

import { findSharedData } from '../../../test/support/shared-data.ts';
import { evaluateCases, evaluateText, evaluateTree, formatValue, functions, isArray, isObject, parseJson, toPlain } from './index.ts';

const now = new Date('2024-05-06T07:08:09.123Z');
const data = findSharedData('adf');

describe.skipIf(data === undefined)("Microsoft's and the documentation's cases", () => {
  const cases = data === undefined ? [] : parseJson(readFileSync(join(data, 'expressions.json'), 'utf8'), 'expressions.json').value;
  const answers = evaluateCases(cases);
  for (const [index, one] of (isArray(cases) ? cases : []).entries()) {
    if (!isObject(one)) continue;
    const answer = answers[index];
    test(`${String(one['id'])}: ${String(one['expression']).slice(0, 80)}`, () => {
      if ('expectedError' in one) expect(answer).toHaveProperty('error');
      else expect(answer && 'value' in answer ? formatValue(answer.value) : answer).toBe(formatValue(one['expected'] ?? null));
    });
  }
});

describe('every function has an example that is true', () => {
  for (const { name, example } of Object.values(functions)) {
    const [expression, value] = example;
    test(`${name}: ${expression} is ${value}`, () => {
      if (value === 'error') expect(() => evaluateText(expression, { now })).toThrow(LakesteadError);
      else expect(formatValue(evaluateText(expression, { now }))).toBe(value);
    });
  }
});

test('integers are exact to 64 bits, beyond they are refused', () => {
  expect(evaluateText('@add(9007199254740993, 1)', { now })).toBe(9007199254740994n);
  expect(() => evaluateText('@add(9223372036854775807, 1)', { now })).toThrow(/64 bits/);
});

test('times across a change of clocks follow the zone', () => {
  const convert = (stamp: string) => evaluateText(`@convertFromUtc('${stamp}', 'W. Europe Standard Time', 's')`, { now });
  expect([convert('2024-03-31T00:59:59Z'), convert('2024-03-31T01:00:00Z')]).toEqual(['2024-03-31T01:59:59', '2024-03-31T03:00:00']);
});

const answers: readonly (readonly [claim: string, expression: string, value: string])[] = [
  ['a letter beyond 16 bits counts as two, as in .NET', "@length('😀')", '2'],
  ['upper case is letter by letter', "@toUpper('straße 😀')", '"STRAßE 😀"'],
  ['floats print as .NET has them', '@string(createArray(0.1, 1e15, 1e17, 0.00001, 2.0))', '"[0.1,1000000000000000.0,1E+17,1E-05,2.0]"'],
  ['a float keeps all of its digits', '@add(0.1, 0.2)', '0.30000000000000004'],
  ['int() is exact beyond 2^53', "@int('9007199254740993')", '9007199254740993'],
  ['a zone by its Windows name', "@convertFromUtc('2024-07-01T12:00:00Z', 'India Standard Time', 's')", '"2024-07-01T17:30:00"'],
  ['a locale has its own names', "@formatDateTime('2018-03-05', 'dddd, d. MMMM', 'de-DE')", '"Montag, 5. März"'],
  ['a null before ?. ends the chain', '@json(\'{"a":null}\').a?.b.c', 'null'],
  ['json() takes what .NET takes', "@json('{a:[1,],/*x*/''b'':0x10}')", '{"a":[1],"b":16}'],
  ['xml() of an object', '@string(xml(json(\'{"r":{"@i":1,"b":[1,null]}}\')))', '"<r i=\\"1\\"><b>1</b><b /></r>"'],
  ['xpath finds elements, with what they hold', "@string(xpath(xml('<a><b><c>1</c></b></a>'), '/a/b')[0])", '"<b>\\n  <c>1</c>\\n</b>"'],
  ['xpath counts', "@xpath(xml('<a><b>1</b><b>2</b></a>'), 'sum(/a/b)')", '3.0'],
];
for (const [claim, expression, value] of answers) {
  test(claim, () => expect(formatValue(evaluateText(expression, { now }))).toBe(value));
}

test('a time that exists twice or not at all in a zone is refused', () => {
  for (const stamp of ['2018-10-28T02:30:00', '2018-03-25T02:30:00'])
    expect(() => evaluateText(`@convertToUtc('${stamp}', 'W. Europe Standard Time')`, { now })).toThrow(/exist/);
});

test('an error names line, column and the signature', () => {
  expect(() => evaluateText("@concat('a',\n  substring('abc', 5))", { now })).toThrow(
    expect.objectContaining({ code: 'EXPRESSION_FAILED', place: { line: 2, column: 3 }, hint: 'substring(text, start, length?)' }),
  );
  expect(() => evaluateText("@concatt('a')", { now })).toThrow(
    expect.objectContaining({ code: 'EXPRESSION_INVALID', hint: 'did you mean concat?' }),
  );
});

test('names of JavaScript are no names of the language', () => {
  for (const text of ['@constructor', '@constructor()', '@toString()', '@__proto__', '@pipeline().constructor', "@json('{}').toString"]) {
    expect(() => evaluateText(text, { now })).toThrow(LakesteadError);
  }
});

test('a SecureString that is no expression is not quoted', () => {
  for (const value of ['@c4n4ry', 'x@{c4n4ry', "@int('c4n4ry')"]) {
    const tree = { password: { type: 'SecureString', value } };
    const error = (() => {
      try {
        return evaluateTree(tree, { now });
      } catch (thrown) {
        return describeError(thrown);
      }
    })();
    expect(error).toMatchObject({ code: expect.stringMatching(/^EXPRESSION_/), hint: expect.stringContaining('@@') });
    expect(JSON.stringify(error)).not.toContain('c4n4ry');
  }
});

test('union and intersection tell values apart by type and depth, not by the order of keys, and take large arrays', () => {
  const evaluate = (text: string) => toPlain(evaluateText(text, { now }));
  expect(evaluate(`@union(json('[1, 1.0, "1", null, "null", [1], {"a":1,"b":2}]'), json('[1, "1", {"b":2,"a":1}, ["1"]]'))`)).toEqual([
    1, 1, '1', null, 'null', [1], { a: 1, b: 2 }, ['1'],
  ]); // prettier-ignore
  expect(evaluate(`@intersection(json('[{"a":1,"b":2}, 1, 1, "1"]'), json('["1", {"b":2,"a":1}]'))`)).toEqual([{ a: 1, b: 2 }, '1']);
  expect(evaluate('@length(union(range(1,100000),range(100001,100000)))')).toBe(200_000);
  expect(evaluate('@length(intersection(range(1,100000),range(50001,100000)))')).toBe(50_000);
  expect(Object.keys(evaluate(`@union(json('{"__proto__":{"a":1}}'), json('{"b":2}'))`) as object)).toEqual(['__proto__', 'b']);
  expect(Object.keys((evaluate("@json(xml('<a><__proto__><x>1</x></__proto__></a>'))") as { a: object }).a)).toEqual(['__proto__']);
});

test('random text is a value or an error of ours', () => {
  const piece = fc.constantFrom('@', '@{', '}', 'concat', '(', ')', "'", 'a', ',', '1', '.', '?', '[', ']', 'pipeline()', ' ', 'true', '-');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      try {
        evaluateText(pieces.join(''), { now });
      } catch (error) {
        expect(error).toBeInstanceOf(LakesteadError);
      }
    }),
    { numRuns: 3000 },
  );
});
