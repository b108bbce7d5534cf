/** Writes docs/reference/factory-properties.md from the tables that validation uses. A test compares the page with them. */
import { writeFileSync } from 'node:fs';

import { type KindOfProperties, propertyTables } from '#factory';

const list = (names: readonly string[]) => names.map((name) => `\`${name}\``).join(', ');

/** The page of all properties that are known. */
export function propertyReference(): string {
  const kinds = Map.groupBy(propertyTables(), ({ kind }: KindOfProperties) => kind);
  const sections = [...kinds].map(
    ([kind, types]) => `## ${kind[0]?.toUpperCase()}${kind.slice(1)}

| type | acts | no effect here |
|---|---|---|
${types.map(({ type, acts, withoutEffect }) => `| \`${type}\` | ${list(acts)} | ${list(withoutEffect)} |`).join('\n')}
`,
  );
  return `# Properties of a factory's JSON

Made by \`node tooling/write-property-reference.ts\` from the tables that \`lakestead validate\` uses.

A property acts (or names and describes its part); or it is known and has no effect here, which \`validate\` says as information; or it is refused by name, with
what was probably meant. Refused is all that does not stand on this page, unless it is off: null, false, empty.

${sections.join('\n')}`;
}

if (import.meta.main) writeFileSync(new URL('../docs/reference/factory-properties.md', import.meta.url), propertyReference());
