import { LakesteadError } from '#core';

import type { ValueStyle } from './encode-column.ts';
import { formatOffset, infiniteMicros } from './text-format.ts';

const utc = { shift: 0n, suffix: '+00' };

/**
 * How timestamps look in a time zone, by its name in the IANA database.
 *
 * @throws {LakesteadError} `SQL_TYPE` for a zone that is not known
 */
export function timeZoneStyle(zone: string): ValueStyle {
  if (/^(?:utc|gmt|z|etc\/utc|zulu|universal)$/i.test(zone)) return { zoneOf: () => utc };
  const format = formatOf(zone);
  const known = new Map<number, ReturnType<ValueStyle['zoneOf']>>();
  return {
    zoneOf: (micros) => {
      if (micros === infiniteMicros || micros === -infiniteMicros) return utc;
      // Clocks are set at whole quarters of an hour: within one the difference is the same.
      const quarter = Math.floor(Number(micros / 900_000_000n));
      let found = known.get(quarter);
      if (found === undefined) {
        const seconds = offsetAt(format, quarter * 900_000);
        found = { shift: BigInt(seconds) * 1_000_000n, suffix: formatOffset(seconds) };
        if (known.size > 10_000) known.clear();
        known.set(quarter, found);
      }
      return found;
    },
  };
}

function formatOf(zone: string): Intl.DateTimeFormat {
  try {
    // Differences such as +02 are no names: PostgreSQL and others read their signs differently.
    if (/^[-+\d]/.test(zone)) throw new RangeError(zone);
    return new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' });
  } catch {
    throw new LakesteadError('SQL_TYPE', `there is no time zone ${JSON.stringify(zone)}`, { data: { sqlstate: '22023' } });
  }
}

function offsetAt(format: Intl.DateTimeFormat, milliseconds: number): number {
  // Beyond what JavaScript's dates reach the zone has its standard difference.
  const name =
    format.formatToParts(Math.max(-8.64e15, Math.min(8.64e15, milliseconds))).find(({ type }) => type === 'timeZoneName')?.value ?? '';
  const [, sign, hours, minutes, seconds = '0'] = /([+-])(\d\d):(\d\d)(?::(\d\d))?$/.exec(name) ?? [];
  return hours === undefined ? 0 : (sign === '-' ? -1 : 1) * (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds));
}
