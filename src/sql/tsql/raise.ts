import { join, literal, sql, type Sql } from '#sql';

/**
 * An expression of the engine that fails when it is evaluated, with an error number of SQL Server. What reads the
 * engine's errors takes the number from the text: `Msg 8134: Divide by zero error encountered.`
 */
export function raise(number: number, ...message: readonly (string | Sql)[]): Sql {
  const pieces = message.map((piece) => (typeof piece === 'string' ? literal(piece) : piece));
  return sql`error(${join([literal(`Msg ${number}: `), ...pieces], ' || ')})`;
}

/** The number and the text of an error that {@link raise} made; undefined for any other. */
export function readRaised(message: string): { readonly number: number; readonly message: string } | undefined {
  const match = /^(?:Invalid Input Error: )?Msg (\d+): ([\s\S]*)$/.exec(message);
  return match === null ? undefined : { number: Number(match[1]), message: match[2] ?? '' };
}
