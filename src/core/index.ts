export { type Clock, systemClock } from './clock.ts';
export { type ErrorCode, errorCodes } from './error-codes.ts';
export {
  assertNever,
  describeError,
  type ErrorDetails,
  type ErrorDocument,
  LakesteadError,
  reviveError,
  type SourcePlace,
} from './error.ts';
export { Limiter } from './limiter.ts';
export { type Log, silentLog } from './log.ts';
export { nearMisses } from './near-miss.ts';
export { Secret } from './secret.ts';
