import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

import { configJsonSchema } from '#config';
import { LakesteadError } from '#core';

export type ProjectTemplate = 'adventureworks' | 'empty';

/**
 * Makes the files of a project: the demo's, or the least that a project needs. The source's data is `generateDemo`'s.
 *
 * @throws USAGE when the folder is a project already
 */
export async function createProject({ dir, template }: { readonly dir: string; readonly template: ProjectTemplate }): Promise<void> {
  if (existsSync(join(dir, 'lakestead.yaml')))
    throw new LakesteadError('USAGE', `${dir} is a project already: it has a lakestead.yaml`, { hint: 'choose another folder' });
  mkdirSync(dir, { recursive: true });
  if (template === 'adventureworks') copyExample(dir);
  else await writeEmpty(dir);
  writeSchema(dir);
}

/** Editors find the schema of lakestead.yaml beside the project's state, by the comment on its first line. */
function writeSchema(dir: string): void {
  const file = join(dir, 'lakestead.yaml');
  const text = readFileSync(file, 'utf8').replace(/^# yaml-language-server:.*\r?\n/, '');
  writeFileSync(file, `# yaml-language-server: $schema=${schemaFile}\n${text}`);
  mkdirSync(join(dir, '.lakestead'), { recursive: true });
  writeFileSync(join(dir, schemaFile), `${JSON.stringify(configJsonSchema(), undefined, 2)}\n`);
}

const schemaFile = '.lakestead/lakestead.schema.json';

/** Both `src/demo` and `dist/demo` are two folders below the package, and it carries its examples. */
function copyExample(dir: string): void {
  const example = fileURLToPath(new URL('../../examples/adventureworks', import.meta.url));
  // What a run of the example left behind is not part of it.
  const left = new Set(['.lakestead', 'lake']);
  cpSync(example, dir, { recursive: true, filter: (path) => !left.has(relative(example, path).split(sep)[0] ?? '') });
  // npm leaves files of this name out of a package.
  if (!existsSync(join(dir, '.gitignore'))) writeFileSync(join(dir, '.gitignore'), ignored);
}

const ignored = '.lakestead/\nlake/\n';

async function writeEmpty(dir: string): Promise<void> {
  for (const folder of ['factory/pipeline', 'factory/dataset', 'factory/linkedService', 'notebooks', 'sql'])
    mkdirSync(join(dir, folder), { recursive: true });
  const name = basename(dir).toLowerCase().replaceAll(/[^a-z0-9_-]+/g, '-').replaceAll(/^-+|-+$/g, '') || 'project'; // prettier-ignore
  const yaml = `name: ${JSON.stringify(name)}
factory: [factory]
environment: local
environments:
  local:
    lake: ./lake
    storage: {}
    vault: .lakestead/vault.json
    notebooks: { /Shared: ./notebooks }
`;
  writeFileSync(join(dir, 'lakestead.yaml'), yaml);
  writeFileSync(join(dir, '.gitignore'), ignored);
  await Promise.resolve();
}
