import type { StatementShape, VectorStream } from '#engine';

/** A value for a parameter: its text, and the engine's type that the text is cast to; `UNKNOWN` for a literal that becomes what it stands beside. */
export type ParameterValue = { readonly text: string | null; readonly type: string };

/** Statements of one connection, in the order in which they come. What they run on is the session's own. */
export type SqlSession = AsyncDisposable & {
  /** What a statement wants and gives, before it runs. The types are those of parameters that the client gave one. */
  describe(text: string, types: ReadonlyMap<number, string>, signal: AbortSignal): Promise<StatementShape>;
  /** Runs one statement; parameters by their numbers from 1. */
  run(text: string, values: ReadonlyMap<number, ParameterValue>, signal: AbortSignal): Promise<VectorStream>;
  /** A clock's difference from UTC by the session's time zone. */
  setTimeZone(zone: string): Promise<void>;
};

/** Who is known, and what is opened for whom. */
export type PgBackend = {
  /** True where anybody may come in without a password. */
  readonly isOpen: boolean;
  /** What a user's password is checked against; `undefined` where there is no such user. */
  verifierOf(user: string): Promise<string | undefined>;
  /** @throws {LakesteadError} `CONNECT_DATABASE` for a database that is not there */
  open(user: string, database: string): Promise<SqlSession>;
};
