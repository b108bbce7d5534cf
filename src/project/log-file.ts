import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { pino } from 'pino';

import type { Log } from '#core';

/** A structured log: one JSON document a line, in `.lakestead/logs/<day>.ndjson`. Values of secrets print as `***` by their type. */
export function openLogFile(stateDir: string, now: Date): Log & Disposable {
  const folder = join(stateDir, 'logs');
  mkdirSync(folder, { recursive: true });
  const destination = pino.destination({ dest: join(folder, `${now.toISOString().slice(0, 10)}.ndjson`), append: true, sync: true });
  const logger = pino({ base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime }, destination);
  return {
    debug: (event, facts = {}) => logger.debug(facts, event),
    info: (event, facts = {}) => logger.info(facts, event),
    warn: (event, facts = {}) => logger.warn(facts, event),
    error: (event, facts = {}) => logger.error(facts, event),
    [Symbol.dispose]: () => {
      destination.flushSync();
      destination.end();
    },
  };
}
