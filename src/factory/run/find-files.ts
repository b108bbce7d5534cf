import { LakesteadError } from '#core';

import { isObject, type Value, type ValueObject } from '../expression/index.ts';
import { refuseOthers } from './refuse-options.ts';
import { type BoundDataset, fileLocation } from './resolve-dataset.ts';
import type { ActivityScope } from './activity-scope.ts';

/** A file that a source reads, by its address in the lake. `relativePath` is its path below the source's folder. */
export type FoundFile = { readonly address: string; readonly relativePath: string; readonly sizeBytes: number };

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
  const isInTime = modifiedBetween(settings);
  if (file !== '' && fileName === undefined) {
    const { store, path } = await lake.resolve(`${folder}/${file}`);
    const found = await store.find(path);
    if (found !== undefined && isInTime(found))
      return [{ address: `${folder}/${file}`, relativePath: file.split('/').at(-1) ?? file, sizeBytes: found.sizeBytes }];
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
    if ((fileName === undefined || glob(fileName).test(name)) && isInTime(object))
      files.push({ address: `${root}/${relative}`, relativePath: relative, sizeBytes: object.sizeBytes });
  }
  if (files.length > 0) return files;
  throw new LakesteadError(
    'STORAGE_NOT_FOUND',
    `there is no file at ${[root, folderPath, fileName].filter((one) => one !== undefined).join('/')}`,
  );
}

/** `modifiedDatetimeStart` (inclusive) and `modifiedDatetimeEnd` (exclusive), in UTC where they say no offset. */
export function modifiedBetween(settings: ValueObject): (object: { readonly modifiedAt: Date }) => boolean {
  const bound = (name: string, fallback: number): number => {
    const value = settings[name];
    if (value === undefined || value === null || value === '') return fallback;
    const text = String(value);
    const time = new Date(/(?:Z|[+-]\d\d:?\d\d)$/i.test(text) || !text.includes(':') ? text : `${text.replace(' ', 'T')}Z`).getTime();
    if (Number.isNaN(time)) throw new LakesteadError('FACTORY_INVALID', `${name} "${text}" is no date`);
    return time;
  };
  const [start, end] = [bound('modifiedDatetimeStart', -Infinity), bound('modifiedDatetimeEnd', Infinity)];
  return ({ modifiedAt }) => modifiedAt.getTime() >= start && modifiedAt.getTime() < end;
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
