import { LakesteadError } from '#core';
import { unsafeSql } from '#sql';
import { placeOf, type Statement } from '#tsql';

import type { Frame, SessionState } from './session-state.ts';
import { sqlError } from './sql-error.ts';

/** BEGIN, COMMIT and ROLLBACK TRAN: nested ones are counted, and only the outermost is a transaction of the engine. */
export async function changeTransaction(
  state: SessionState,
  frame: Frame,
  { action, name, span }: Statement & { kind: 'transaction' },
): Promise<void> {
  const place = placeOf(frame.text, span.start);
  state.rowCount = 0n;
  switch (action) {
    case 'begin':
      if (state.transactions === 0) await state.lease.run(unsafeSql('BEGIN TRANSACTION'));
      state.transactions += 1;
      return;
    case 'commit':
      if (state.transactions === 0)
        throw sqlError({
          number: 3902,
          severity: 16,
          state: 1,
          message: 'COMMIT TRANSACTION has no corresponding BEGIN TRANSACTION',
          place,
        });
      if (state.transactions === 1) await state.lease.run(unsafeSql('COMMIT'), { signal: frame.signal });
      state.transactions -= 1;
      return;
    case 'rollback':
      if (state.transactions === 0)
        throw sqlError({
          number: 3903,
          severity: 16,
          state: 1,
          message: 'ROLLBACK TRANSACTION has no corresponding BEGIN TRANSACTION',
          place,
        });
      await state.lease.run(unsafeSql('ROLLBACK'));
      state.transactions = 0;
      return;
    case 'save':
      throw new LakesteadError('SQL_NOT_SUPPORTED', `SAVE TRANSACTION ${name ?? ''} is not supported`, { place });
  }
}
