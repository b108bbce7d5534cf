import { type CaseAnswer, evaluateCases } from './evaluate.ts';
import { parseJson } from './json.ts';

/** The answers to a text of `[{id, expression, context}]`. @throws FACTORY_INVALID for text that is no JSON */
export function evaluateCasesText(text: string, file: string): readonly CaseAnswer[] {
  return evaluateCases(parseJson(text, file).value);
}
