import { readdirSync, readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

import { errorCodes } from '#core';

const folder = new URL('../docs/errors/', import.meta.url);

test('every error code has its page, and every page its code', () => {
  const pages = readdirSync(folder).map((name) => name.replace(/\.md$/, ''));
  expect(pages.toSorted()).toEqual(Object.keys(errorCodes).toSorted());
});

test('a page opens with its code and the sentence of the catalogue, gives an example and says what to do', () => {
  for (const [code, sentence] of Object.entries(errorCodes)) {
    const text = readFileSync(new URL(`${code}.md`, folder), 'utf8');
    expect(text.startsWith(`# ${code}\n\n${sentence}\n\n`), code).toBe(true);
    expect(text, code).toMatch(/\n```\n.+\n```\n/);
    expect(text, code).toMatch(/\n## What to do\n\n- \S/);
  }
});
