import { styleText } from 'node:util';

import type { CommandEvent } from '#owner';

import type { Terminal } from './terminal.ts';
import { formatBytes, formatCount, formatDuration } from './text-table.ts';

/** What runs at this moment. */
type Running = { readonly name: string; readonly startedAt: number; rows?: string };

/** Closing it takes the live line away. */
export type Progress = Disposable & { readonly tell: (event: CommandEvent) => void };

/** Activities that hold others: their own line would only repeat those. */
const containers = new Set(['ForEach', 'Until', 'IfCondition', 'Switch', 'ExecutePipeline']);

/** How long a Copy is silent where lines cannot be redrawn. */
const quietMs = 10_000;

/**
 * One line for each activity as it ends; loops and pipelines give the headings. A terminal also has a live line of what
 * runs now, for how long and how far it is; elsewhere a long Copy says now and then how far it is.
 */
export function showProgress(terminal: Pick<Terminal, 'note' | 'live' | 'isInteractive' | 'columns'>): Progress {
  const running = new Map<string, Running>();
  const saidAt = new Map<string, number>();
  const draw = () => terminal.live(describeRunning([...running.values()], terminal.columns));
  const timer = setInterval(() => running.size > 0 && draw(), 200);
  timer.unref();
  const tell = (told: CommandEvent) => {
    const event = withoutControls(told);
    const path = Array.isArray(event['path']) ? event['path'].map(String) : [];
    const name = String(event['name'] ?? '');
    const key = [...path, name].join('/');
    const indent = '  '.repeat(path.length);
    const where = path.length > 1 ? ` ${styleText('dim', `[${path.slice(2).join('/')}]`)}` : '';
    switch (event.kind) {
      case 'runStarted':
        terminal.note(styleText('bold', String(event['pipeline'])));
        break;
      case 'activityStarted':
        if (!containers.has(String(event['type']))) running.set(key, { name, startedAt: performance.now() });
        break;
      case 'activityProgress': {
        const rows = describeRows(event);
        const one = running.get(key);
        if (one !== undefined) one.rows = rows;
        if (terminal.isInteractive || performance.now() - (saidAt.get(key) ?? one?.startedAt ?? 0) < quietMs) break;
        saidAt.set(key, performance.now());
        terminal.note(`${indent}… ${name}${where}  ${rows}`);
        break;
      }
      case 'activityFinished':
        running.delete(key);
        terminal.note(
          `${indent}${describeEnd(event, `${name}${typeof event['item'] === 'string' ? ` ${styleText('dim', event['item'])}` : where}`)}`,
        );
        break;
      case 'notebookLog':
        terminal.note(`${indent}${styleText('dim', String(event['text']))}`);
        break;
      case 'retry':
        terminal.note(`${indent}↻ ${name}: attempt ${Number(event['attempt'])} failed, trying again (${String(event['error'])})`);
        break;
      default:
        break;
    }
    draw();
  };
  return {
    tell,
    [Symbol.dispose]: () => {
      clearInterval(timer);
      running.clear();
      terminal.live('');
    },
  };
}

/** Names of files, rows and errors come from outside: what would move the cursor or hide a line is not written. */
function withoutControls(event: CommandEvent): CommandEvent {
  const clean = (value: unknown): unknown =>
    typeof value === 'string' ? value.replaceAll(/[^\P{Cc}\n\t]/gu, '\uFFFD') : Array.isArray(value) ? value.map(clean) : value;
  return { ...event, ...Object.fromEntries(Object.entries(event).map(([key, value]) => [key, clean(value)])) };
}

function describeEnd(event: CommandEvent, name: string): string {
  const mark = event['status'] === 'Succeeded' ? styleText('green', '✓') : styleText('red', '✗');
  const rows = typeof event['rows'] === 'number' ? `  ${formatCount(event['rows'])} rows` : '';
  const bytes = typeof event['bytes'] === 'number' ? `, ${formatBytes(event['bytes'])}` : '';
  const error = typeof event['error'] === 'string' ? `  ${event['error']}` : '';
  return `${mark} ${name}  ${styleText('dim', formatDuration(Number(event['durationMs'])))}${rows}${bytes}${error}`;
}

/** `1,200,000 of 5,400,000 rows, 800,000/s, 6 s left`. */
function describeRows(event: CommandEvent): string {
  const [rows, total, rate] = [event['rows'], event['totalRows'], event['rowsPerSecond']].map(Number) as [number, number, number];
  const known = Number.isFinite(total) && total >= rows;
  const left = known && rate > 0 ? `, ${formatDuration(Math.max(1000, ((total - rows) / rate) * 1000))} left` : '';
  return `${formatCount(rows)}${known ? ` of ${formatCount(total)}` : ''} rows, ${formatCount(rate)}/s${left}`;
}

/** One line, cut to the terminal's width. */
function describeRunning(running: readonly Running[], columns: number): string {
  if (running.length === 0) return '';
  const [first] = running;
  const more = running.length > 1 ? ` and ${running.length - 1} more` : '';
  const furthest = running.find(({ rows }) => rows !== undefined) ?? first;
  if (furthest === undefined) return '';
  const text = `⋯ ${furthest.name}${more}  ${formatDuration(performance.now() - furthest.startedAt)}${furthest.rows === undefined ? '' : `  ${furthest.rows}`}`;
  return Array.from(text)
    .slice(0, columns - 1)
    .join('');
}
