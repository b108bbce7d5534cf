import { z } from 'zod';

import { LakesteadError } from '#core';
import type { Project } from './project.ts';

/** What a command says while it runs: progress, pieces of its output. Plain data. */
export type CommandEvent = { readonly kind: string } & Readonly<Record<string, unknown>>;

export type CommandContext = {
  readonly signal: AbortSignal;
  readonly emit: (event: CommandEvent) => void | Promise<void>;
};

/** A command on an open project: takes plain data, gives plain data. */
export type Command = (project: Project, args: unknown, context: CommandContext) => Promise<unknown>;

/** A command whose arguments are checked first: they may come from another process. */
export function command<Shape extends z.ZodType>(
  schema: Shape,
  work: (project: Project, args: z.output<Shape>, context: CommandContext) => Promise<unknown>,
): Command {
  return async (project, args, context) => {
    const checked = schema.safeParse(args);
    if (!checked.success) throw new LakesteadError('USAGE', `the command's arguments are not right: ${z.prettifyError(checked.error)}`);
    return await work(project, checked.data, context);
  };
}
