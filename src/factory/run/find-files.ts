import { ownerPrincipal } from '#access';
import { LakesteadError } from '#core';

import { isObject, parseTimestamp, toEpochMs, type Value, type ValueObject } from '../expression/index.ts';
import { isOn } from './is-on.ts';
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
  const { container, folder, file } = fileLocation(dataset);
  const wildcard = (name: string) => (typeof settings[name] === 'string' && settings[name] !== '' ? settings[name] : undefined);
  const [fileName, folderPath] = [wildcard('wildcardFileName'), wildcard('wildcardFolderPath')];
  const view = (await scope.state.ports.gateway()).look(ownerPrincipal);
  const { signal } = scope;
  const isInTime = modifiedBetween(settings);
  if (file !== '' && fileName === undefined) {
    const found = await view.item(`${folder}/${file}`, { kind: 'file', signal });
    if (found?.kind === 'file' && isInTime(found.info))
      return [{ address: `${folder}/${file}`, relativePath: file.split('/').at(-1) ?? file, sizeBytes: found.info.sizeBytes }];
    throw new LakesteadError('STORAGE_NOT_FOUND', `there is no file at ${folder}/${file}`);
  }
  // A wildcard folder counts from the file system, not from the dataset's folder.
  const root = folderPath === undefined ? folder : container;
  const isRecursive = isOn(settings, 'recursive', true);
  const files: FoundFile[] = [];
  for await (const object of view.files(root, { signal })) {
    const relative = object.relativePath;
    const parts = relative.split('/');
    const name = parts.pop() ?? '';
    const folders = parts.join('/');
    if (folderPath === undefined ? !isRecursive && folders !== '' : !matchesFolder(folders, folderPath, isRecursive)) continue;
    if ((fileName === undefined || matchesName(name, fileName)) && isInTime(object))
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
    try {
      return toEpochMs(parseTimestamp(text).ticks);
    } catch (cause) {
      throw new LakesteadError('FACTORY_INVALID', `${name} "${text}" is no date`, { cause });
    }
  };
  const [start, end] = [bound('modifiedDatetimeStart', -Infinity), bound('modifiedDatetimeEnd', Infinity)];
  return ({ modifiedAt }) => modifiedAt.getTime() >= start && modifiedAt.getTime() < end;
}

/** True for a folder that the wildcard names, and for those below it. */
function matchesFolder(folders: string, pattern: string, isRecursive: boolean): boolean {
  const parts = folders.split('/');
  const wanted = pattern.replaceAll(/^\/+|\/+$/g, '').split('/');
  if (parts.length < wanted.length || (!isRecursive && parts.length > wanted.length)) return false;
  return wanted.every((part, index) => matchesName(parts[index] ?? '', part));
}

/**
 * `*` for any characters, `?` for one; `^` makes the next one itself, as the Copy activity has it. Going back is only ever
 * to the last `*`, so that no pattern takes longer than its length times the name's.
 */
function matchesName(name: string, pattern: string): boolean {
  const wanted = [...pattern.matchAll(/\^([\s\S])|[\s\S]/g)].map(([whole, escaped]) => ({
    text: escaped ?? whole,
    isPlain: escaped !== undefined,
  }));
  const isStar = (at: number) => wanted[at]?.text === '*' && !wanted[at].isPlain;
  const fits = (at: number, character: string | undefined) =>
    wanted[at] !== undefined && (wanted[at].text === character || (wanted[at].text === '?' && !wanted[at].isPlain));
  let [at, star, taken] = [0, -1, 0];
  for (let index = 0; index < name.length;) {
    if (isStar(at)) {
      star = at;
      taken = index;
      at += 1;
    } else if (fits(at, name[index])) {
      at += 1;
      index += 1;
    } else if (star >= 0) {
      at = star + 1;
      taken += 1;
      index = taken;
    } else return false;
  }
  while (isStar(at)) at += 1;
  return at === wanted.length;
}
