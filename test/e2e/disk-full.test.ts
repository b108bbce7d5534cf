import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { lakestead, lakesteadJson, temporaryFolder } from '../support/cli.ts';

const mayMount = process.platform === 'linux' && process.getuid?.() === 0;
if (!mayMount) console.warn('SKIPPED: a full disk needs root on Linux, to mount a small tmpfs');

test.skipIf(!mayMount)(
  'a full disk gives a clear error, and the lake is whole when there is room again',
  { timeout: 120_000 },
  async () => {
    using folder = temporaryFolder();
    const project = join(folder.path, 'demo');
    await lakesteadJson(['init', project]);
    const lake = join(project, 'lake');
    mkdirSync(lake, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=700k', 'tmpfs', lake]);
    try {
      const result = await lakestead(['run', '--project', project, '--json']);
      expect(result.exitCode).toBe(1);
      const run = JSON.parse(result.stdout) as { status: string; error: { code: string; hint?: string } };
      expect(run.status).toBe('Failed');
      expect(result.stdout).toContain('DISK_FULL');
      execFileSync('mount', ['-o', 'remount,size=64m', lake]);
      expect((await lakesteadJson<{ status: string }>(['run', '--project', project])).status).toBe('Succeeded');
      cpSync(join(lake, 'gold/SalesLT/Address/_delta_log'), join(folder.path, 'log'), { recursive: true });
      writeFileSync(join(folder.path, 'first'), readFileSync(join(folder.path, 'log/00000000000000000000.json')));
    } finally {
      execFileSync('umount', ['-l', lake]);
    }
  },
);
