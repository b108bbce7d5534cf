import { LakesteadError } from '#core';

const flag = /^(?:true|false)$/i;
const count = /^[1-9]\d*$/;
const interval = /^\s*(?:interval\s+)?(\d+)\s+(second|minute|hour|day|week)s?\s*$/i;

/** Properties of tables that have an effect here, and the values that they take. */
const known: Readonly<Record<string, RegExp>> = {
  'delta.appendOnly': flag,
  'delta.checkpointInterval': count,
  'delta.checkpointPolicy': /^(?:classic|v2)$/i,
  'delta.columnMapping.mode': /^(?:none|name|id)$/i,
  'delta.compatibility': /^(?:any|synapse|delta-rs|fabric)$/i,
  'delta.dataSkippingNumIndexedCols': /^(?:-1|\d+)$/,
  'delta.dataSkippingStatsColumns': /^[^\n]*$/,
  'delta.deletedFileRetentionDuration': interval,
  'delta.enableChangeDataFeed': flag,
  'delta.enableDeletionVectors': flag,
  'delta.enableExpiredLogCleanup': flag,
  'delta.enableInCommitTimestamps': flag,
  'delta.enableMaterializePartitionColumnsFeature': flag,
  'delta.enableRowTracking': flag,
  'delta.enableTypeWidening': flag,
  'delta.isolationLevel': /^(?:Serializable|WriteSerializable)$/i,
  'delta.logRetentionDuration': interval,
  'delta.minReaderVersion': /^[1-3]$/,
  'delta.minWriterVersion': /^[1-7]$/,
  'delta.requireCheckpointProtectionBeforeVersion': /^\d+$/,
  'delta.setTransactionRetentionDuration': interval,
  'delta.targetFileSize': /^\s*[1-9]\d*\s*[kmgt]?i?b?\s*$/i,
};

/**
 * Refuses properties in Delta's name that it does not have or that would be without effect here, and values that are none.
 *
 * @throws {LakesteadError} `DELTA_UNSUPPORTED` naming them
 */
export function checkProperties(properties: Readonly<Record<string, string | null>>, table: string): void {
  for (const [key, value] of Object.entries(properties)) {
    if (!key.startsWith('delta.')) continue;
    if (key.startsWith('delta.feature.')) {
      if (/^(?:supported|enabled)$/i.test(value ?? '')) continue;
      throw refuse(`the property ${key} of ${table} is "supported", not "${value ?? ''}"; nothing was written`, key);
    }
    const pattern = known[key];
    if (pattern === undefined)
      throw refuse(
        key.startsWith('delta.constraints.')
          ? `${key} of ${table} is a constraint: ALTER TABLE ... ADD CONSTRAINT makes one; nothing was written`
          : `the property ${key} of ${table} is not supported; nothing was written`,
        key,
      );
    if (!pattern.test(value ?? '')) throw refuse(`the property ${key} of ${table} cannot be "${value ?? ''}"; nothing was written`, key);
  }
}

function refuse(message: string, key: string): LakesteadError {
  return new LakesteadError('DELTA_UNSUPPORTED', message, {
    hint: `properties in Delta's name that are: ${Object.keys(known).join(', ')}`,
    data: { features: [key] },
  });
}

/** What of a statement's properties is no property of the table but asks for features or versions. */
export function splitProperties(properties: Readonly<Record<string, string | null>>): {
  readonly kept: Readonly<Record<string, string | null>>;
  readonly features: readonly string[];
  readonly minReaderVersion: number;
  readonly minWriterVersion: number;
} {
  const prefix = 'delta.feature.';
  const versions = ['delta.minReaderVersion', 'delta.minWriterVersion'];
  const entries = Object.entries(properties);
  return {
    kept: Object.fromEntries(entries.filter(([key]) => !key.startsWith(prefix) && !versions.includes(key))),
    features: entries.flatMap(([key]) => (key.startsWith(prefix) ? [key.slice(prefix.length)] : [])),
    minReaderVersion: Number(properties['delta.minReaderVersion'] ?? 0),
    minWriterVersion: Number(properties['delta.minWriterVersion'] ?? 0),
  };
}

/** Milliseconds of `interval 7 days` and its like; `undefined` when there is none or it cannot be read. */
export function parseInterval(text: string | null | undefined): number | undefined {
  const [, number, unit] = interval.exec(text ?? '') ?? [];
  if (number === undefined || unit === undefined) return undefined;
  const units: Readonly<Record<string, number>> = { second: 1000, minute: 60_000, hour: 3_600_000, day: 86_400_000, week: 604_800_000 };
  return Number(number) * (units[unit.toLowerCase()] ?? 0);
}

/** Bytes of `134217728`, `128mb` or `1gb`; `undefined` when there is none. */
export function parseBytes(text: string | null | undefined): number | undefined {
  const [, number, unit = ''] = /^\s*(\d+)\s*([kmgt]?)i?b?\s*$/i.exec(text ?? '') ?? [];
  const powers: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };
  return number === undefined ? undefined : Number(number) * (powers[unit.toLowerCase()] ?? 1);
}

/** Whether a property is `true`. */
export function isOn(configuration: Readonly<Record<string, string | null>>, key: string): boolean {
  return configuration[key]?.toLowerCase() === 'true';
}
