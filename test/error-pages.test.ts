import { readdirSync, readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

import { errorCodes } from '#core';

const folder = new URL('../docs/errors/', import.meta.url);

test('every error code has its page, and every page its code', () => {
  const pages = readdirSync(folder).map((name) => name.replace(/\.md$/, ''));
  expect(pages.toSorted()).toEqual(Object.keys(errorCodes).toSorted());
});

for (const [code, sentence] of Object.entries(errorCodes)) {
  test(`the page of ${code} opens with the catalogue's sentence, gives an example and says what to do`, () => {
    const text = readFileSync(new URL(`${code}.md`, folder), 'utf8');
    expect(text.slice(0, text.indexOf(sentence) + sentence.length)).toBe(`# ${code}\n\n${sentence}`);
    expect(text).toMatch(/\n```\n.+\n```\n/);
    expect(text).toMatch(/\n## What to do\n\n- \S/);
  });
}
