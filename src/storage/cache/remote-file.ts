import { type FileHandle, open } from 'node:fs/promises';

import { LakesteadError } from '#core';

import { checkCancelled } from '../cancelled.ts';
import { classifyFileError } from '../file-error.ts';
import type { ByteRange } from '../object-store.ts';
import { countBytes, joinRanges, splitRanges, subtractRanges } from './byte-ranges.ts';
import { footerLength, type ParquetLayout, readLayout } from './parquet-layout.ts';

/** One state of a remote object. `read` gives just the range, of just this state. */
export type RemoteObject = {
  /** Tells this state from all others: address and ETag. */
  readonly key: string;
  readonly sizeBytes: number;
  /** @throws when the object has changed meanwhile */
  read(range: ByteRange, signal?: AbortSignal): Promise<Uint8Array>;
};

/** Pieces this near are fetched as one: a request costs more than the bytes between. */
const joinGapBytes = 32 * 1024;
const partBytes = 8 * 1024 * 1024;
/** How much of the end is fetched at first, in the hope that it holds the footer. */
const tailBytes = 32 * 1024;

/** Room in the cache: taken before bytes are fetched, given back when they did not come. */
export type Room = { take(bytes: number): void; giveBack(bytes: number): void };

/** A sparse local file of a remote object's length, into which pieces are fetched once each. */
export class RemoteFile {
  readonly localPath: string;
  readonly sizeBytes: number;
  /** How many read it now: it may not be removed while there is one. */
  pins = 0;
  /** Bytes that are here or on their way. */
  bytes = 0;
  readonly #room: Room;
  #had: readonly ByteRange[] = [];
  readonly #coming = new Map<Promise<void>, ByteRange>();
  #layout: Promise<ParquetLayout | undefined> | undefined;
  /** Open only while something is fetched: a cache of many small files must not use up what a process may open. */
  #file: Promise<FileHandle> | undefined;
  #fetches = 0;
  #isMade = false;

  constructor(localPath: string, sizeBytes: number, room: Room) {
    this.localPath = localPath;
    this.sizeBytes = sizeBytes;
    this.#room = room;
  }

  /** Makes the columns (default all) readable at `localPath`. A piece that another reader is fetching is waited for. */
  async fetch(object: RemoteObject, columns: readonly (string | number)[] | undefined, signal: AbortSignal | undefined): Promise<void> {
    this.#fetches += 1;
    try {
      await this.#handle(); // an empty object has nothing to fetch, but a file
      const layout = columns === undefined ? undefined : await this.#findLayout(object, signal);
      const wanted = layout === undefined || columns === undefined ? [{ start: 0, end: this.sizeBytes }] : rangesOf(layout, columns);
      await this.#fetchRanges(object, wanted, signal);
    } finally {
      this.#fetches -= 1;
      if (this.#fetches === 0) await this.#close();
    }
  }

  async #findLayout(object: RemoteObject, signal: AbortSignal | undefined): Promise<ParquetLayout | undefined> {
    for (;;) {
      const isOurs = this.#layout === undefined;
      const reading = (this.#layout ??= this.#readLayout(object, signal));
      try {
        return await reading;
      } catch (error) {
        if (this.#layout === reading) this.#layout = undefined;
        // Another reader's attempt may have ended with its signal: ours is still to be made.
        if (isOurs) throw error;
      }
    }
  }

  async #readLayout(object: RemoteObject, signal: AbortSignal | undefined): Promise<ParquetLayout | undefined> {
    const size = this.sizeBytes;
    const tail = await this.#fetchAndRead(object, { start: Math.max(0, size - tailBytes), end: size }, signal);
    const length = footerLength(tail);
    if (length === undefined || length > size) return undefined;
    if (length <= tail.length) return readLayout(tail.subarray(-length), size);
    return readLayout(await this.#fetchAndRead(object, { start: size - length, end: size }, signal), size);
  }

  async #fetchAndRead(object: RemoteObject, range: ByteRange, signal: AbortSignal | undefined): Promise<Uint8Array> {
    await this.#fetchRanges(object, [range], signal);
    const bytes = Buffer.alloc(range.end - range.start);
    await (await this.#handle()).read(bytes, 0, bytes.length, range.start);
    return bytes;
  }

  async #fetchRanges(object: RemoteObject, wanted: readonly ByteRange[], signal: AbortSignal | undefined): Promise<void> {
    for (;;) {
      checkCancelled(signal, `reading ${object.key}`);
      const missing = subtractRanges(joinRanges(wanted), this.#had);
      if (missing.length === 0) return;
      const coming = joinRanges([...this.#coming.values()]);
      const ours = subtractRanges(missing, coming);
      // What lies between our pieces goes along, but nothing that is here or coming.
      const parts = splitRanges(subtractRanges(joinRanges(ours, joinGapBytes), joinRanges([...this.#had, ...coming])), partBytes);
      this.#room.take(countBytes(parts));
      this.bytes += countBytes(parts);
      const own = parts.map((part) => this.#begin(object, part, signal));
      const others = [...this.#coming].flatMap(([fetching, range]) => (countBytes(subtractRanges(missing, [range])) < countBytes(missing) ? [fetching] : [])); // prettier-ignore
      // What another reader fails to fetch is missing still: the next round fetches it.
      const [settled] = await Promise.all([Promise.allSettled(own), Promise.allSettled(others)]);
      const failed = settled.find((result) => result.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    }
  }

  async #begin(object: RemoteObject, part: ByteRange, signal: AbortSignal | undefined): Promise<void> {
    const fetching = this.#fetchPart(object, part, signal);
    this.#coming.set(fetching, part);
    try {
      await fetching;
      this.#had = joinRanges([...this.#had, part]);
    } catch (error) {
      this.bytes -= part.end - part.start;
      this.#room.giveBack(part.end - part.start);
      throw error;
    } finally {
      this.#coming.delete(fetching);
    }
  }

  async #fetchPart(object: RemoteObject, part: ByteRange, signal: AbortSignal | undefined): Promise<void> {
    const file = await this.#handle();
    const bytes = await object.read(part, signal);
    if (bytes.length !== part.end - part.start) throw new LakesteadError('STORAGE_FAILED', `${object.key} gave ${bytes.length} bytes of ${part.end - part.start}`, { retryable: true }); // prettier-ignore
    await file.write(bytes, 0, bytes.length, part.start);
  }

  async #handle(): Promise<FileHandle> {
    const opening = (this.#file ??= this.#open());
    try {
      return await opening;
    } catch (error) {
      if (this.#file === opening) this.#file = undefined; // the next reader tries again
      throw error;
    }
  }

  async #open(): Promise<FileHandle> {
    try {
      // Made once: a file that somebody took away must not come back without what it had.
      const file = await open(this.localPath, this.#isMade ? 'r+' : 'wx+');
      this.#isMade = true;
      await file.truncate(this.sizeBytes);
      return file;
    } catch (cause) {
      throw classifyFileError(cause, 'the cache of remote files');
    }
  }

  async #close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await (await file)?.close();
  }
}

function rangesOf(layout: ParquetLayout, columns: readonly (string | number)[]): readonly ByteRange[] {
  const names = new Set(columns.map((column) => (typeof column === 'number' ? layout.fieldIds.get(column) : column)?.toLowerCase()));
  const chosen = [...layout.columns].filter(([name]) => names.has(name.toLowerCase()));
  return [layout.footer, ...chosen.flatMap(([, ranges]) => ranges)];
}
