import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { describe, expect, onTestFinished, test } from 'vitest';

const script = fileURLToPath(new URL('../support/owner-process.ts', import.meta.url));

/** Starts `performCommand` in a process of its own; lines of its standard output arrive as they come. */
function start(dir: string, command: string, args: unknown = {}) {
  const child = spawn(process.execPath, [script, dir, command, JSON.stringify(args)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  const waiting: { text: string; resolve: () => void }[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    lines.push(...text.trim().split('\n'));
    for (const wait of waiting.splice(0))
      if (lines.some((line) => line.startsWith(wait.text))) wait.resolve();
      else waiting.push(wait);
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const seen = async (text: string) => {
    if (lines.some((line) => line.startsWith(text))) return;
    await new Promise<void>((resolve) => waiting.push({ text, resolve }));
  };
  return { child, lines, ended, seen };
}

/** A folder that is removed when the test ends. */
function newProject(): string {
  const dir = mkdtempSync(join(tmpdir(), 'lakestead-owner-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }));
  return dir;
}

describe('one owner a project', () => {
  test('a command during another one is performed by the first process', async () => {
    const dir = newProject();
    const owner = start(dir, 'wait', { ms: 1500 });
    await owner.seen('working');
    const client = start(dir, 'pid');
    await client.ended;
    expect(client.lines).toContain(`result ${owner.child.pid}`);
    await owner.ended;
    expect(owner.lines).toContain('result waited');
  });

  test('an owner that was killed is replaced, and its client is told', async () => {
    const dir = newProject();
    const owner = start(dir, 'wait', { ms: 60_000 });
    await owner.seen('working');
    const client = start(dir, 'wait', { ms: 60_000 });
    await client.seen('working');
    owner.child.kill('SIGKILL');
    await client.ended;
    expect(client.lines.at(-1)).toContain('error OWNER_STOPPED');
    const next = start(dir, 'pid');
    await next.ended;
    expect(next.lines).toContain(`result ${next.child.pid}`);
  });

  test('of ten commands at once, one process performs each, and no two own the project', async () => {
    const dir = newProject();
    const all = Array.from({ length: 10 }, () => start(dir, 'exclusive', { ms: 100 }));
    await Promise.all(all.map((one) => one.ended));
    expect(all.map((one) => one.lines.at(-1))).toEqual(all.map(() => 'result alone'));
  });

  test('a client that is cancelled cancels its command in the owner, which goes on', async () => {
    const dir = newProject();
    const owner = start(dir, 'wait', { ms: 2000 });
    await owner.seen('working');
    const client = start(dir, 'wait', { ms: 60_000 });
    await client.seen('working');
    client.child.kill('SIGINT');
    await client.ended;
    expect(client.lines.at(-1)).toContain('error CANCELLED');
    await owner.ended;
    expect(owner.lines).toContain('result waited');
  });
});
