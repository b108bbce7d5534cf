/** Writes docs/reference/expressions.md from the table that the evaluator uses. A test compares the page with it. */
import { writeFileSync } from 'node:fs';

import { functions } from '#factory';

/** The page of all functions, in the order of their names. */
export function expressionReference(): string {
  const rows = Object.values(functions)
    .toSorted((a, b) => (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1))
    .map(
      ({ signature, about, example: [expression, value] }) =>
        `| \`${signature}\` | ${about} | \`${expression}\` | ${value === 'error' ? 'refused' : `\`${value}\``} |`,
    );
  return `# Data Factory's expression functions

Made by \`node tooling/write-expression-reference.ts\` from the table that the evaluator uses; a test runs every example.
Besides these: \`pipeline()\`, \`activity('name')\`, \`variables('name')\`, \`item()\`, \`dataset()\`, \`linkedService()\`, \`trigger()\`.

| function | does | example | gives |
|---|---|---|---|
${rows.join('\n')}
`;
}

if (import.meta.main) writeFileSync(new URL('../docs/reference/expressions.md', import.meta.url), expressionReference());
