import { styleText } from 'node:util';

import { describeError, type ErrorDocument, LakesteadError } from '#core';

/** What a command writes to and is stopped by. */
export type Terminal = {
  /** Writes to standard output: the command's document, nothing else. */
  out(text: string): void;
  /** Writes a line to standard error: progress, notes, errors. */
  note(text: string): void;
  /** Keeps a line below all notes that is redrawn in place; nothing for ''. Without effect where lines cannot be redrawn. */
  live(text: string): void;
  /** True when standard error is a terminal that can redraw lines. */
  readonly isInteractive: boolean;
  /** Width of the terminal in columns. */
  readonly columns: number;
  /** Aborted by the first Ctrl-C; a second one ends the process. */
  readonly signal: AbortSignal;
};

/** Exit codes; documented in docs/reference/cli.md. */
export const exitCodes = { ok: 0, failed: 1, usage: 2, cancelled: 130 } as const;

/** The process's own terminal. Ctrl-C cancels the command, which then says what state things are in. */
export function openTerminal(): Terminal {
  const abort = new AbortController();
  const cancel = () => {
    if (abort.signal.aborted) process.exit(exitCodes.cancelled);
    process.stderr.write('\nstopping ... (once more ends it at once)\n');
    abort.abort(new LakesteadError('CANCELLED', 'the command was cancelled'));
  };
  process.on('SIGINT', cancel);
  process.on('SIGTERM', cancel);
  // A reader such as `head` that closes early is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exitCodes.ok);
    throw error;
  });
  const isInteractive = process.stderr.isTTY && process.env['CI'] !== 'true';
  let shown = '';
  const redraw = (before: string, live: string) => {
    const clear = shown === '' ? '' : '\r\u001b[2K';
    shown = live;
    process.stderr.write(`${clear}${before}${live === '' ? '' : styleText('dim', live)}`);
  };
  return {
    out: (text) => {
      if (shown !== '') redraw('', '');
      process.stdout.write(text);
    },
    note: (text) => redraw(`${text}\n`, shown),
    live: (text) => {
      if (isInteractive && text !== shown) redraw('', text);
    },
    isInteractive,
    columns: process.stderr.columns || 100, // a terminal of unknown width says 0
    signal: abort.signal,
  };
}

/** Writes the error of a command that could not give its document; says the exit code. */
export function reportError(terminal: Terminal, error: unknown, asJson: boolean): number {
  const document = describeError(error);
  terminal.note(asJson ? JSON.stringify(document) : formatError(document, error));
  if (document.code === 'CANCELLED') return exitCodes.cancelled;
  return document.code === 'USAGE' ? exitCodes.usage : exitCodes.failed;
}

/** An error for a person: code, what happened, where, and what to do. Only a bug of ours shows its stack. */
export function formatError(document: ErrorDocument, error?: unknown): string {
  const place = document.place;
  const at = place === undefined ? undefined : [place.file, place.line, place.column].filter((part) => part !== undefined).join(':');
  const lines = [`${styleText('red', document.code)}: ${document.message}`];
  if (at !== undefined && at !== '') lines.push(`  at ${at}`);
  const findings = document.data?.['findings'];
  if (Array.isArray(findings)) lines.push(...findings.map((finding) => `  ${formatFinding(finding)}`));
  if (document.hint !== undefined) lines.push(`  ${styleText('cyan', 'hint')}: ${document.hint}`);
  if (document.code === 'INTERNAL' && error instanceof Error && error.stack !== undefined) lines.push(error.stack);
  return lines.join('\n');
}

function formatFinding(finding: unknown): string {
  if (typeof finding !== 'object' || finding === null) return String(finding);
  const { file, line, column, message } = finding as Record<string, unknown>; // shown as far as it is there
  const at = [file, line, column].filter((part) => typeof part === 'string' || typeof part === 'number').join(':');
  return `${at} ${String(message)}`.trim();
}
