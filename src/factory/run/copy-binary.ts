import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';

import { LakesteadError } from '#core';

import type { ValueObject } from '../expression/index.ts';
import { findFiles, type FoundFile } from './find-files.ts';
import { isOn } from './is-on.ts';
import { readBytes } from './read-bytes.ts';
import { refuseOthers } from './refuse-options.ts';
import { type BoundDataset, fileLocation } from './resolve-dataset.ts';
import type { ActivityScope } from './activity-scope.ts';
import { copyBehavior, generatedName, openStaging } from './write-files.ts';

/** What a binary Copy did: files as they are, without rows. */
export type CopiedFiles = {
  readonly filesRead: number;
  readonly filesWritten: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
};

/** Copies files byte by byte. Each appears whole, and none before all are there; only then may the sources be deleted. */
export async function copyBinary(
  source: ValueObject,
  input: BoundDataset,
  sink: ValueObject,
  output: BoundDataset,
  scope: ActivityScope,
): Promise<CopiedFiles> {
  if (sink['type'] !== 'BinarySink' || source['type'] !== 'BinarySource' || input.type !== 'Binary' || output.type !== 'Binary')
    throw new LakesteadError('FACTORY_INVALID', 'a Binary dataset is copied to a Binary dataset only', {
      hint: 'use a dataset of the format to read its rows',
    });
  refuseOthers(source, 'BinarySource', 'a source of files');
  refuseOthers(sink, 'BinarySink', 'a sink of files');
  refuseOthers(source['formatSettings'], 'BinaryReadSettings', 'formatSettings');
  refuseOthers(sink['storeSettings'], 'AzureBlobFSWriteSettings', 'storeSettings');
  for (const dataset of [input, output]) refuseOthers(dataset.typeProperties, 'Binary', `the dataset '${dataset.name}'`);
  const files = await findFiles(input, source['storeSettings'], scope);
  const { folder, file } = fileLocation(output);
  const behavior = copyBehavior(sink['storeSettings']);
  const deletes = isOn(source['storeSettings'], 'deleteFilesAfterCompletion');
  await using staging = openStaging(folder, scope);
  const isOne = behavior === 'MergeFiles' || file !== '';
  if (file !== '' && files.length > 1 && behavior !== 'MergeFiles')
    throw new LakesteadError('FACTORY_INVALID', `${files.length} files cannot all become ${file}`, {
      hint: 'take fileName out of the dataset of the sink, or set copyBehavior to MergeFiles',
    });
  if (isOne) await write(files, file === '' ? generatedName('') : file);
  else for (const one of files) await write([one], behavior === 'FlattenHierarchy' ? generatedName(extensionOf(one)) : one.relativePath);
  const written = await staging.publish();
  if (deletes) await remove(files, scope);
  const bytesRead = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return { filesRead: files.length, filesWritten: written.files, bytesRead, bytesWritten: written.bytes };

  async function write(from: readonly FoundFile[], path: string): Promise<void> {
    if (deletes) await refuseItself(`${folder}/${path}`, files, scope);
    const staged = await staging.stage(path);
    for (const [index, { address }] of from.entries()) {
      const readable = await readBytes(address, scope);
      await pipeline(readable, createWriteStream(staged.localPath, { flags: index === 0 ? 'w' : 'a' }), { signal: scope.signal });
    }
  }
}

/** What is written must not be among what is deleted afterwards. */
async function refuseItself(target: string, files: readonly FoundFile[], scope: ActivityScope): Promise<void> {
  const { lake } = scope.state.ports;
  const to = await lake.resolve(target);
  for (const { address } of files) {
    const from = await lake.resolve(address);
    if (from.store === to.store && from.path === to.path)
      throw new LakesteadError('FACTORY_INVALID', `${address} is read and written, and deleteFilesAfterCompletion would delete it`, {
        hint: 'copy to another folder, or take deleteFilesAfterCompletion out',
      });
  }
}

async function remove(files: readonly FoundFile[], scope: ActivityScope): Promise<void> {
  for (const { address } of files) {
    const { store, path } = await scope.state.ports.lake.resolve(address);
    await store.delete(path, { signal: scope.signal });
  }
}

function extensionOf({ relativePath }: FoundFile): string {
  return /\.[^./]+$/.exec(relativePath)?.[0] ?? '';
}
