export { type AzureCredential, type AzureSettings } from './azure/azure-settings.ts';
export { openAzureStore } from './azure/azure-store.ts';
export { type RetryLimits } from './azure/retry.ts';
export { RemoteCache, type RemoteCacheOptions, type RemoteCacheState } from './cache/remote-cache.ts';
export { type FileSystem, nodeFileSystem } from './file-system.ts';
export { type Lake, type LakeAddress, type LakeOptions, type LakePlace, type LakeRoot, openLake, parseLakeAddress } from './lake.ts';
export { type LocalStoreOptions, openLocalStore } from './local-store.ts';
export { openMemoryStore } from './memory-store.ts';
export type {
  ByteRange,
  FolderEntry,
  ObjectInfo,
  ObjectStore,
  ReadableOptions,
  StagedFile,
  StagedFolder,
  StoreCall,
  StoreTraffic,
} from './object-store.ts';
