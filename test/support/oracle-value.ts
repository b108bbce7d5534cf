import { evaluateText, type Value } from '#factory';

/** The value in an answer of the evaluator, `{"result": ...}`. Integers stay exact. */
export function readOracleValue(json: string): Value {
  return evaluateText(`@json('${json.replaceAll("'", "''")}').result`, { now: new Date(0) });
}
