import { mkdirSync, writeFileSync } from 'node:fs';

import { configJsonSchema } from '#config';

// Editors read the schema from the repository and the package; a test compares it with the code.
const folder = new URL('../schemas/', import.meta.url);
mkdirSync(folder, { recursive: true });
writeFileSync(new URL('lakestead.schema.json', folder), `${JSON.stringify(configJsonSchema(), undefined, 2)}\n`);
