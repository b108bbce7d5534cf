import { LakesteadError } from '#core';

import { isArray, isObject, type Value } from '../expression/index.ts';

/** Settings of speed and retries: they change nothing of what is written. */
const harmless = new Set([
  'type',
  'location',
  'schema',
  'compressionLevel',
  'maxConcurrentConnections',
  'blockSizeInMB',
  'writeBatchSize',
  'writeBatchTimeout',
  'sourceRetryCount',
  'sourceRetryWait',
  'sinkRetryCount',
  'sinkRetryWait',
  'disableMetricsCollection',
]);

/**
 * Refuses settings that would be without effect here: an option that is ignored gives other bytes than Azure would.
 *
 * @throws FACTORY_UNSUPPORTED with the option's name
 */
export function refuseOthers(settings: Value | undefined, honoured: readonly string[], what: string): void {
  if (!isObject(settings)) return;
  for (const [name, value] of Object.entries(settings)) {
    if (honoured.includes(name) || harmless.has(name) || isOff(value)) continue;
    throw new LakesteadError('FACTORY_UNSUPPORTED', `the property ${name} of ${what} is not supported`, {
      hint: honoured.length === 0 ? 'take it out' : `supported: ${honoured.join(', ')}`,
      data: { property: name },
    });
  }
}

/** As if the property were not there. */
function isOff(value: Value): boolean {
  return value === null || value === false || value === '' || (isArray(value) && value.length === 0);
}
