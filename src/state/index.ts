export { maxJsonLength } from './json-column.ts';
export { openState } from './open-state.ts';
export type {
  ActivityEnd,
  ActivityRun,
  ActivityStart,
  ActivityStatus,
  Definition,
  Run,
  RunEnd,
  RunStart,
  RunStatus,
  State,
} from './state.ts';
