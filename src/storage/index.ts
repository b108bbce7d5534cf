export { type FileSystem, nodeFileSystem } from './file-system.ts';
export { type Lake, type LakeAddress, type LakeOptions, type LakePlace, openLake, parseLakeAddress } from './lake.ts';
export { type LocalStoreOptions, openLocalStore } from './local-store.ts';
export { openMemoryStore } from './memory-store.ts';
export type { FolderEntry, ObjectInfo, ObjectStore, StagedFile, StagedFolder } from './object-store.ts';
