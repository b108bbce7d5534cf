import { LakesteadError } from '#core';
import { ident, sql } from '#sql';
import { bindChange, type BoundQuery, type Query, type Statement } from '#tsql';

import { sessionScope } from './session-scope.ts';
import type { Frame, RowCapture, SessionState } from './session-state.ts';

/** Puts a result set into the capture; gives the number of its rows. */
export async function captureRows(
  state: SessionState,
  capture: RowCapture,
  { sql: query, columns }: BoundQuery,
  frame: Frame,
): Promise<bigint> {
  const name = ident('temp', 'main', capture.name);
  const { signal } = frame;
  if (capture.columns === undefined) {
    const items = columns.map((_, index) => ident(`c${index}`));
    const list = items.reduce((all, item) => sql`${all}, ${item}`);
    const { rowsChanged } = await state.lease.run(sql`CREATE TEMP TABLE ${ident(capture.name)} AS SELECT * FROM (${query}) AS q(${list})`, {
      signal,
    });
    capture.columns = columns;
    return BigInt(rowsChanged);
  }
  if (capture.firstOnly) return 0n;
  if (capture.columns.length !== columns.length)
    throw new LakesteadError('SQL_TYPE', `INSERT EXEC got a result of ${columns.length} columns after one of ${capture.columns.length}`, {
      data: { number: 213 },
    });
  const { rowsChanged } = await state.lease.run(sql`INSERT INTO ${name} ${query}`, { signal });
  return BigInt(rowsChanged);
}

/** Moves what was captured into the statement's table, converted as INSERT ... SELECT converts. */
export async function insertCaptured(
  state: SessionState,
  frame: Frame,
  statement: Statement & { kind: 'insert' },
  capture: RowCapture,
): Promise<bigint> {
  if (capture.columns === undefined) return 0n;
  const columns = capture.columns.map((column, index) => ({ ...column, name: `c${index}` }));
  const name = ident('temp', 'main', capture.name);
  const { span } = statement;
  const source: Query = {
    span, with: [], orderBy: [], offset: undefined, fetch: undefined, forClause: undefined,
    body: {
      kind: 'select', span, isDistinct: false, top: undefined, into: undefined, where: undefined, groupBy: undefined, having: undefined, windows: [],
      items: columns.map((column) => ({ expression: { kind: 'column', name: { parts: [column.name], span }, span }, alias: undefined, assign: undefined, span })),
      from: [{ kind: 'table', name: { parts: ['captured'], span }, alias: 'captured', forSystemTime: undefined, sample: undefined, span }],
    },
  }; // prettier-ignore
  const captured = { columns, sql: sql`SELECT * FROM ${name}` };
  try {
    const scope = { ...sessionScope(state, frame), findTable: async () => await Promise.resolve(captured) };
    const change = await bindChange({ ...statement, source }, scope);
    const { rowsChanged } = await state.lease.run(change.sql, { signal: frame.signal });
    return BigInt(rowsChanged);
  } finally {
    await state.lease.run(sql`DROP TABLE ${name}`);
  }
}
