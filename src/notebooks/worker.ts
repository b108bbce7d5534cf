/** The worker in which one run of a notebook lives: it has no engine and no files of its own, only messages. */
import { readFileSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { inspect } from 'node:util';
import { pathToFileURL } from 'node:url';
import { parentPort } from 'node:worker_threads';

import type { NotebookCall, RelationColumn, RunnerMessage, SqlPart, WorkerMessage, WorkerStart } from './message.ts';
import type { NotebookContext, NotebookHole, NotebookSql, NotebookSqlTag } from './notebook.ts';

class Exit extends Error {
  readonly value: unknown;
  constructor(value: unknown) {
    super('the notebook called exit');
    this.value = value;
  }
}

const port = parentPort;
if (port === null) throw new Error('this file is a worker of notebooks');
stripTypes(''); // what it needs is loaded while the worker waits
// The first message says what to run; only runNotebook sends it.
const { file, parameters } = await new Promise<WorkerStart>((resolve) => port.once('message', resolve));

const post = (message: WorkerMessage) => port.postMessage(message);
const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
let lastId = 0;

port.on('message', (message: RunnerMessage) => {
  const call = waiting.get(message.id);
  waiting.delete(message.id);
  if (message.type === 'answer') call?.resolve(message.value);
  else call?.reject(new Error(message.message));
});

async function ask<T>(request: NotebookCall): Promise<T> {
  lastId += 1;
  const id = lastId;
  const answer = new Promise<unknown>((resolve, reject) => waiting.set(id, { resolve, reject }));
  post({ type: 'call', id, request });
  return (await answer) as T; // the runner's answers are typed where they are made
}

const isSql = (hole: unknown): hole is NotebookSql =>
  typeof hole === 'object' && hole !== null && 'parts' in hole && Array.isArray(hole.parts);

function partsOf(hole: NotebookHole): readonly SqlPart[] {
  if (isSql(hole)) return hole.parts;
  return [{ kind: 'value', value: hole instanceof Date ? hole.toISOString() : hole }];
}

const tag = (strings: TemplateStringsArray, ...holes: readonly NotebookHole[]): NotebookSql => ({
  parts: strings.flatMap((text, index): readonly SqlPart[] => [
    { kind: 'text', text },
    ...(index < holes.length ? partsOf(holes[index] ?? null) : []),
  ]),
});
const sql: NotebookSqlTag = Object.assign(tag, {
  ident: (...names: readonly string[]): NotebookSql => ({ parts: [{ kind: 'ident', names }] }),
  join: (pieces: readonly NotebookSql[], separator = ', '): NotebookSql => ({
    parts: pieces.flatMap((piece, index): readonly SqlPart[] =>
      index === 0 ? piece.parts : [{ kind: 'text', text: separator }, ...piece.parts],
    ),
  }),
});

const context: NotebookContext = {
  sql,
  parameters,
  lake: {
    tables: async (path) => await ask({ call: 'tables', path }),
    read: async (path) => {
      const { relation, columns } = await ask<{ relation: number; columns: readonly RelationColumn[] }>({ call: 'read', path });
      return { parts: [{ kind: 'relation', relation }], columns };
    },
    write: async (path, query, options = {}) => await ask({ call: 'write', path, query: query.parts, options }),
    query: async (query) => await ask({ call: 'query', query: query.parts }),
  },
  log: (...values) => post({ type: 'log', text: values.map((value) => (typeof value === 'string' ? value : inspect(value))).join(' ') }),
  exit: (value) => {
    throw new Exit(value);
  },
};

const url = pathToFileURL(file).href;
// The notebook is a module whatever package.json is above it; blanks take the place of its types, so positions stay.
registerHooks({
  load: (address, hookContext, next) =>
    address === url
      ? {
          format: 'module',
          shortCircuit: true,
          source: file.endsWith('.ts') ? stripTypes(readFileSync(file, 'utf8')) : readFileSync(file, 'utf8'),
        }
      : next(address, hookContext),
});

function stripTypes(text: string): string {
  const emit = process.emitWarning.bind(process);
  process.emitWarning = () => {}; // Node calls this function experimental on each use; the product pins its Node
  try {
    return stripTypeScriptTypes(text, { mode: 'strip' });
  } finally {
    process.emitWarning = emit;
  }
}

try {
  const module: { readonly default?: unknown } = await import(url);
  if (typeof module.default !== 'function') {
    throw new TypeError(
      'a notebook exports a function as its default: export default async ({ lake, sql, parameters, log, exit }) => { ... }',
    );
  }
  const exitValue: unknown = await module.default(context);
  post({ type: 'done', exitValue });
} catch (error) {
  if (error instanceof Exit) post({ type: 'done', exitValue: error.value });
  else if (error instanceof Error) post({ type: 'failed', message: error.message, stack: error.stack ?? '' });
  else post({ type: 'failed', message: inspect(error), stack: '' });
}
port.close();
