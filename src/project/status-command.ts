import { z } from 'zod';

import type { ErrorDocument } from '#core';
import type { Run } from '#state';

import { command } from './command.ts';
import type { RunSummary, StatusDocument } from './documents.ts';

/** `status`: what runs now and what ran before, newest first. */
export const statusCommand = command(
  z.object({ runs: z.int().min(1).max(10_000).default(10) }),
  async (project, { runs }): Promise<StatusDocument> => {
    return {
      project: project.config.name,
      environment: project.config.environment.name,
      owner: { pid: process.pid },
      runs: project.state.runs.list({ limit: runs }).map(summariseRun),
    };
  },
);

function summariseRun(run: Run): RunSummary {
  const end = run.ended ?? new Date();
  return {
    runId: run.id,
    pipeline: run.pipeline,
    environment: run.environment,
    status: run.status,
    startedAt: run.started.toISOString(),
    ...(run.ended === undefined ? {} : { endedAt: run.ended.toISOString() }),
    durationMs: end.getTime() - run.started.getTime(),
    // The runtime records errors as documents.
    ...(run.error === undefined || run.error === null ? {} : { error: run.error as ErrorDocument }),
  };
}
