/** A process that performs one command on a project by `#owner`, for the tests of owners: prints lines to standard output. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { describeError, LakesteadError } from '#core';
import { performCommand } from '#owner';

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false; // no such process
  }
}

const [dir = '', command = '', args = '{}'] = process.argv.slice(2);
const abort = new AbortController();
process.on('SIGINT', () => abort.abort(new LakesteadError('CANCELLED', 'the command was cancelled')));

try {
  const result = await performCommand(
    { command, args: JSON.parse(args) as unknown },
    {
      dir,
      signal: abort.signal,
      emit: (event) => console.log(event.kind),
      open: async () => {
        // Two owners at the same time would fail here. A killed one leaves its mark behind, with a process id that is dead.
        const mark = join(dir, 'owned');
        if (existsSync(mark) && isAlive(Number(readFileSync(mark, 'utf8')))) throw new Error('two owners at the same time');
        writeFileSync(mark, String(process.pid));
        return {
          perform: async (request, { signal, emit }) => {
            await emit({ kind: 'working' });
            if (request.command === 'pid') return process.pid;
            const { ms } = request.args as { ms: number }; // the test's own arguments
            await sleep(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
            return request.command === 'exclusive' ? 'alone' : 'waited';
          },
          [Symbol.asyncDispose]: async () => rmSync(mark),
        };
      },
    },
  );
  console.log(`result ${String(result)}`);
} catch (error) {
  const { code, message } = describeError(error);
  console.log(`error ${code} ${message}`);
}
process.exit();
