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
