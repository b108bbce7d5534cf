import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { z } from 'zod';

import { type ErrorDocument, LakesteadError, nearMisses } from '#core';
import { tableToSql, writeTable } from '#delta';
import {
  type ActivityRun,
  findPipeline,
  loadFactory,
  type PipelineRun,
  type RunEvent,
  type RunPorts,
  runPipeline,
  toValue,
  type ValueObject,
} from '#factory';
import type { NotebookPort } from '#notebooks';
import { literal, sql } from '#sql';

import { command, type CommandContext } from './command.ts';
import type { TableListDocument } from './documents.ts';
import type { Project } from './project.ts';
import { listTables } from './table-commands.ts';

/** What `run` answers. With several main pipelines the activities are those pipelines. */
export type RunDocument = {
  readonly runId: string;
  readonly pipeline: string;
  readonly status: string;
  readonly startedAt: string;
  readonly durationMs: number;
  readonly returnValue?: unknown;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly error?: ErrorDocument;
  readonly activities: readonly ActivityRun[];
  /** For a person's summary. */
  readonly lake?: { readonly dir: string; readonly tables: TableListDocument };
};

const runArgs = z.object({
  pipeline: z.string().optional(),
  parameters: z.record(z.string(), z.string()).default({}),
  summary: z.boolean().default(false),
});

/** `run`: a pipeline, or the project's main ones in order as one run. A run that fails is an answer, not an error. */
export const runCommand = command(runArgs, async (project, args, context): Promise<RunDocument> => {
  const { factory, findings } = loadFactory(project.config.factory);
  const broken = findings.find((finding) => finding.severity === 'error');
  const names = args.pipeline === undefined ? project.config.main : [args.pipeline];
  if (names.length === 0)
    throw new LakesteadError('CONFIG_INVALID', 'the project names no main pipeline', {
      hint: 'add main: [pipeline] to lakestead.yaml, or name one: lakestead run <pipeline>',
      place: { file: project.config.file },
    });
  const ports = makePorts(project);
  const emit = (event: RunEvent) => void context.emit({ ...event });
  const run = async (name: string, parent?: { runId: string; path: readonly string[] }): Promise<PipelineRun> => {
    const { pipeline, folder } = findPipeline(factory, name);
    return await runPipeline({
      folder,
      pipeline,
      parameters: args.parameters,
      ports,
      signal: context.signal,
      onEvent: emit,
      ...(parent === undefined ? {} : { parent }),
    });
  };
  const finish = async (document: RunDocument): Promise<RunDocument> => {
    project.log.info('run ended', {
      runId: document.runId,
      pipeline: document.pipeline,
      status: document.status,
      durationMs: document.durationMs,
    });
    if (!args.summary || document.status !== 'Succeeded') return document;
    return { ...document, lake: { dir: project.config.environment.lake, tables: await listTables(project, undefined, context.signal) } };
  };
  if (broken !== undefined)
    return recordFailure(
      project,
      names.join(', '),
      new LakesteadError(broken.code as 'FACTORY_INVALID', broken.message, {
        place: {
          file: broken.file,
          ...(broken.line === undefined ? {} : { line: broken.line }),
          ...(broken.column === undefined ? {} : { column: broken.column }),
        },
        ...(broken.hint === undefined ? {} : { hint: broken.hint }),
      }),
    );
  const [only] = names;
  if (names.length === 1 && only !== undefined) return await finish(await run(only));
  return await finish(await runMain(project, names, run, context));
});

/** The main pipelines as one run whose activities are those pipelines. */
async function runMain(
  project: Project,
  names: readonly string[],
  run: (name: string, parent: { runId: string; path: readonly string[] }) => Promise<PipelineRun>,
  context: CommandContext,
): Promise<RunDocument> {
  const runId = randomUUID();
  const started = performance.now();
  const startedAt = new Date().toISOString();
  const { runs } = project.state;
  runs.start({ id: runId, pipeline: 'main', environment: project.config.environment.name, parameters: {} });
  const activities: ActivityRun[] = [];
  let failed: PipelineRun | undefined;
  let thrown: ErrorDocument | undefined;
  for (const name of names) {
    try {
      const child = await run(name, { runId, path: [] });
      const { pipeline, status, startedAt: from, durationMs, error } = child;
      activities.push({
        name: pipeline,
        type: 'ExecutePipeline',
        status,
        startedAt: from,
        durationMs,
        output: { pipelineName: pipeline, pipelineRunId: child.runId },
        ...(error === undefined ? {} : { error: { ...error, errorCode: error.code, failureType: 'UserError', target: pipeline } }),
        activities: child.activities,
      });
      if (status !== 'Succeeded') failed = child;
    } catch (error) {
      if (!(error instanceof LakesteadError)) throw error;
      thrown = documentOf(error);
    }
    if (failed !== undefined || thrown !== undefined || context.signal.aborted) break;
  }
  const status = thrown !== undefined ? 'Failed' : (failed?.status ?? 'Succeeded');
  const error = thrown ?? failed?.error;
  runs.finish(runId, { status, ...(error === undefined ? {} : { error }) });
  return {
    runId,
    pipeline: 'main',
    status,
    startedAt,
    durationMs: Math.round(performance.now() - started),
    variables: {},
    ...(error === undefined ? {} : { error }),
    activities,
  };
}

function documentOf(error: LakesteadError): ErrorDocument {
  const { code, message, hint, place } = error;
  return { code, message, ...(hint === undefined ? {} : { hint }), ...(place === undefined ? {} : { place }) };
}

