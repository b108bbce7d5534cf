export type { FolderEntry, ObjectInfo, ObjectStore, StagedFile } from './object-store.ts';
