export {
  type CaseAnswer,
  type ActivityView,
  evaluateCases,
  evaluateText,
  evaluateTree,
  type ExpressionContext,
  referenceNames,
} from './evaluate.ts';
export type { FunctionDefinition } from './define-function.ts';
export { findFunction, functions } from './functions.ts';
export { parseJson } from './json.ts';
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
