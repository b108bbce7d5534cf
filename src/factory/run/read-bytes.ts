import { createReadStream, type ReadStream } from 'node:fs';

import { ownerPrincipal } from '#access';
import { LakesteadError } from '#core';

import type { ActivityScope } from './activity-scope.ts';

/**
 * The bytes of a file of the lake, in pieces. Like rows, they are read by way of the gateway.
 *
 * @throws {LakesteadError} `STORAGE_NOT_FOUND` when the file is not there
 */
export async function readBytes(address: string, { state, signal }: ActivityScope): Promise<ReadStream> {
  const gateway = await state.ports.gateway();
  const releases: (() => void)[] = [];
  const scope = { defer: (release: () => void) => void releases.push(release) };
  const found = await gateway.resolveLake({ principal: ownerPrincipal, address, format: 'binary', scope, signal });
  const [path] = found.kind === 'files' ? found.paths : [];
  if (path === undefined) throw new LakesteadError('STORAGE_NOT_FOUND', `there is no file at ${address}`);
  const stream = createReadStream(path, { signal });
  stream.once('close', () => {
    for (const release of releases) release();
  });
  return stream;
}
