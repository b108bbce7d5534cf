export {
  type CaseAnswer,
  type ActivityView,
  evaluateCases,
  evaluateText,
  evaluateTree,
  type ExpressionContext,
  printValue,
  referenceNames,
} from './evaluate.ts';
export { findFunction, type FunctionDefinition, functions } from './functions.ts';
export { parseJson } from './json.ts';
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
  type Value,
  type ValueObject,
} from './value.ts';
