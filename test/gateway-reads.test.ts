import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

import { parseSync, Visitor } from 'oxc-parser';
import { expect, test } from 'vitest';

const src = fileURLToPath(new URL('../src', import.meta.url));

/** What reading is made of: these stand below the gateway or are the gateway. */
const readers = ['access/', 'catalog/', 'delta/', 'storage/'];

/** Names of #delta, #catalog and node:fs that lead from a place to its data, or to what is known of it. */
const opening = new Set([
  'tableToSql', 'planToSql', 'tableRelation', 'createReadStream', 'openTable', 'findTable', 'describeTable', 'openCatalog', 'checkTable',
]); // prettier-ignore

/** Methods of a store, a snapshot and a table that do. */
const methods = new Set(['readable', 'scan', 'changes']);

/** Methods that do where it is a store that has them. */
const storeMethods = new Set(['get', 'find', 'entries', 'list']);

/** Functions of the engine that read a file by its path, and a path in the place of a table. */
const fileInSql = /\b(?:(?:read|parquet)_\w+|sniff_csv|glob)\(|\bfrom\s+(?:'|\$\{literal\()/gi;

/** Every other file that has any of these, what it has, and why it goes around no gateway. */
const allowed: Readonly<Record<string, { readonly has: readonly string[]; readonly why: string }>> = {
  'factory/run/file-format.ts': { has: ['read_csv(', 'read_json(', 'read_parquet('], why: 'its paths are those that readFiles got from the gateway' },
  'factory/run/read-bytes.ts': { has: ['createReadStream'], why: 'its path is the one that the gateway gave it' },
  'factory/run/write-files.ts': { has: ['parquet_metadata('], why: 'the footer of a file that this Copy has staged and not published yet' },
  'project/delta-sql.ts': { has: ['.entries', 'openCatalog'], why: 'makes the catalog of one table, which it gives to its gateway' },
  'project/delta-upkeep.ts': { has: ['checkTable', 'openTable'], why: 'upkeep of a folder of this machine or a URL: writers, and a check that gives out no rows' },
  'project/lake-context.ts': { has: ['openTable'], why: 'for statements that write, which take the schema that they write to' },
  'project/lake-place-statement.ts': { has: ['openTable'], why: 'a clone takes the log of its source, and no rows' },
  'project/notebook-port.ts': { has: ['read_parquet('], why: 'its paths are those that the gateway gave it' },
  'project/project.ts': { has: ['openCatalog'], why: 'gives it to the gateway' },
  'project/serve-command.ts': { has: ['openCatalog'], why: 'gives it to the gateway of the sessions that it serves' },
  'project/table-commands.ts': { has: ['openCatalog'], why: 'gives it to a gateway: a folder of this machine without a project' },
  'project/validate-target.ts': { has: ['openCatalog'], why: 'gives it to a gateway: a project that no process owns' },
  'warehouse/lake-relation.ts': { has: ['read_csv(', 'read_parquet(', 'read_text('], why: 'its paths are those that open-rowset.ts and session-scope.ts got from the gateway' },
  'warehouse/source-csv.ts': { has: ['createReadStream', 'read_csv('], why: 'files of the user on the way into an embedded database: not in the lake' },
}; // prettier-ignore

/** What a file has that leads to data. */
function findReads(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  const found = new Set<string>();
  const addSql = (start: number, end: number) => {
    for (const [name] of text.slice(start, end).matchAll(fileInSql)) found.add(name);
  };
  new Visitor({
    ImportSpecifier: ({ imported }) => {
      const name = imported.type === 'Identifier' ? imported.name : imported.value;
      if (opening.has(name)) found.add(name);
    },
    CallExpression: ({ callee }) => {
      if (callee.type !== 'MemberExpression' || callee.computed || callee.property.type !== 'Identifier') return;
      const { name } = callee.property;
      const isStore = callee.object.type === 'Identifier' ? callee.object.name === 'store' : isStoreOf(callee.object);
      if (methods.has(name) || (storeMethods.has(name) && isStore)) found.add(`.${name}`);
    },
    TemplateLiteral: ({ start, end }) => addSql(start, end),
    Literal: ({ value, start, end }) => {
      if (typeof value === 'string') addSql(start + 1, end - 1);
    },
  }).visit(parseSync(file, text).program);
  return [...found].toSorted();
}

function isStoreOf(object: { readonly type: string; readonly property?: unknown }): boolean {
  const { property } = object;
  return typeof property === 'object' && property !== null && 'name' in property && property.name === 'store';
}

const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .map((name) => name.split(sep).join('/'))
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));

test('nobody but the gateway leads from a place in the lake to its data, or to what is known of it', () => {
  const elsewhere = files
    .filter((name) => !readers.some((folder) => name.startsWith(folder)))
    .flatMap((name) => {
      const has = findReads(join(src, name));
      return has.length === 0 ? [] : [[name, has] as const];
    });
  expect(Object.fromEntries(elsewhere)).toEqual(Object.fromEntries(Object.entries(allowed).map(([name, { has }]) => [name, has])));
});

test('what leads to data is seen where it is', () => {
  expect(findReads(join(src, 'access/open-gateway.ts'))).toEqual([
    '.changes',
    '.entries',
    '.find',
    '.list',
    '.readable',
    '.scan',
    'openTable',
  ]);
  expect(findReads(join(src, 'catalog/open-catalog.ts'))).toEqual([
    '.changes',
    '.find',
    '.readable',
    '.scan',
    'describeTable',
    'openTable',
    'planToSql',
    'read_parquet(',
  ]);
  expect(findReads(join(src, 'delta/log-segment.ts'))).toEqual(['.get', '.list']);
});

test('whoever asks the gateway for paths says for whom it reads', () => {
  const asking = files.filter((name) => !name.startsWith('access/') && readFileSync(join(src, name), 'utf8').includes('.resolveLake('));
  expect(asking).toEqual(
    expect.arrayContaining(['factory/run/delta-source.ts', 'factory/run/read-bytes.ts', 'factory/run/read-source.ts', 'project/notebook-port.ts']), // prettier-ignore
  );
  expect(asking.filter((name) => !readFileSync(join(src, name), 'utf8').includes('ownerPrincipal'))).toEqual([]);
});
