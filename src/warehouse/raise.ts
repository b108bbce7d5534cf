import { LakesteadError } from '#core';
import { placeOf, type Statement } from '#tsql';

import { evaluate, evaluateAs, evaluateText } from './evaluate.ts';
import type { Frame, SessionState } from './session-state.ts';
import { formatMessage, sqlError } from './sql-error.ts';
import type { SessionResult } from './types.ts';

/**
 * RAISERROR. Severity 10 and below is a message. Above, inside TRY, it is thrown; outside it the batch goes on, and the
 * first such error is what the batch fails with at its end; from 20 on the batch ends at once.
 */
export async function raiseError(
  state: SessionState,
  frame: Frame,
  statement: Statement & { kind: 'raiserror' },
): Promise<SessionResult | undefined> {
  const [messageArgument, severityArgument, stateArgument, ...args] = statement.args;
  const place = placeOf(frame.text, statement.span.start);
  if (messageArgument === undefined || severityArgument === undefined || stateArgument === undefined)
    throw new LakesteadError('SQL_SYNTAX', 'RAISERROR takes a message, a severity and a state', { place });
  const [first] = await evaluate(state, frame, [messageArgument]);
  if (first !== undefined && ['int', 'smallint', 'tinyint', 'bigint'].includes(first.type.name))
    throw new LakesteadError('SQL_NOT_SUPPORTED', 'RAISERROR of a message number of sys.messages is not supported', {
      place,
      hint: 'give it the text of the message',
    });
  const format = (await evaluateText(state, frame, messageArgument)) ?? '';
  const severity = Number((await evaluateAs(state, frame, severityArgument, { name: 'int' })).value ?? 0);
  const itsState = Number((await evaluateAs(state, frame, stateArgument, { name: 'int' })).value ?? 1);
  const values = (await evaluate(state, frame, args)).map(({ value }) =>
    value === null ? null : typeof value === 'number' ? BigInt(Math.trunc(value)) : typeof value === 'bigint' ? value : String(value),
  );
  const message = formatMessage(format, values);
  const level = Math.max(0, severity);
  state.rowCount = 0n;
  if (level <= 10) {
    state.errorNumber = 0;
    return { kind: 'message', text: message, number: 50_000, severity: level, state: itsState };
  }
  const error = sqlError({ number: 50_000, severity: level, state: itsState, message, place, procedure: frame.procedure });
  if (state.tries > 0 || level >= 20) throw error;
  state.errorNumber = 50_000;
  state.pending ??= error;
  return undefined;
}

/** The error that THROW throws: the caught one again, or a new one of severity 16. */
export async function throwError(state: SessionState, frame: Frame, statement: Statement & { kind: 'throw' }): Promise<LakesteadError> {
  const place = placeOf(frame.text, statement.span.start);
  const [numberArgument, messageArgument, stateArgument] = statement.args;
  if (numberArgument === undefined || messageArgument === undefined || stateArgument === undefined)
    return (
      state.caught.at(-1) ??
      new LakesteadError('SQL_SYNTAX', 'THROW without arguments stands in a CATCH block only', { place, data: { number: 10_704 } })
    );
  const number = Number((await evaluateAs(state, frame, numberArgument, { name: 'int' })).value ?? 0);
  if (number < 50_000)
    return sqlError({
      number: 35_100,
      severity: 16,
      state: 10,
      message: `error number ${number} of THROW is not in the range 50000 to 2147483647`,
      place,
    });
  const message = (await evaluateText(state, frame, messageArgument)) ?? '';
  const itsState = Number((await evaluateAs(state, frame, stateArgument, { name: 'int' })).value ?? 1);
  return sqlError({ number, severity: 16, state: itsState, message, place, procedure: frame.procedure });
}
