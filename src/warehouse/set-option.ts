import { LakesteadError } from '#core';
import { placeOf, type Statement } from '#tsql';

import type { Frame, SessionState } from './session-state.ts';

/** The only value that means here what it means in SQL Server. */
const onlyValue: Readonly<Record<string, string>> = {
  ANSI_NULLS: 'ON', ANSI_PADDING: 'ON', CONCAT_NULL_YIELDS_NULL: 'ON', QUOTED_IDENTIFIER: 'ON', ANSI_DEFAULTS: 'ON', ANSI_WARNINGS: 'ON', ARITHABORT: 'ON',
  ROWCOUNT: '0', DATEFIRST: '7', DATEFORMAT: 'MDY', LANGUAGE: 'US_ENGLISH', FMTONLY: 'OFF', NOEXEC: 'OFF', PARSEONLY: 'OFF', IMPLICIT_TRANSACTIONS: 'OFF',
  SHOWPLAN_ALL: 'OFF', SHOWPLAN_TEXT: 'OFF', SHOWPLAN_XML: 'OFF', FORCEPLAN: 'OFF', ARITHIGNORE: 'OFF', NUMERIC_ROUNDABORT: 'OFF',
}; // prettier-ignore

/** SET of an option: those that change results are refused with any value but the one that holds here. */
export function setOption(state: SessionState, frame: Frame, { options, value, span }: Statement & { kind: 'setOption' }): void {
  for (const option of options) {
    if (option === 'NOCOUNT') state.noCount = value.toUpperCase() === 'ON';
    const only = onlyValue[option];
    const isRefused = only === undefined ? option.startsWith('IDENTITY_INSERT') : value.toUpperCase().replaceAll('-', '') !== only;
    if (isRefused) {
      throw new LakesteadError('SQL_NOT_SUPPORTED', `SET ${option} ${value} is not supported`, {
        place: placeOf(frame.text, span.start),
        ...(only === undefined ? {} : { hint: `${option} is always ${only} here` }),
      });
    }
  }
  state.rowCount = 0n;
}
