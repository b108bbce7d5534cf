import type { ErrorDocument } from '#core';

/** What the commands answer: plain data, printed by `--json` as it stands. Times are ISO 8601, durations milliseconds. */

/** One run of a pipeline as `status` shows it. */
export type RunSummary = {
  readonly runId: string;
  readonly pipeline: string;
  readonly environment: string;
  readonly status: string;
  readonly startedAt: string;
  readonly endedAt?: string;
  readonly durationMs?: number;
  readonly error?: ErrorDocument;
};

export type StatusDocument = {
  readonly project: string;
  readonly environment: string;
  readonly owner: { readonly pid: number };
  readonly runs: readonly RunSummary[];
};

/** One table of the lake. `rows` is absent when the files do not say. */
export type TableSummary = {
  readonly name: string;
  readonly layer: string;
  readonly format: string;
  readonly address: string;
  readonly rows?: number;
  readonly sizeBytes: number;
  readonly files: number;
  readonly version?: number;
  /** Why the table could not be looked at; its sizes are 0 then. */
  readonly error?: ErrorDocument;
};

export type TableListDocument = readonly TableSummary[];

export type TableDocument = TableSummary & {
  readonly columns: readonly { readonly name: string; readonly type: string; readonly nullable: boolean }[];
  readonly partitionColumns?: readonly string[];
  readonly protocol?: unknown;
  /** Of a Delta table. */
  readonly features?: readonly string[];
  readonly properties?: Readonly<Record<string, string>>;
};

export type TableHistoryDocument = readonly {
  readonly version: number;
  readonly timestamp: string;
  readonly operation: string;
  readonly parameters?: unknown;
  readonly metrics?: unknown;
}[];

/** What `sql` did; the rows themselves went out as text, or are in `tables` for a person. */
export type SqlDocument = {
  readonly rowCount: number;
  readonly rowsAffected?: number;
  readonly durationMs: number;
  /** What was fetched from storage accounts meanwhile, by this and whatever else ran; left out where the lake is a folder. */
  readonly fetched?: { readonly requests: number; readonly bytes: number };
  readonly tables: readonly {
    readonly columns: readonly string[];
    readonly rows: readonly (readonly string[])[];
    readonly isCut: boolean;
  }[];
};

export type SourceLoadDocument = {
  readonly tables: readonly { readonly schema: string; readonly table: string; readonly rows: number }[];
  readonly durationMs: number;
};

/** One finding of `validate`. Findings are ordered by severity, file and line. */
export type { Finding as ValidationFinding } from '#factory';
