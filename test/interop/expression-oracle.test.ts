import { afterAll, describe, expect, test } from 'vitest';

import { LakesteadError } from '#core';
import { evaluateText, formatValue } from '#factory';

import { requireOrSkip } from '../services/availability.ts';
import { type OracleAnswer, startExpressionOracle } from '../services/expression-oracle.ts';
import { count, keepEvidence } from '../support/evidence.ts';
import { randomExpression, seededRandom } from '../support/random-expression.ts';
import { readOracleValue } from '../support/oracle-value.ts';

const oracle = requireOrSkip(
  "Microsoft's evaluator of expressions",
  await startExpressionOracle(),
  'node test/services/expression-oracle.ts',
);
afterAll(async () => await oracle?.[Symbol.asyncDispose]());

const refused = 'refused';

function ours(expression: string): string {
  try {
    return formatValue(evaluateText(expression, { now: new Date() }));
  } catch (error) {
    if (error instanceof LakesteadError) return refused;
    throw error;
  }
}

/** Where the evaluator is not what Azure documents, or what we promise: each difference has its reason. */
const explained: readonly (readonly [reason: string, applies: (expression: string, theirs: string, ours: string) => boolean])[] = [
  // Its .NET finds narrow blanks before AM and PM in the ICU of the machine; Azure's Windows has plain ones.
  ['narrow blanks', (_, theirs, own) => theirs.replaceAll('\u202f', ' ') === own],
  // It takes int() through a double: beyond 2^53 it rounds, and the last integers do not fit. Integers are exact to 64 bits here.
  ['int() beyond 2^53', (expression) => /\bint\(/i.test(expression) && /\d{16,}/.test(expression)],
  // A time without a day is of today, a day without a year of this year: an answer that changes over night is refused here.
  ['a part of a date', (_, theirs, own) => own === refused && theirs.includes(String(new Date().getFullYear()))],
];

describe.skipIf(oracle === undefined)("Microsoft's own evaluator", () => {
  const total = count(2000, 100_000);
  const seed = 20_181;

  test(`${total} random expressions have its values and its refusals`, { timeout: 600_000 }, async () => {
    const random = seededRandom(seed);
    const differences: string[] = [];
    const seen = { same: 0, bothRefuse: 0, explained: 0 };
    for (let done = 0; done < total; done += 500) {
      const expressions = Array.from({ length: Math.min(500, total - done) }, () => randomExpression(random));
      const answers: readonly OracleAnswer[] = (await oracle?.evaluate(expressions.map((expression) => ({ expression })))) ?? [];
      for (const [index, expression] of expressions.entries()) {
        const answer = answers[index];
        const theirs = answer !== undefined && 'value' in answer ? formatValue(readOracleValue(answer.value)) : refused;
        const own = ours(expression);
        if (own === theirs) {
          if (own === refused) seen.bothRefuse += 1;
          else seen.same += 1;
        } else if (explained.some(([, applies]) => applies(expression, theirs, own))) seen.explained += 1;
        else differences.push(`${expression}\n  theirs ${theirs}\n  ours   ${own}`);
      }
    }
    keepEvidence('expressions', { seed, expressions: total, ...seen, different: differences.length });
    expect(differences).toEqual([]);
    expect(seen.same).toBeGreaterThan(total / 2);
  });
});
