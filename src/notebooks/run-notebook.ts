import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

import { LakesteadError, type SourcePlace } from '#core';
import { ident, sql, type Sql, type SqlValue, unsafeSql } from '#sql';

import type {
  NotebookCall,
  NotebookWriteOptions,
  NotebookWriteResult,
  RelationColumn,
  RunnerMessage,
  SqlPart,
  WorkerMessage,
  WorkerStart,
} from './message.ts';
import { defaultMemoryBytes, WorkerShelf } from './worker-shelf.ts';

/** What a notebook may do to the lake; performed in the process that has the engine. */
export type NotebookPort = {
  tables(path: string, signal: AbortSignal): Promise<readonly string[]>;
  /** What stands at the path now, as a SELECT that holds until the scope ends. */
  read(
    path: string,
    scope: Pick<DisposableStack, 'defer'>,
    signal: AbortSignal,
  ): Promise<{ readonly sql: Sql; readonly columns: readonly RelationColumn[] }>;
  write(path: string, query: Sql, options: NotebookWriteOptions, signal: AbortSignal): Promise<NotebookWriteResult>;
  query(query: Sql, signal: AbortSignal): Promise<readonly Readonly<Record<string, SqlValue>>[]>;
};

export type NotebookLimits = {
  /** Heap of the worker. Default 512 MiB. */
  readonly memoryBytes?: number | undefined;
  /** Default 12 hours, as an activity's. */
  readonly timeoutMs?: number;
};

export type NotebookRunOptions = {
  /** A `.ts`, `.mts`, `.js` or `.mjs` file. */
  readonly file: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly port: NotebookPort;
  readonly limits?: NotebookLimits;
  /** Where its worker comes from; without it one is started. */
  readonly workers?: WorkerShelf | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onLog?: ((text: string) => void) | undefined;
};

/** `exitValue` is what `exit(...)` was given, or what the function returned. */
export type NotebookResult = { readonly exitValue: unknown; readonly durationMs: number };

/**
 * Runs a notebook in a worker of its own. An endless loop ends with the time limit or the signal, as does one that takes
 * too much memory; other work goes on meanwhile.
 *
 * @throws NOTEBOOK_FAILED with file and line when it throws, TIMEOUT, CANCELLED, NOTEBOOK_NOT_FOUND
 */
export async function runNotebook(options: NotebookRunOptions): Promise<NotebookResult> {
  const { file, parameters, limits = {}, signal } = options;
  if (!existsSync(file)) throw new LakesteadError('NOTEBOOK_NOT_FOUND', `there is no notebook ${file}`);
  const started = performance.now();
  const timeoutMs = limits.timeoutMs ?? 12 * 3_600_000;
  const abort = new AbortController();
  const cancel = () =>
    abort.abort(signal?.reason instanceof LakesteadError ? signal.reason : new LakesteadError('CANCELLED', 'the notebook was cancelled'));
  const timer = setTimeout(
    () => abort.abort(new LakesteadError('TIMEOUT', `${file} took longer than ${timeoutMs / 1000} s`)),
    Math.min(timeoutMs, 2 ** 31 - 1),
  );
  signal?.addEventListener('abort', cancel, { once: true });
  if (signal?.aborted) cancel();
  try {
    const exitValue = await inWorker({ file, parameters }, options, abort.signal);
    return { exitValue, durationMs: performance.now() - started };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', cancel);
  }
}

