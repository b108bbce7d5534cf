import { readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

import { propertyReference } from '../tooling/write-property-reference.ts';

test('the page of properties is what validation has: else run "node tooling/write-property-reference.ts"', () => {
  expect(readFileSync(new URL('../docs/reference/factory-properties.md', import.meta.url), 'utf8')).toBe(propertyReference());
});
