import { randomUUID } from 'node:crypto';

import { z } from 'zod';

import { LakesteadError } from '#core';

import type { Action } from './actions.ts';
import { addOf, newCommitInfo, removes } from './commit-actions.ts';
import { loadDeletionVector } from './deletion-vector.ts';
import { writeDeletionVectors } from './deletion-vector-write.ts';
import { featuresOf, upgradeProtocol } from './features.ts';
import { encodeFilePath, isAbsolutePath } from './file-path.ts';
import { logFolder } from './log-segment.ts';
import { parseJson } from './parse-json.ts';
import { checkProperties } from './properties.ts';
import { defineTable } from './evolve.ts';
import { describeLocation, loadSnapshot, type Snapshot, type SnapshotOptions, type TableLocation } from './snapshot.ts';
import { nothingStaged } from './stage.ts';
import type { CommitResult, WriteOptions } from './table.ts';
import { finish, loadForWrite } from './write.ts';

/** What is cloned, and where to. */
export type CloneOptions = Pick<WriteOptions, 'lease' | 'signal' | 'userMetadata'> &
  Pick<SnapshotOptions, 'version' | 'timestamp'> & {
    readonly target: TableLocation;
    /** Properties of the clone, beside those that it has from its source. */
    readonly properties?: Readonly<Record<string, string>> | undefined;
    /** Takes the place of a table that is there. */
    readonly replace?: boolean | undefined;
  };

/**
 * Makes a table that reads the files of another one where they are: see {@link DeltaTable.clone}. The source notes that its files
 * are used, so that a vacuum of ours leaves them.
 *
 * @throws {LakesteadError} `DELTA_CONFLICT` when there is a table already, `DELTA_UNSUPPORTED` across stores
 */
export async function cloneTable(source: TableLocation, options: CloneOptions): Promise<CommitResult> {
  const { target, version, timestamp, lease, signal, properties = {} } = options;
  const snapshot = await loadSnapshot(source, { version, timestamp, lease, signal });
  if (source.store.traffic !== undefined && source.store.root !== target.store.root)
    throw new LakesteadError(
      'DELTA_UNSUPPORTED',
      `${snapshot.table} cannot be cloned to ${describeLocation(target)}, which is in another storage`,
      {
        hint: 'CREATE TABLE ... AS SELECT copies the rows',
      },
    );
  const before = options.replace === true ? await loadForWrite(target, { lease, signal }, true).catch(unlessMissing) : undefined;
  checkProperties(properties, describeLocation(target));
  const metadata = {
    ...snapshot.metadata,
    id: before?.metadata.id ?? randomUUID(),
    configuration: { ...snapshot.metadata.configuration, ...properties },
  };
  const { protocol, metadata: defined } = defineTable({ ...snapshot, metadata: snapshot.metadata }, { metadata, schema: snapshot.schema }, describeLocation(target)); // prettier-ignore
  const { reader, writer } = featuresOf(protocol);
  const merged = before === undefined ? protocol : upgradeProtocol(before.protocol, [...reader, ...writer], before.table);
  const { adds, objectPath } = await addsOf(source, snapshot, target);
  const domains = [...snapshot.log.domains.values()].filter(({ removed }) => !removed).map((domainMetadata) => ({ domainMetadata }));
  const commitInfo = newCommitInfo(
    'CLONE',
    { source: `delta.\`${snapshot.table}\``, sourceVersion: String(snapshot.version), isShallow: 'true' },
    before?.version,
    false,
    { sourceTableSize: snapshot.files.totalBytes, sourceNumOfFiles: snapshot.files.count, numCopiedFiles: 0, copiedFilesSize: 0 },
    options,
  );
  const note = await registerClone(source, snapshot, target, defined.id);
  return await finish(
    target,
    { ...nothingStaged, objectPaths: objectPath === undefined ? [] : [objectPath] },
    {
      readVersion: before?.version ?? -1,
      actions: [{ protocol: merged }, { metaData: defined }, ...domains, ...adds, ...(before === undefined ? [] : removes(before))],
      commitInfo,
      reads: 'table',
    },
    before?.files.count ?? 0,
    before,
    options,
  ).catch(async (error: unknown) => {
    // A clone that certainly was not made needs nothing; the table in whose place it was to be keeps its own note.
    if (before === undefined && error instanceof LakesteadError && error.code === 'DELTA_CONFLICT') await source.store.delete(note);
    throw error;
  });
}

