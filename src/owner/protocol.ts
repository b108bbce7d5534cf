import type { ErrorDocument } from '#core';

/** A command and its arguments: plain data, checked by the one who performs it. */
export type CommandRequest = { readonly command: string; readonly args: unknown };

/** What a command says while it runs: progress, log lines, pieces of its output. Plain data. */
export type CommandEvent = { readonly kind: string } & Readonly<Record<string, unknown>>;

/** Performs commands: the one thing that an owner is given. Throws what went wrong; a cancelled command throws too. */
export type Performer = (
  request: CommandRequest,
  context: { readonly signal: AbortSignal; readonly emit: (event: CommandEvent) => void | Promise<void> },
) => Promise<unknown>;

/** Lines from a client to the owner: one JSON document a line, one command a connection. */
export type ClientMessage = ({ readonly type: 'command' } & CommandRequest) | { readonly type: 'cancel' } | { readonly type: 'ping' };

/** Lines from the owner to a client. */
export type OwnerMessage =
  | { readonly type: 'pong'; readonly pid: number }
  /** Comes first: a command that was not accepted has had no effect, and may be sent to the next owner. */
  | { readonly type: 'accepted' }
  | { readonly type: 'event'; readonly event: CommandEvent }
  | { readonly type: 'result'; readonly result: unknown }
  | { readonly type: 'error'; readonly error: ErrorDocument };
