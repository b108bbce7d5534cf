import { readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

import { expressionReference } from '../tooling/write-expression-reference.ts';

test('the page of functions is what the evaluator has: else run "node tooling/write-expression-reference.ts"', () => {
  expect(readFileSync(new URL('../docs/reference/expressions.md', import.meta.url), 'utf8')).toBe(expressionReference());
});
