import { LakesteadError } from '#core';

import type { Statement } from './split-statements.ts';

/** `DECLARE name CURSOR FOR query`. */
export type DeclaredCursor = { readonly name: string; readonly isBinary: boolean; readonly isHeld: boolean; readonly query: string };

/**
 * The parts of a DECLARE.
 *
 * @throws {LakesteadError} `SQL_SYNTAX`, `SQL_NOT_SUPPORTED` for one that scrolls back
 */
export function parseDeclare({ text }: Statement): DeclaredCursor {
  const [, quoted, plain, options = '', query] = /^\s*declare\s+(?:"((?:[^"]|"")+)"|([\p{L}_][\p{L}\p{N}_$]*))\s+((?:\w+\s+)*?)cursor\s+(?:with(?:out)?\s+hold\s+)?for\s+([\s\S]+)$/iu.exec(text) ?? []; // prettier-ignore
  if (query === undefined) throw new LakesteadError('SQL_SYNTAX', 'DECLARE is: DECLARE name CURSOR FOR query');
  if (/(?<!no\s+)\bscroll\b/i.test(options)) throw new LakesteadError('SQL_NOT_SUPPORTED', 'cursors that scroll back are not supported');
  const name = quoted?.replaceAll('""', '"') ?? (plain ?? '').toLowerCase();
  return { name, isBinary: /\bbinary\b/i.test(options), isHeld: /cursor\s+with\s+hold/i.test(text), query };
}

/**
 * Which cursor a FETCH or MOVE is about, and how many rows it takes; `undefined` for all.
 *
 * @throws {LakesteadError} `SQL_NOT_SUPPORTED` for directions other than forward
 */
export function cursorOf({ text }: Statement): { readonly name: string; readonly count: number | undefined } {
  const [, how = '', quoted, plain] = /^\s*(?:fetch|move)\s+((?:[\w+-]+\s+)*?)(?:(?:from|in)\s+)?(?:"((?:[^"]|"")+)"|([\p{L}_][\p{L}\p{N}_$]*))\s*$/iu.exec(text) ?? []; // prettier-ignore
  const name = quoted?.replaceAll('""', '"') ?? plain?.toLowerCase();
  const words = how.trim().toLowerCase().split(/\s+/).filter((word) => word !== '' && word !== 'from' && word !== 'in'); // prettier-ignore
  const [first = 'next', second] = words;
  const amount = first === 'forward' ? (second ?? 'next') : first;
  if (name === undefined || !(amount === 'next' || amount === 'all' || /^\+?\d+$/.test(amount))) {
    throw new LakesteadError('SQL_NOT_SUPPORTED', 'a cursor is read forward: FETCH [NEXT | n | ALL | FORWARD n] FROM name');
  }
  return { name, count: amount === 'all' ? undefined : amount === 'next' ? 1 : Number(amount) };
}

/** The name behind the first words of a statement. */
export function nameAfter(text: string, start: RegExp): string {
  const rest = text.replace(start, '').trim();
  const [, quoted] = /^"((?:[^"]|"")+)"$/.exec(rest) ?? [];
  return quoted?.replaceAll('""', '"') ?? rest.toLowerCase();
}
