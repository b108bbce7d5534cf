/**
 * Builds what is published into `dist/package`: compiled files, a package.json whose `imports` and `exports` point at
 * them, and the files that go along. Run by `npm run build`; `npm pack dist/package` makes the tarball.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const stage = join(root, 'dist', 'package');
rmSync(stage, { recursive: true, force: true });
const tsc = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url));
execFileSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json')], { stdio: 'inherit' });

type Manifest = Record<string, unknown> & { imports: Record<string, string>; exports: Record<string, string> };
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest; // our own file

const built = (source: string) => source.replace('./src/', './dist/').replace(/\.ts$/, '.js');
const published = {
  ...Object.fromEntries(
    ['name', 'version', 'description', 'keywords', 'license', 'type', 'engines', 'bin', 'dependencies', 'repository'].flatMap((key) =>
      manifest[key] === undefined ? [] : [[key, manifest[key]]],
    ),
  ),
  imports: Object.fromEntries(Object.entries(manifest.imports).map(([name, source]) => [name, built(source)])),
  exports: Object.fromEntries(
    Object.entries(manifest.exports).map(([name, source]) => [
      name,
      { types: built(source).replace(/\.js$/, '.d.ts'), default: built(source) },
    ]),
  ),
  files: ['bin', 'dist', 'examples', 'schemas', 'README.md', 'CHANGELOG.md', 'LICENSE'],
};
writeFileSync(join(stage, 'package.json'), `${JSON.stringify(published, undefined, 2)}\n`);
for (const name of ['bin', 'examples', 'schemas', 'README.md', 'CHANGELOG.md', 'LICENSE']) {
  const from = join(root, name);
  if (existsSync(from)) {
    cpSync(from, join(stage, name), {
      recursive: true,
      filter: (path) => !/[\\/](?:\.lakestead|lake)(?:[\\/]|$)/.test(path.slice(root.length)),
    });
  }
}
console.log(`built ${stage.slice(root.length)}`);