function unlessMissing(error: unknown): undefined {
  if (error instanceof LakesteadError && error.code === 'DELTA_NOT_A_TABLE') return undefined;
  throw error;
}

/** The files by their whole addresses; their deletion vectors are written anew beside the clone. */
async function addsOf(
  source: TableLocation,
  snapshot: Snapshot,
  target: TableLocation,
): Promise<{ adds: readonly Action[]; objectPath: string | undefined }> {
  const { files } = snapshot;
  const marked = [...files.deletionVectors].map(([index, vector]) => ({ index, vector }));
  const rows = await Promise.all(marked.map(async ({ vector }) => await loadDeletionVector(source.store, source.path, vector)));
  const { descriptors, objectPath } = await writeDeletionVectors(target.store, target.path, rows);
  const vectors = new Map(marked.map(({ index }, position) => [index, descriptors[position]]));
  const adds = files.paths.map((path, index) => ({
    add: { ...addOf(snapshot, index), path: absoluteUri(source, path), deletionVector: vectors.get(index), dataChange: true },
  }));
  return { adds, objectPath };
}

/** A file's whole address as a URI. Spark compares them as texts, and writes local ones with one slash. */
function absoluteUri({ store, path: folder }: TableLocation, path: string): string {
  if (isAbsolutePath(path) && !path.startsWith('/')) return path;
  const inStore = [folder, path].filter((part) => part !== '').join('/');
  if (!path.startsWith('/') && !store.root.startsWith('/')) return `${store.root}/${encodeFilePath(inStore)}`;
  return `file:${encodeFilePath(path.startsWith('/') ? path : `${store.root}/${inStore}`)}`;
}

const registry = '_lakestead_clones';

/** What a clone needs of its source: where it is, and the source's files. */
const registeredSchema = z.object({ clone: z.string(), paths: z.array(z.string()) });

/** Notes in the source that a clone reads these files; says where. */
async function registerClone(source: TableLocation, { files }: Snapshot, target: TableLocation, id: string): Promise<string> {
  const note: z.infer<typeof registeredSchema> = {
    clone: describeLocation(target),
    paths: files.paths.filter((path) => !isAbsolutePath(path)),
  };
  const path = `${logFolder(source.path)}/${registry}/${id}.json`;
  await source.store.put(path, Buffer.from(JSON.stringify(note)));
  return path;
}

/** The files of a table that clones of it read: a vacuum leaves them. A clone of the same store that is gone needs nothing any more. */
export async function clonedFiles({ store, path }: TableLocation): Promise<ReadonlySet<string>> {
  const folder = `${logFolder(path)}/${registry}`;
  const needed = new Set<string>();
  for (const { name } of (await store.entries(folder)) ?? []) {
    const note = registeredSchema.safeParse(parseJson(new TextDecoder().decode(await store.get(`${folder}/${name}`)))).data;
    if (note === undefined)
      throw new LakesteadError(
        'DELTA_CORRUPT',
        `the note of a clone at ${folder}/${name} cannot be read, so that nobody knows what it needs`,
        {
          hint: 'remove the note when the clone is gone',
        },
      );
    const inside = note.clone.startsWith(`${store.root}/`) ? note.clone.slice(store.root.length + 1) : undefined;
    const isGone = inside !== undefined && (await store.entries(logFolder(inside))) === undefined;
    if (isGone) await store.delete(`${folder}/${name}`);
    else for (const file of note.paths) needed.add(file);
  }
  return needed;
}
