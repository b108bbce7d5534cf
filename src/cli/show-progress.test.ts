import { stripVTControlCharacters } from 'node:util';

import { expect, test } from 'vitest';

import { showProgress } from './show-progress.ts';

test('what comes from outside moves no cursor and forges no line', () => {
  const notes: string[] = [];
  using progress = showProgress({
    isInteractive: false,
    columns: 80,
    note: (line: string) => void notes.push(stripVTControlCharacters(line)),
    live: () => {},
  });
  const event = { kind: 'activityFinished', path: ['p', 'loop', '0'], name: 'Copy', type: 'Copy', durationMs: 1 };
  progress.tell({ ...event, status: 'Succeeded', item: 'a\u001B]0;owned\u0007\u001B[2Jb' });
  progress.tell({ ...event, status: 'Failed', error: 'X: first\n\u009B2Jsecond' });
  expect(notes[0]).toContain('a\uFFFD]0;owned\uFFFD\uFFFD[2Jb');
  expect(notes[1]).toContain('X: first\n\uFFFD2Jsecond');
});
