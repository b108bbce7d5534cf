import type { DeletionVectorDescriptor } from './actions.ts';

/**
 * The data files of a version as columns, one entry a file: `paths[i]` has `sizes[i]` bytes. Never an object a file, so
 * that a table of 300,000 files stays small.
 */
export type LiveFiles = {
  readonly count: number;
  readonly totalBytes: number;
  /** About how much memory the columns take: the characters of their texts, and a little for each file. */
  readonly memoryBytes: number;
  /** Decoded: relative to the table's folder, or absolute. */
  readonly paths: readonly string[];
  readonly sizes: readonly number[];
  /** Milliseconds since 1970. */
  readonly modificationTimes: readonly number[];
  /** By partition column (in the metadata's order), then by file; null is the null partition. */
  readonly partitionValues: readonly (readonly (string | null)[])[];
  /** The statistics as JSON text, null where the writer left them out. */
  readonly stats: readonly (string | null)[];
  /** Paths as the log spells them, by the file's index, where that is not how we would: a remove must repeat them exactly. */
  readonly spelledPaths: ReadonlyMap<number, string>;
  /** Deletion vectors by the file's index. */
  readonly deletionVectors: ReadonlyMap<number, DeletionVectorDescriptor>;
  /** Rarely used fields of `add` (`tags`, `baseRowId` ...) by the file's index, kept for checkpoints. */
  readonly extras: ReadonlyMap<number, Readonly<Record<string, unknown>>>;
  /** Files of the version that are not listed here, since a scan's filter left them out as they were read. Absent where all are listed. */
  readonly leftOut?: LeftOut | undefined;
};

/** How many files, and of how many bytes, were left out: by their partitions, and by their statistics. */
type LeftOut = { readonly files: number; readonly bytes: number; readonly byPartition: number; readonly byStatistics: number };

/** How many files a version has, listed or not, and their bytes. */
export function totalOf({ count, totalBytes, leftOut }: LiveFiles): { readonly files: number; readonly bytes: number } {
  return { files: count + (leftOut?.files ?? 0), bytes: totalBytes + (leftOut?.bytes ?? 0) };
}
