import { literal, sql, type Sql, unsafeSql } from '#sql';

import type { SqlServerType } from './types.ts';

/** Microseconds from 1753-01-01, where SQL Server's datetime begins, to 1970-01-01. */
const datetimeOffset = 6_847_804_800_000_000;

/** The local time of a datetimeoffset, which the engine holds as text. */
function localTime(value: Sql): Sql {
  return sql`CAST(left(${value}, least(length(${value}) - 7, 26)) AS TIMESTAMP)`;
}

/** A temporal value as the engine's TIMESTAMP: a time is on 1900-01-01, a datetimeoffset at its local time. */
export function asTimestamp(value: Sql, from: SqlServerType): Sql {
  if (from.name === 'time') {
    const time = from.scale === 7 || from.scale === undefined ? sql`CAST(left(${value}, 15) AS TIME)` : value;
    return sql`(CAST('1900-01-01' AS DATE) + ${time})`;
  }
  return from.name === 'datetimeoffset' ? localTime(value) : sql`CAST(${value} AS TIMESTAMP)`;
}

export function temporalToTemporal(value: Sql, from: SqlServerType, to: SqlServerType): Sql {
  const stamp = asTimestamp(value, from);
  if (from.name === 'datetimeoffset' && to.name === 'datetimeoffset') return withOffset(stamp, sql`right(${value}, 6)`, to.scale ?? 7);
  return roundTemporal(stamp, to);
}

/** A local time and an offset, `+05:30`, as a datetimeoffset. */
export function withOffset(local: Sql, offset: Sql, scale: number): Sql {
  const rounded = roundFraction(local, scale);
  return sql`(strftime(${rounded}, '%Y-%m-%d %H:%M:%S') || ${fractionText(rounded, scale)} || ' ' || ${offset})`;
}

/** A timestamp as a temporal type, with that type's rounding. */
export function roundTemporal(timestamp: Sql, to: SqlServerType): Sql {
  switch (to.name) {
    case 'date':
      return sql`CAST(${timestamp} AS DATE)`;
    case 'datetime': {
      const offset = unsafeSql(String(datetimeOffset));
      // Ticks of 1/300 s, rounded half up, and each tick as whole milliseconds: .000, .003, .007.
      return sql`make_timestamp(((((((epoch_us(${timestamp}) + ${offset}) * 3 + 5000) // 10000) * 20 + 3) // 6) * 1000) - ${offset})`;
    }
    case 'smalldatetime':
      // 29.998 seconds are rounded down to the minute, 29.999 up.
      return sql`date_trunc('minute', ${timestamp} + INTERVAL 30001000 MICROSECONDS)`;
    case 'datetime2':
      return roundFraction(timestamp, to.scale ?? 7);
    case 'time': {
      const time = sql`CAST(${roundFraction(timestamp, to.scale ?? 7)} AS TIME)`;
      return (to.scale ?? 7) <= 6 ? time : sql`(strftime(CAST('1900-01-01' AS DATE) + ${time}, '%H:%M:%S.%f') || '0')`;
    }
    default:
      return withOffset(timestamp, literal('+00:00'), to.scale ?? 7);
  }
}

function roundFraction(timestamp: Sql, scale: number): Sql {
  if (scale >= 6) return timestamp;
  const step = unsafeSql(String(10 ** (6 - scale)));
  const half = unsafeSql(String(10 ** (6 - scale) / 2));
  const offset = unsafeSql('62135596800000000');
  return sql`make_timestamp(((epoch_us(${timestamp}) + ${offset} + ${half}) // ${step}) * ${step} - ${offset})`;
}

/** `.123` and so on; nothing for scale 0. */
export function fractionText(timestamp: Sql, scale: number): Sql {
  if (scale === 0) return sql`''`;
  return sql`('.' || left(strftime(${timestamp}, '%f') || '0', ${unsafeSql(String(scale))}))`;
}
