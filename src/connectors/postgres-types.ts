import { DuckDBBlobValue, DuckDBDateValue, DuckDBDecimalValue, DuckDBTimestampTZValue, DuckDBTimestampValue } from '@duckdb/node-api';
import type pg from 'pg';

import type { SqlValue } from '#sql';

/** How a column of PostgreSQL becomes one of the lake. */
export type Decoder = {
  readonly lakeType: string;
  /** The value from PostgreSQL's own text of it; `undefined` when the lake's type has no such value. */
  readonly decode: (text: string) => SqlValue | undefined;
};

/** Exact for every type: arrays, intervals, money, enums and what an extension brings stay as PostgreSQL writes them. */
const asText: Decoder = { lakeType: 'VARCHAR', decode: (text) => text };

const microsPerDay = 86_400_000_000n;

/** By PostgreSQL's type OIDs (`pg_type.dat`), which never change. */
const byOid: Readonly<Record<number, Decoder>> = {
  16: { lakeType: 'BOOLEAN', decode: (text) => text === 't' },
  17: { lakeType: 'BLOB', decode: (text) => new DuckDBBlobValue(Buffer.from(text.slice(2), 'hex')) },
  20: { lakeType: 'BIGINT', decode: BigInt },
  21: { lakeType: 'SMALLINT', decode: Number },
  23: { lakeType: 'INTEGER', decode: Number },
  26: { lakeType: 'BIGINT', decode: BigInt },
  700: { lakeType: 'FLOAT', decode: Number },
  701: { lakeType: 'DOUBLE', decode: Number },
  1082: { lakeType: 'DATE', decode: (text) => whenFinite(text, (micros) => new DuckDBDateValue(Number(micros / microsPerDay))) },
  1114: { lakeType: 'TIMESTAMP', decode: (text) => whenFinite(text, (micros) => new DuckDBTimestampValue(micros)) },
  1184: { lakeType: 'TIMESTAMP WITH TIME ZONE', decode: (text) => whenFinite(text, (micros) => new DuckDBTimestampTZValue(micros)) },
};

/** The decoder of a column of a result. Domains arrive as the type that they are made of. */
export function decoderOf(field: pg.FieldDef): Decoder {
  return field.dataTypeID === 1700 ? decimalOf(field.dataTypeModifier) : (byOid[field.dataTypeID] ?? asText);
}

/** `numeric(p,s)` is in the modifier; without one, beyond 38 digits or with a scale outside them only text is exact. */
function decimalOf(typeModifier: number): Decoder {
  const modifier = typeModifier - 4;
  const [precision, scale] = [(modifier >> 16) & 0xffff, modifier & 0x7ff];
  if (typeModifier < 0 || precision > 38 || scale > precision) return asText;
  return {
    lakeType: `DECIMAL(${precision},${scale})`,
    decode: (text) => {
      if (text === 'NaN') return undefined;
      const [whole = '', fraction = ''] = text.split('.');
      return new DuckDBDecimalValue(BigInt(whole + fraction.padEnd(scale, '0')), precision, scale);
    },
  };
}

/** A date or timestamp in ISO text by its microseconds since 1970; none for infinity, BC, and years that JavaScript's calendar does not reach. */
function whenFinite<T>(text: string, make: (micros: bigint) => T): T | undefined {
  const match = /^(\d{4,})-(\d\d)-(\d\d)(?: (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(?:\+00)?)?$/.exec(text);
  if (match === null) return undefined;
  const [, year = '', month = '', day = '', hour = '0', minute = '0', second = '0', fraction = ''] = match;
  const midnight = new Date(0).setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  if (Number.isNaN(midnight)) return undefined;
  const seconds = BigInt(midnight / 1000) + BigInt(Number(hour) * 3600 + Number(minute) * 60 + Number(second));
  return make(seconds * 1_000_000n + BigInt(fraction.padEnd(6, '0')));
}
