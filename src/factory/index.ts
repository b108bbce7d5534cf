export {
  type CaseAnswer,
  evaluateText,
  evaluateTree,
  type ExpressionContext,
  Float,
  formatExactJson,
  formatValue,
  functions,
  type FunctionDefinition,
  type Value,
  type ValueObject,
  toPlain,
  toValue,
} from './expression/index.ts';
export { evaluateCasesText as evaluateCases } from './expression/cases.ts';
export type { Activity, Dataset, Factory, FactoryFolder, Finding, LinkedService, Pipeline } from './load/factory.ts';
export { findPipeline, type LoadedFactory, loadFactory } from './load/load-factory.ts';
export type { EffectiveService, RunEvent, RunPorts, RunRecorder } from './run/ports.ts';
export { runPipeline } from './run/run-pipeline.ts';
export type { ActivityFailure, ActivityRun, PipelineRun, RunOptions } from './run/run-types.ts';
export { type Target, targets, validateTarget } from './validate/targets.ts';
export { validateFactory } from './validate/validate-factory.ts';
export { type KindOfProperties, propertyTables } from './validate/property-tables.ts';