async function inWorker(start: WorkerStart, options: NotebookRunOptions, signal: AbortSignal): Promise<unknown> {
  signal.throwIfAborted();
  const memoryBytes = options.limits?.memoryBytes ?? defaultMemoryBytes;
  const worker = (options.workers ?? new WorkerShelf()).take(memoryBytes);
  for (const stream of [worker.stdout, worker.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => options.onLog?.(text.trimEnd()));
  const calls = new AbortController();
  using scope = new DisposableStack();
  const run: Run = { port: options.port, relations: [], scope };
  try {
    return await new Promise<unknown>((resolve, reject) => {
      const stop = () => reject(signal.reason);
      signal.addEventListener('abort', stop, { once: true });
      worker.on('message', (message: WorkerMessage) => {
        if (message.type === 'log') options.onLog?.(message.text);
        else if (message.type === 'done') resolve(message.exitValue);
        else if (message.type === 'failed') reject(describeFailure(start.file, message.message, message.stack));
        else
          void answer(message.id, message.request, run, AbortSignal.any([signal, calls.signal])).then((reply) => worker.postMessage(reply));
      });
      worker.on('error', (error: Error & { code?: string }) => {
        if (error.code === 'ERR_WORKER_OUT_OF_MEMORY') {
          reject(
            new LakesteadError('NOTEBOOK_FAILED', `${start.file} took more than ${Math.round(memoryBytes / 1024 / 1024)} MiB of memory`, {
              hint: 'leave the data in the engine: write with lake.write and SQL instead of lake.query',
            }),
          );
        } else reject(describeFailure(start.file, error.message, error.stack ?? ''));
      });
      worker.on('exit', () =>
        reject(
          new LakesteadError('NOTEBOOK_FAILED', `${start.file} ended its worker without an answer`, {
            hint: 'end with exit(value) instead of process.exit',
          }),
        ),
      );
      worker.postMessage(start);
    });
  } finally {
    calls.abort(new LakesteadError('CANCELLED', 'the notebook has ended'));
    await worker.terminate();
  }
}

/** What the calls of one run share. */
type Run = { readonly port: NotebookPort; readonly relations: Sql[]; readonly scope: DisposableStack };

async function answer(id: number, request: NotebookCall, run: Run, signal: AbortSignal): Promise<RunnerMessage> {
  try {
    return { type: 'answer', id, value: await perform(request, run, signal) };
  } catch (error) {
    return { type: 'refusal', id, message: error instanceof LakesteadError ? `${error.code}: ${error.message}` : String(error) };
  }
}

async function perform(request: NotebookCall, { port, relations, scope }: Run, signal: AbortSignal): Promise<unknown> {
  switch (request.call) {
    case 'tables':
      return await port.tables(request.path, signal);
    case 'read': {
      const { sql: relation, columns } = await port.read(request.path, scope, signal);
      relations.push(relation);
      return { relation: relations.length - 1, columns };
    }
    case 'write':
      return await port.write(request.path, assemble(request.query, relations), request.options, signal);
    case 'query':
      return await port.query(assemble(request.query, relations), signal);
  }
}

/** The engine's SQL of a notebook's parts. The text is the notebook's own: code of whoever may edit the project. */
function assemble(parts: readonly SqlPart[], relations: readonly Sql[]): Sql {
  return parts.reduce((all, part) => sql`${all}${assemblePart(part, relations)}`, unsafeSql(''));
}

function assemblePart(part: SqlPart, relations: readonly Sql[]): Sql {
  switch (part.kind) {
    case 'text':
      return unsafeSql(part.text);
    case 'value':
      return sql`${part.value}`;
    case 'ident':
      return ident(...part.names);
    case 'relation': {
      const relation = relations[part.relation];
      if (relation === undefined) throw new LakesteadError('NOTEBOOK_FAILED', 'a relation of another run of a notebook was used');
      return sql`(${relation})`;
    }
  }
}

/** The error of a notebook with the line of the notebook itself that is nearest to it. */
function describeFailure(file: string, message: string, stack: string): LakesteadError {
  const address = pathToFileURL(file).href;
  const line = stack.split('\n').find((text) => text.includes(address));
  const [, row, column] = /:(\d+)(?::(\d+))?\)?$/.exec(line?.trim() ?? '') ?? [];
  const place: SourcePlace = {
    file,
    ...(row === undefined ? {} : { line: Number(row) }),
    ...(column === undefined ? {} : { column: Number(column) }),
  };
  const code = /^([A-Z]+_[A-Z_]+): /.exec(message)?.[1];
  return new LakesteadError('NOTEBOOK_FAILED', message, { place, ...(code === undefined ? {} : { data: { because: code } }) });
}
