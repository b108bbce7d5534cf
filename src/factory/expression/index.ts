export {
  type CaseAnswer,
  type ActivityView,
  evaluateCases,
  evaluateText,
  evaluateTree,
  type ExpressionContext,
  referenceNames,
  unquoted,
} from './evaluate.ts';
export type { FunctionDefinition } from './define-function.ts';
export { toEpochMs } from './date-time.ts';
export { findFunction, functions } from './functions.ts';
export { parseJson } from './json.ts';
export { parseTimestamp } from './parse-timestamp.ts';
export { printValue } from './print-value.ts';
export { type Node, parseText } from './parse.ts';
export {
  Float,
  formatExactJson,
  formatValue,
  isArray,
  isObject,
  property,
  toPlain,
  toValue,
  typeName,
  type Value,
  type ValueObject,
} from './value.ts';
