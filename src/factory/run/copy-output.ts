import { Float, type ValueObject } from '../expression/index.ts';
import type { BoundDataset } from './resolve-dataset.ts';

/** What a Copy did, measured. `rows` is undefined for files that were copied as they are. */
export type CopyFacts = {
  readonly input: BoundDataset;
  readonly output: BoundDataset;
  readonly startedAt: Date;
  /** Until the source was open and its first rows could come. */
  readonly openMs: number;
  readonly totalMs: number;
  readonly rows: number | undefined;
  /** Undefined where rows only went from one database of the engine to another. */
  readonly bytesRead: number | undefined;
  readonly bytesWritten: number | undefined;
  /** Undefined for a database. */
  readonly filesRead: number | undefined;
  readonly filesWritten: number | undefined;
};

/**
 * The output of a Copy by Data Factory's names. Durations are whole seconds, at least 1 of a Copy; throughput is KB/s. Nothing is
 * billed and no data integration units are used here, so `billingReference` and `usedDataIntegrationUnits` are absent, as
 * the latter is for a self-hosted runtime.
 *
 * @see "Monitor copy activity" of Data Factory's documentation
 */
export function describeCopy(facts: CopyFacts): ValueObject {
  const { input, output, startedAt, openMs, totalMs, rows, bytesRead, bytesWritten, filesRead, filesWritten } = facts;
  const isOfFiles = filesRead !== undefined && filesWritten !== undefined && rows === undefined;
  const seconds = totalMs / 1000;
  const duration = BigInt(Math.max(1, Math.ceil(seconds)));
  const whole = (ms: number) => BigInt(Math.floor(ms / 1000));
  const working = (type: string, ms: number): ValueObject => ({ type, workingDuration: whole(ms) });
  const [from, to] = [input.linkedService.type, output.linkedService.type];
  return {
    ...(bytesRead === undefined ? {} : { dataRead: BigInt(bytesRead) }),
    ...(bytesWritten === undefined ? {} : { dataWritten: BigInt(bytesWritten) }),
    ...(filesRead === undefined ? {} : { filesRead: BigInt(filesRead) }),
    ...(filesWritten === undefined ? {} : { filesWritten: BigInt(filesWritten) }),
    sourcePeakConnections: 1n,
    sinkPeakConnections: 1n,
    ...(rows === undefined ? {} : { rowsRead: BigInt(rows), rowsCopied: BigInt(rows) }),
    copyDuration: duration,
    ...(bytesRead === undefined ? {} : { throughput: new Float(seconds === 0 ? 0 : Number((bytesRead / 1024 / seconds).toFixed(3))) }),
    errors: [],
    effectiveIntegrationRuntime: 'lakestead',
    usedParallelCopies: 1n,
    executionDetails: [
      {
        source: { type: from },
        sink: { type: to },
        status: 'Succeeded',
        start: startedAt.toISOString(),
        duration,
        usedParallelCopies: 1n,
        profile: {
          queue: { status: 'Completed', duration: 0n },
          transfer: {
            status: 'Completed',
            duration,
            details: {
              readingFromSource: working(from, isOfFiles ? totalMs : openMs),
              writingToSink: working(to, totalMs - openMs),
            },
          },
        },
        detailedDurations: { queuingDuration: 0n, ...(isOfFiles ? {} : { timeToFirstByte: whole(openMs) }), transferDuration: duration },
      },
    ],
    dataConsistencyVerification: { VerificationResult: 'NotVerified' },
    durationInQueue: { integrationRuntimeQueue: 0n },
  };
}
