import type { Action, AddFile, CommitInfo, Metadata, Protocol } from './actions.ts';
import { domainNames, rowIdHighWaterMark } from './domain-metadata.ts';
import { featuresOf } from './features.ts';
import { parseStatistics } from './pruning.ts';
import { isOn } from './properties.ts';
import type { Snapshot } from './snapshot.ts';

/** What a table's features put into each commit at the moment of writing it: ids of rows, and a time that only grows. */
export type CommitRules = {
  readonly numbersRows: boolean;
  /** The highest row id that was given out; -1 for none. */
  readonly highWaterMark: number;
  readonly isTimed: boolean;
  /** The table's commits had no time of their own before this one. */
  readonly startsTime: boolean;
  /** Of the commit before, milliseconds since 1970. */
  readonly lastTime: number;
};

/** The rules for a commit on a snapshot (none for a new table) that may itself change protocol and metadata. */
export function rulesOf(snapshot: Snapshot | undefined, actions: readonly Action[]): CommitRules {
  const protocol: Protocol | undefined = actions.find((action) => action.protocol)?.protocol ?? snapshot?.protocol;
  const metadata: Metadata | undefined = actions.find((action) => action.metaData)?.metaData ?? snapshot?.metadata;
  const isTimed = metadata !== undefined && isOn(metadata.configuration, timed);
  return {
    numbersRows: protocol !== undefined && featuresOf(protocol).writer.includes('rowTracking'),
    highWaterMark: rowIdHighWaterMark(snapshot?.log.domains.get(domainNames.rowTracking)) ?? -1,
    isTimed,
    startsTime: isTimed && snapshot !== undefined && !isOn(snapshot.metadata.configuration, timed),
    lastTime: snapshot?.timestamp.getTime() ?? 0,
  };
}

const timed = 'delta.enableInCommitTimestamps';

/** The rules after another writer's commit, which was not seen when these were made. */
export function afterCommit(rules: CommitRules, winner: readonly Action[]): CommitRules {
  const marks = winner.flatMap(({ domainMetadata }) =>
    domainMetadata?.domain === domainNames.rowTracking ? [rowIdHighWaterMark(domainMetadata) ?? -1] : [],
  );
  const info = winner.find(({ commitInfo }) => commitInfo)?.commitInfo;
  return {
    ...rules,
    highWaterMark: Math.max(rules.highWaterMark, ...marks),
    lastTime: Math.max(rules.lastTime, info?.inCommitTimestamp ?? info?.timestamp ?? 0),
  };
}

/** The actions of a commit as that version, `commitInfo` first. */
export function applyRules(
  rules: CommitRules,
  version: number,
  commitInfo: CommitInfo,
  actions: readonly Action[],
  now = Date.now(),
): readonly Action[] {
  const time = rules.isTimed ? Math.max(now, rules.lastTime + 1) : undefined;
  const info = time === undefined ? commitInfo : { ...commitInfo, timestamp: time, inCommitTimestamp: time };
  let next = rules.highWaterMark + 1;
  const number = (add: AddFile): AddFile => {
    if (!rules.numbersRows) return add;
    const baseRowId = add.baseRowId ?? next;
    if (add.baseRowId === undefined) next += parseStatistics(add.stats ?? null)?.numRecords ?? 0;
    return { ...add, baseRowId, defaultRowCommitVersion: add.defaultRowCommitVersion ?? version };
  };
  const done = actions.map((action): Action => {
    if (action.add) return { ...action, add: number(action.add) };
    if (!action.metaData || !rules.startsTime) return action;
    const enabled = { 'delta.inCommitTimestampEnablementVersion': String(version), 'delta.inCommitTimestampEnablementTimestamp': String(time) }; // prettier-ignore
    return { metaData: { ...action.metaData, configuration: { ...action.metaData.configuration, ...enabled } } };
  });
  const mark: Action[] =
    next === rules.highWaterMark + 1
      ? []
      : [
          {
            domainMetadata: {
              domain: domainNames.rowTracking,
              configuration: JSON.stringify({ rowIdHighWaterMark: next - 1 }),
              removed: false,
            },
          },
        ];
  return [{ commitInfo: info }, ...done, ...mark];
}
