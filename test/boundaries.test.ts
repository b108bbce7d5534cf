import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

import { parseSync, Visitor } from 'oxc-parser';
import { expect, test } from 'vitest';

// The folders of src/, lowest first: an arrow may only point to a folder that stands earlier. `docs/design/main-job.md` says what each is.
const order = [
  'core', 'config', 'state', 'sql', 'sql/tsql', 'sql/delta', 'engine', 'storage', 'delta', 'catalog', 'access', 'warehouse', 'connectors',
  'notebooks', 'factory', 'serve', 'demo', 'project', 'owner', 'cli',
]; // prettier-ignore
const src = fileURLToPath(new URL('../src', import.meta.url));
const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { imports: Record<string, string> };

type Arrow = { readonly from: string; readonly to: string; readonly specifier: string };

/** The folder of `order` that owns a path relative to src; the package's own door `index.ts` owns itself. */
function folderOf(path: string): string {
  const posix = path.split(sep).join('/');
  return order.findLast((folder) => posix.startsWith(`${folder}/`)) ?? posix;
}

function importsOf(file: string): string[] {
  const found: string[] = [];
  const add = (node: { type: string; value?: unknown } | null | undefined) => {
    if (typeof node?.value === 'string') found.push(node.value);
  };
  const { program } = parseSync(file, readFileSync(file, 'utf8'));
  new Visitor({
    ImportDeclaration: (node) => add(node.source),
    ExportNamedDeclaration: (node) => add(node.source),
    ExportAllDeclaration: (node) => add(node.source),
    ImportExpression: (node) => add(node.source),
    TSImportType: (node) => add(node.source),
    NewExpression: (node) => {
      const [path] = node.arguments;
      if (
        node.callee.type === 'Identifier' &&
        node.callee.name === 'URL' &&
        path?.type === 'Literal' &&
        /\.[cm]?[jt]s$/.test(String(path.value))
      )
        add(path);
    },
  }).visit(program);
  return found;
}

const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
const arrows: Arrow[] = files.flatMap((file) =>
  importsOf(join(src, file)).map((specifier) => ({
    from: file.split(sep).join('/'),
    to: specifier.startsWith('.')
      ? relative(src, resolve(src, dirname(file), specifier))
          .split(sep)
          .join('/')
      : specifier,
    specifier,
  })),
);

test('every folder of src has its place in the order, and a door', () => {
  const folders = [...new Set(files.map((file) => folderOf(file)))].filter((name) => name !== 'index.ts');
  expect(folders.filter((name) => !order.includes(name))).toEqual([]);
  expect(folders.filter((name) => name !== 'cli' && !existsSync(join(src, name, 'index.ts')))).toEqual([]);
});

test('a folder is entered through its door only', () => {
  const sideways = arrows.filter(
    ({ from, to, specifier }) =>
      specifier.startsWith('.') && !to.startsWith('..') && folderOf(from) !== folderOf(to) && from !== 'index.ts',
  );
  expect(sideways.map(({ from, to }) => `${from} -> ${to}`)).toEqual([]);
});

test('arrows point downward', () => {
  const upward = arrows.filter(({ from, specifier }) => {
    const target = manifest.imports[specifier];
    if (!specifier.startsWith('#') || from === 'index.ts' || from.endsWith('.test.ts')) return false;
    if (target === undefined) return true;
    return order.indexOf(folderOf(target.replace('./src/', ''))) >= order.indexOf(folderOf(from));
  });
  expect(upward.map(({ from, specifier }) => `${from} -> ${specifier}`)).toEqual([]);
});
