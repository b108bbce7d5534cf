import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type Engine, openDuckdbEngine } from '#engine';
import { type NotebookPort, runNotebook, WorkerShelf } from '#notebooks';
import { sql } from '#sql';

const folder = mkdtempSync(join(tmpdir(), 'lakestead notebooks '));
const save = (name: string, text: string) => {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
};

let engine: Engine;
const written: Record<string, unknown> = {};
const port: NotebookPort = {
  tables: async () => ['a', 'b'],
  read: async (path) => ({
    sql: sql`SELECT ${path}::VARCHAR AS "path", 42::INTEGER AS "the answer"`,
    columns: [
      { name: 'path', type: 'VARCHAR' },
      { name: 'the answer', type: 'INTEGER' },
    ],
  }),
  write: async (path, query) => {
    written[path] = await engine.withLease((lease) => lease.rows(query));
    return { rows: 1, bytes: 10, version: 0 };
  },
  query: async (query) => await engine.withLease((lease) => lease.rows(query)),
};
beforeAll(async () => {
  engine = await openDuckdbEngine({ threads: 1 });
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

test('a notebook in TypeScript reads, writes by SQL, logs and exits with a value', async () => {
  const file = save(
    'bronze to silver.ts',
    `type Row = { a: number };
export default async ({ lake, sql, parameters, log, exit }: any) => {
  const source = await lake.read('bronze/x');
  const columns = source.columns.map((column: { name: string }) => sql.ident(column.name));
  await lake.write('silver/x', sql\`SELECT \${sql.join(columns)}, \${"it's"} AS "q", \${7n}::BIGINT AS n FROM \${source} AS s\`, { mode: 'overwrite' });
  log('tables', await lake.tables('bronze'));
  exit({ greeting: 'hello ' + parameters.name });
};
`,
  );
  const logs: string[] = [];
  const result = await runNotebook({ file, parameters: { name: 'world' }, port, onLog: (text) => logs.push(text) });
  expect(result.exitValue).toEqual({ greeting: 'hello world' });
  expect(written['silver/x']).toEqual([{ path: 'bronze/x', 'the answer': 42, q: "it's", n: 7n }]);
  expect(logs).toEqual(["tables [ 'a', 'b' ]"]);
});

test('what a notebook reads is held until it ends, for its later queries too', async () => {
  const file = save(
    'holds.ts',
    'export default async ({ lake, sql }) => { const a = await lake.read("a"); return (await lake.query(sql`SELECT * FROM ${a} AS a`)).length; };',
  );
  const said: string[] = [];
  const watched: NotebookPort = {
    ...port,
    read: async (path, scope, signal) => {
      scope.defer(() => said.push('let go'));
      return await port.read(path, scope, signal);
    },
    query: async (query, signal) => {
      said.push('query');
      return await port.query(query, signal);
    },
  };
  expect((await runNotebook({ file, parameters: {}, port: watched })).exitValue).toBe(1);
  expect(said).toEqual(['query', 'let go']);
});

test('a text in a hole is a bound value, never SQL', async () => {
  const file = save(
    'inject.ts',
    'export default async ({ lake, sql }) => (await lake.query(sql`SELECT ${"\'; DROP TABLE x; --"} AS v`))[0].v;',
  );
  expect((await runNotebook({ file, parameters: {}, port })).exitValue).toBe("'; DROP TABLE x; --");
});

test('an error names the notebook, the line and the column', async () => {
  const file = save('fails.ts', 'export default async () => {\n  const value: string = "x";\n  throw new Error(`no ${value}`);\n};\n');
  await expect(runNotebook({ file, parameters: {}, port })).rejects.toMatchObject({
    code: 'NOTEBOOK_FAILED',
    message: 'no x',
    place: { file, line: 3, column: 9 },
  });
});

test('workers that started ahead run one notebook each; those that nobody took end with their shelf', async () => {
  const file = save('thread.ts', "import { threadId } from 'node:worker_threads';\nexport default () => threadId;\n");
  const shelf = new WorkerShelf(3);
  const run = async () => (await runNotebook({ file, parameters: {}, port, workers: shelf })).exitValue;
  const threads = [await run(), await run()];
  expect(new Set(threads).size).toBe(2);
  const left = shelf.take();
  const next = left.threadId;
  await left.terminate();
  shelf[Symbol.dispose]();
  expect(threads).not.toContain(next);
  expect(Number(await run())).toBeGreaterThan(next); // an empty shelf starts one
});

test("a worker that dies while it waits is nobody's failure: the next notebook gets a fresh one", async () => {
  const file = save('after.ts', 'export default () => 42;');
  // With so little memory a worker dies of starting.
  using shelf = new WorkerShelf(2, 4 * 1024 * 1024);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await expect(runNotebook({ file, parameters: {}, port, workers: shelf, limits: { memoryBytes: 4 * 1024 * 1024 } })).rejects.toMatchObject(
    {
      code: 'NOTEBOOK_FAILED',
    },
  );
  expect((await runNotebook({ file, parameters: {}, port, workers: shelf })).exitValue).toBe(42);
});

describe('limits', () => {
  test('an endless loop ends within two seconds of the cancel, and others go on', async () => {
    const file = save('endless.ts', 'export default async () => { for (;;); };');
    const other = save('quick.ts', "export default async () => 'done';");
    const abort = new AbortController();
    const endless = runNotebook({ file, parameters: {}, port, signal: abort.signal });
    endless.catch(() => {}); // looked at below
    await expect(runNotebook({ file: other, parameters: {}, port })).resolves.toMatchObject({ exitValue: 'done' });
    const asked = performance.now();
    abort.abort();
    await expect(endless).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(performance.now() - asked).toBeLessThan(2000);
  });

  test('a time limit ends it', async () => {
    const file = save('slow.ts', 'export default async () => { for (;;); };');
    await expect(runNotebook({ file, parameters: {}, port, limits: { timeoutMs: 300 } })).rejects.toMatchObject({ code: 'TIMEOUT' });
  });

  test('too much memory ends it with the limit named', async () => {
    const file = save(
      'greedy.ts',
      'export default async () => { const all = []; for (;;) all.push(new Array(1000).fill(Math.random())); };',
    );
    await expect(runNotebook({ file, parameters: {}, port, limits: { memoryBytes: 32 * 1024 * 1024 } })).rejects.toMatchObject({
      code: 'NOTEBOOK_FAILED',
      message: expect.stringContaining('32 MiB'),
    });
  });

  test('a notebook that is not there, exports nothing or exits the process says so', async () => {
    await expect(runNotebook({ file: join(folder, 'none.ts'), parameters: {}, port })).rejects.toMatchObject({
      code: 'NOTEBOOK_NOT_FOUND',
    });
    await expect(runNotebook({ file: save('empty.ts', 'export {};'), parameters: {}, port })).rejects.toMatchObject({
      code: 'NOTEBOOK_FAILED',
    });
    await expect(
      runNotebook({ file: save('exits.ts', 'export default () => process.exit(0);'), parameters: {}, port }),
    ).rejects.toMatchObject({ code: 'NOTEBOOK_FAILED' });
  });
});

test('an error of the lake reaches the notebook, which may catch it', async () => {
  const file = save(
    'catches.ts',
    "export default async ({ lake, sql }) => { try { await lake.query(sql`SELECT * FROM nowhere`); } catch (error) { return 'caught ' + error.message.slice(0, 18); } };",
  );
  expect((await runNotebook({ file, parameters: {}, port })).exitValue).toBe('caught SQL_NAME_NOT_FOUND');
});
