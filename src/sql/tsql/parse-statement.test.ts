import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { LakesteadError } from '#core';
import { type Expression, parseBatch, splitBatches } from '#tsql';

import { findSharedData } from '../../../test/support/shared-data.ts';

const data = findSharedData('tsql');

/** An expression as text with a parenthesis around every operation: shows what binds to what. */
function shape(expression: Expression): string {
  switch (expression.kind) {
    case 'binaryOperation':
      return `(${shape(expression.left)}${expression.operator}${shape(expression.right)})`;
    case 'unary':
      return `(${expression.operator}${shape(expression.operand)})`;
    case 'number':
      return expression.text;
    case 'column':
      return expression.name.parts.join('.');
    default:
      return expression.kind;
  }
}

function selected(text: string): string {
  const [statement] = parseBatch(`SELECT ${text}`);
  if (statement?.kind !== 'query' || statement.query.body.kind !== 'select') throw new Error('no select');
  return statement.query.body.items.map((item) => shape(item.expression)).join(', ');
}

describe('precedence', () => {
  for (const [text, expected] of [
    ['1 | 2 + 3', '((1|2)+3)'],
    ['1 - 2 & 3 ^ 4', '(((1-2)&3)^4)'],
    ['1 + 2 * 3 % 4', '(1+((2*3)%4))'],
    ['-1 * ~2 + 3', '(((-1)*(~2))+3)'],
    ['a / b * c', '((a/b)*c)'],
  ] as const) {
    test(`${text} is ${expected}`, () => expect(selected(text)).toBe(expected));
  }

  test('INTERSECT binds tighter than UNION', () => {
    const [statement] = parseBatch('SELECT 1 UNION SELECT 2 INTERSECT SELECT 3');
    expect(statement).toMatchObject({ query: { body: { operator: 'UNION', right: { operator: 'INTERSECT' } } } });
  });
});

describe.skipIf(data === undefined)('the texts written for a parser', () => {
  const batches =
    data === undefined
      ? []
      : readFileSync(join(data, 'statements.sql'), 'utf8')
          .split(/^--: /m)
          .slice(1)
          .map((part) => {
            const [head = '', ...rest] = part.split('\n');
            return { id: head.trim(), text: rest.join('\n').replace(/\nGO\s*$/, '') };
          });
  const forms = data === undefined ? {} : (JSON.parse(readFileSync(join(data, 'forms.json'), 'utf8')) as Record<string, string[]>);

  for (const { id, text } of batches) {
    test(`${id} is ${id.startsWith('054') ? 'refused' : 'parsed, or refused by its name'}`, () => {
      try {
        expect(parseBatch(text).length).toBeGreaterThan(0);
        expect(id.startsWith('054')).toBe(false);
      } catch (error) {
        if (!(error instanceof LakesteadError)) throw error;
        expect(error.place).toMatchObject({ line: expect.any(Number), column: expect.any(Number) });
        if (!id.startsWith('054')) expect(error.code).toBe('SQL_NOT_SUPPORTED');
      }
    });
  }
  for (const text of forms['notTsql'] ?? []) test(`${text} is no T-SQL`, () => expect(() => parseBatch(text)).toThrow(LakesteadError));
  for (const text of forms['otherMeaning'] ?? []) {
    test(`${text} has T-SQL's meaning or none`, () => {
      try {
        expect(parseBatch(text)).toHaveLength(1);
      } catch (error) {
        expect(error).toBeInstanceOf(LakesteadError);
      }
    });
  }
  for (const text of forms['twoStatements'] ?? []) test(`${text} is two statements`, () => expect(parseBatch(text)).toHaveLength(2));
});

test('random text is parsed or refused with a place, and never exhausts the stack', () => {
  const words = fc.constantFrom(
    'SELECT',
    '(',
    ')',
    'a',
    '1',
    "'x'",
    '+',
    'FROM',
    'CASE',
    'WHEN',
    'BEGIN',
    'END',
    'IF',
    '@v',
    '=',
    ',',
    'NOT',
    '[',
    'AND',
    ';',
    'WITH',
    'AS',
    '.',
    '/*',
  );
  const refuse = (text: string) => {
    try {
      parseBatch(text);
    } catch (error) {
      expect(error).toBeInstanceOf(LakesteadError);
    }
  };
  fc.assert(
    fc.property(fc.array(words, { maxLength: 60 }), (parts) => refuse(parts.join(' '))),
    { numRuns: 2000 },
  );
  fc.assert(fc.property(fc.string({ unit: 'binary' }), refuse), { numRuns: 500 });
  for (const piece of ['(', 'SELECT (', 'NOT ', '- ', 'CASE WHEN ', 'BEGIN ', 'IF 1=1 ', 'SELECT * FROM ('])
    refuse(`SELECT ${piece.repeat(20_000)}`);
});

test('GO splits a script outside strings and comments, and may repeat', () => {
  const script = "SELECT 'a\nGO\nb'\n/* \nGO\n*/\ngo\nPRINT 1\nGO 3 -- three times\nSELECT 2";
  expect(splitBatches(script).map(({ text, count }) => [text.trim().slice(0, 8), count])).toEqual([
    ["SELECT '", 1],
    ['PRINT 1', 3],
    ['SELECT 2', 1],
  ]);
});