/** A run that could not begin is recorded as failed all the same. */
function recordFailure(project: Project, pipeline: string, error: LakesteadError): RunDocument {
  const runId = randomUUID();
  const document = documentOf(error);
  project.state.runs.start({ id: runId, pipeline, environment: project.config.environment.name, parameters: {} });
  project.state.runs.finish(runId, { status: 'Failed', error: document });
  return {
    runId,
    pipeline,
    status: 'Failed',
    startedAt: new Date().toISOString(),
    durationMs: 0,
    variables: {},
    error: document,
    activities: [],
  };
}

function makePorts(project: Project): RunPorts {
  const { state, config } = project;
  const { environment } = config;
  const overrides = new Map([...environment.linkedServices].map(([name, override]) => [name.toLowerCase(), override]));
  let engine: Awaited<ReturnType<Project['engine']>> | undefined;
  const lazyEngine: RunPorts['engine'] = {
    lease: async (options) => {
      engine ??= await project.engine();
      return await engine.lease(options);
    },
    withLease: async (work, options) => {
      engine ??= await project.engine();
      return await engine.withLease(work, options);
    },
    [Symbol.asyncDispose]: async () => await Promise.resolve(), // the project closes its engine
  };
  return {
    engine: lazyEngine,
    lake: project.lake,
    recorder: {
      runStarted: ({ runId, pipeline, parameters, parent }) =>
        state.runs.start({ id: runId, pipeline, environment: environment.name, parameters, parent }),
      runFinished: (runId, end) => state.runs.finish(runId, end),
      activityStarted: (activity) => state.activities.start(activity),
      activityFinished: (id, end) => state.activities.finish(id, end),
    },
    findOverride: (name) => overrides.get(name.toLowerCase()),
    openConnector: async (service) => await project.connector(service),
    notebookFile: (path) => findNotebook(environment.notebooks, path),
    notebooks: { port: notebookPort(project, lazyEngine), limits: {} },
    globalParameters: toValue(config.globalParameters) as ValueObject, // an object stays one
  };
}

/** The file of a notebook by its workspace path: the longest prefix that is mapped counts. */
function findNotebook(folders: ReadonlyMap<string, string>, path: string): string {
  const matches = [...folders]
    .filter(([prefix]) => path === prefix || path.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`))
    .toSorted(([a], [b]) => b.length - a.length);
  const [match] = matches;
  if (match === undefined) {
    const near = nearMisses(path, folders.keys());
    throw new LakesteadError('NOTEBOOK_NOT_FOUND', `the notebook ${path} is in no folder of this environment`, {
      hint:
        near.length > 0
          ? `did you mean ${near.join(' or ')}?`
          : 'map its folder in lakestead.yaml: environments.<name>.notebooks: { /Shared: ./notebooks }',
    });
  }
  const [prefix, folder] = match;
  const file = join(folder, path.slice(prefix.length));
  const found = [file, ...['.ts', '.mts', '.js', '.mjs'].map((extension) => `${file}${extension}`)].find(
    (candidate) => /\.m?[jt]s$/.test(candidate) && existsSync(candidate),
  );
  if (found !== undefined) return found;
  throw new LakesteadError('NOTEBOOK_NOT_FOUND', `there is no notebook ${file}.ts`, { hint: `the activity names ${path}` });
}

function notebookPort(project: Project, engine: RunPorts['engine']): NotebookPort {
  const place = async (path: string) => await project.lake.resolve(path);
  return {
    tables: async (path) => {
      const { store, path: folder } = await place(path);
      const entries = await store.entries(folder);
      if (entries === undefined) throw new LakesteadError('STORAGE_NOT_FOUND', `the lake has no folder ${path}`);
      return entries.filter(({ kind }) => kind === 'folder').map(({ name }) => name);
    },
    read: async (path, signal) => {
      const { store, path: object } = await place(path);
      return await engine.withLease(
        async (lease) => {
          const isFile = (await store.find(object)) !== undefined;
          const isDelta = !isFile && (await store.entries(object === '' ? '_delta_log' : `${object}/_delta_log`)) !== undefined;
          let query;
          if (isDelta) query = await tableToSql({ store, path: object, engine }, { signal, lease });
          else if (isFile) query = sql`SELECT * FROM read_parquet(${literal(await store.readable(object))})`;
          else {
            const files: string[] = [];
            for await (const one of store.list(object)) if (one.path.endsWith('.parquet')) files.push(await store.readable(one.path));
            if (files.length === 0)
              throw new LakesteadError('STORAGE_NOT_FOUND', `the lake has no table, file or folder of Parquet files at ${path}`);
            query = sql`SELECT * FROM read_parquet(${literal(files)})`;
          }
          const columns = await lease.rows(sql`DESCRIBE ${query}`, { signal });
          return { sql: query, columns: columns.map((row) => ({ name: String(row['column_name']), type: String(row['column_type']) })) };
        },
        { signal },
      );
    },
    write: async (path, query, { mode = 'error', partitionBy, mergeSchema }, signal) => {
      const { store, path: table } = await place(path);
      return await engine.withLease(
        async (lease) => {
          const schemaMode = mode === 'overwrite' ? 'overwrite' : mergeSchema === true ? 'merge' : 'strict';
          const result = await writeTable({
            store,
            path: table,
            engine,
            query,
            lease,
            mode,
            schemaMode,
            signal,
            ...(partitionBy === undefined ? {} : { partitionBy }),
          });
          return { rows: result.rowsWritten, bytes: result.bytesWritten, version: result.version };
        },
        { signal },
      );
    },
    query: async (query, signal) =>
      await engine.withLease(async (lease) => await lease.rows(sql`SELECT * FROM (${query}) LIMIT 10000`, { signal }), { signal }),
  };
}
