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

describe.skipIf(oracle === undefined)("Microsoft's own evaluator", () => {
  const total = count(2000, 100_000);
  const seed = 20_181;

  test(`${total} random expressions have its values and its refusals`, { timeout: 600_000 }, async () => {
    const random = seededRandom(seed);
    const differences: string[] = [];
    const seen = { same: 0, bothRefuse: 0 };
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
        } else differences.push(`${expression}\n  theirs ${theirs}\n  ours   ${own}`);
      }
    }
    keepEvidence('expressions', { seed, expressions: total, ...seen, different: differences.length });
    expect(differences).toEqual([]);
    expect(seen.same).toBeGreaterThan(total / 2);
  });
});
