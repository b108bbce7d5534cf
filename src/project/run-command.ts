import { randomUUID } from 'node:crypto';

import { z } from 'zod';

import { type ErrorDocument, LakesteadError } from '#core';
import {
  type ActivityRun,
  findPipeline,
  type LoadedFactory,
  loadFactory,
  type PipelineRun,
  type RunEvent,
  type RunPorts,
  runPipeline,
  toValue,
  type ValueObject,
} from '#factory';

import { WorkerShelf } from '#notebooks';

import { command, type CommandContext } from './command.ts';
import type { TableListDocument } from './documents.ts';
import { findNotebook, makeNotebookPort } from './notebook-port.ts';
import { describeLakeRoot } from './open-project-lake.ts';
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
  using workers = new WorkerShelf(countNotebooks(factory, names), project.config.notebookWorkers.memoryBytes);
  const ports = makePorts(project, workers);
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
    return {
      ...document,
      lake: { dir: describeLakeRoot(project.config.environment), tables: await listTables(project, undefined, context.signal) },
    };
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

/** Notebooks that the pipelines will run themselves, as far as their JSON says it. */
function countNotebooks({ folders }: LoadedFactory['factory'], names: readonly string[]): number {
  const pipelines = folders.flatMap((folder) => [...folder.pipelines.values()]);
  const run = pipelines.filter(({ folder, name }) => names.includes(name) || names.includes(`${folder}:${name}`));
  return run.flatMap(({ activities }) => activities).filter(({ type }) => type.endsWith('Notebook')).length;
}

function makePorts(project: Project, workers: WorkerShelf): RunPorts {
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
    gateway: project.gateway,
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
    notebooks: {
      port: makeNotebookPort({ engine: lazyEngine, lake: project.lake, gateway: project.gateway }),
      limits: { memoryBytes: config.notebookWorkers.memoryBytes },
      workers,
    },
    globalParameters: toValue(config.globalParameters) as ValueObject, // an object stays one
  };
}
