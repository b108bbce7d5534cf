import { LakesteadError } from '#core';

import { isObject, type Value } from '../expression/index.ts';
import { refuseOthers } from './refuse-options.ts';
import { type BoundDataset, fileLocation } from './resolve-dataset.ts';
import type { ActivityScope } from './run-pipeline.ts';

/** A file that a source reads, by its address in the lake. */
export type FoundFile = { readonly address: string; readonly sizeBytes: number };

/**
 * Finds the files of a dataset: the one it names, or those of its folder by the wildcards of `storeSettings`. Without
 * `recursive: false` the folders below count too.
 *
 * @throws STORAGE_NOT_FOUND when there is none
 */
export async function findFiles(
  dataset: BoundDataset,
  storeSettings: Value | undefined,
  scope: ActivityScope,
): Promise<readonly FoundFile[]> {
  refuseOthers(storeSettings, 'AzureBlobFSReadSettings', 'storeSettings');
  const settings = isObject(storeSettings) ? storeSettings : {};
  const { folder, file } = fileLocation(dataset);
  const wildcard = (name: string) => (typeof settings[name] === 'string' && settings[name] !== '' ? settings[name] : undefined);
  const [fileName, folderPath] = [wildcard('wildcardFileName'), wildcard('wildcardFolderPath')];
  const { lake } = scope.state.ports;
  if (file !== '' && fileName === undefined) {
    const { store, path } = await lake.resolve(`${folder}/${file}`);
    const found = await store.find(path);
    if (found !== undefined) return [{ address: `${folder}/${file}`, sizeBytes: found.sizeBytes }];
    throw new LakesteadError('STORAGE_NOT_FOUND', `there is no file at ${folder}/${file}`);
  }
  // A wildcard folder counts from the file system, not from the dataset's folder.
  const root = folderPath === undefined ? folder : containerOf(dataset, folder);
  const { store, path } = await lake.resolve(root);
  const isRecursive = settings['recursive'] !== false;
  const files: FoundFile[] = [];
  const prefix = path === '' ? '' : `${path}/`;
  for await (const object of store.list(path)) {
    const relative = object.path.slice(prefix.length);
    const parts = relative.split('/');
    const name = parts.pop() ?? '';
    const folders = parts.join('/');
    if (folderPath === undefined ? !isRecursive && folders !== '' : !matchesFolder(folders, folderPath, isRecursive)) continue;
    if (fileName === undefined || glob(fileName).test(name)) files.push({ address: `${root}/${relative}`, sizeBytes: object.sizeBytes });
  }
  if (files.length > 0) return files;
  throw new LakesteadError(
    'STORAGE_NOT_FOUND',
    `there is no file at ${[root, folderPath, fileName].filter((one) => one !== undefined).join('/')}`,
  );
}

/** True for a folder that the wildcard names, and for those below it. */
function matchesFolder(folders: string, pattern: string, isRecursive: boolean): boolean {
  const parts = folders.split('/');
  const wanted = pattern.replaceAll(/^\/+|\/+$/g, '').split('/');
  if (parts.length < wanted.length || (!isRecursive && parts.length > wanted.length)) return false;
  return wanted.every((part, index) => glob(part).test(parts[index] ?? ''));
}

/** `*` for any characters, `?` for one; `^` makes the next one itself, as the Copy activity has it. */
function glob(pattern: string): RegExp {
  const source = pattern.replaceAll(/\^([\s\S])|([\s\S])/g, (_, escaped: string | undefined, plain: string | undefined) => {
    if (plain === '*') return '.*';
    return plain === '?' ? '.' : (escaped ?? plain ?? '').replace(/[\\^$.*+?()[\]{}|/-]/, '\\$&');
  });
  return new RegExp(`^${source}$`, 's');
}

function containerOf(dataset: BoundDataset, folder: string): string {
  const location = dataset.typeProperties['location'];
  const inside =
    isObject(location) && typeof location['folderPath'] === 'string' ? location['folderPath'].replaceAll(/^\/+|\/+$/g, '') : '';
  return inside === '' ? folder : folder.slice(0, -inside.length - 1);
}
