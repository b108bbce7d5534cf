import { LakesteadError } from '#core';

/** Settings of PostgreSQL that a session keeps: what clients set and ask for when they connect. Names in lower case. */
const defaults: Readonly<Record<string, string>> = {
  application_name: '',
  bytea_output: 'hex',
  client_encoding: 'UTF8',
  client_min_messages: 'notice',
  datestyle: 'ISO, MDY',
  default_transaction_isolation: 'repeatable read',
  default_transaction_read_only: 'off',
  extra_float_digits: '1',
  idle_in_transaction_session_timeout: '0',
  integer_datetimes: 'on',
  intervalstyle: 'postgres',
  is_superuser: 'off',
  jit: 'off',
  lc_collate: 'C',
  lc_ctype: 'C',
  lc_messages: 'C',
  lc_monetary: 'C',
  lc_numeric: 'C',
  lc_time: 'C',
  lock_timeout: '0',
  max_identifier_length: '63',
  max_index_keys: '32',
  row_security: 'on',
  search_path: '"$user", public',
  server_encoding: 'UTF8',
  server_version: '15.0',
  server_version_num: '150000',
  standard_conforming_strings: 'on',
  statement_timeout: '0',
  timezone: 'UTC',
  transaction_isolation: 'repeatable read',
  transaction_read_only: 'off',
};

/** Those that a client is told of when it connects, and whenever they change, by the names under which it is. */
const reported: Readonly<Record<string, string>> = {
  application_name: 'application_name',
  client_encoding: 'client_encoding',
  datestyle: 'DateStyle',
  default_transaction_read_only: 'default_transaction_read_only',
  integer_datetimes: 'integer_datetimes',
  intervalstyle: 'IntervalStyle',
  is_superuser: 'is_superuser',
  server_encoding: 'server_encoding',
  server_version: 'server_version',
  session_authorization: 'session_authorization',
  standard_conforming_strings: 'standard_conforming_strings',
  timezone: 'TimeZone',
};

const fixed = new Set(['integer_datetimes', 'server_encoding', 'server_version', 'server_version_num', 'is_superuser', 'max_identifier_length', 'max_index_keys', 'session_authorization', 'lc_collate', 'lc_ctype']); // prettier-ignore

/** The settings of one session. */
export class Settings {
  readonly #startup = new Map<string, string>(Object.entries(defaults));
  readonly #values: Map<string, string>;

  constructor(user: string) {
    this.#startup.set('session_authorization', user);
    this.#values = new Map(this.#startup);
  }

  /** True for a setting of PostgreSQL: others are the engine's. Names with a point are the client's own, and kept. */
  has(name: string): boolean {
    return this.#values.has(name.toLowerCase()) || /^[a-z_]\w*\.\w+$/i.test(name);
  }

  get(name: string): string | undefined {
    return this.#values.get(name.toLowerCase());
  }

  /**
   * @returns what changed
   * @throws {LakesteadError} `SQL_NOT_SUPPORTED` for a value that would change what the client reads
   */
  set(name: string, value: string): readonly string[] {
    const key = name.toLowerCase();
    const checked = checkValue(key, value);
    this.#values.set(key, checked);
    return [key];
  }

  /** Back to what it was when the session began; without a name all are. */
  reset(name?: string): readonly string[] {
    const changed: string[] = [];
    for (const key of name === undefined ? [...this.#values.keys()] : [name.toLowerCase()]) {
      const before = this.#startup.get(key);
      if (before === this.#values.get(key)) continue;
      if (before === undefined) this.#values.delete(key);
      else this.#values.set(key, before);
      changed.push(key);
    }
    return changed;
  }

  /** What was set so far is what {@link reset} goes back to: for what came with the first message. */
  keep(): void {
    for (const [key, value] of this.#values) this.#startup.set(key, value);
  }

  /** What a client is told, by the names it knows. */
  reported(): readonly (readonly [name: string, value: string])[] {
    return Object.entries(reported).map(([key, name]) => [name, this.#values.get(key) ?? '']);
  }

  all(): readonly (readonly [name: string, value: string])[] {
    return [...this.#values].toSorted(([a], [b]) => (a < b ? -1 : 1));
  }
}

const units: Readonly<Record<string, number>> = { '': 1, us: 0.001, ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * A time as PostgreSQL's settings have it, in milliseconds: `1500`, `5s`, `2 min`.
 *
 * @throws {LakesteadError} `SQL_TYPE`
 */
export function durationMs(text: string): number {
  const [, amount, unit = ''] = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text) ?? [];
  const scale = units[unit.toLowerCase()];
  if (amount !== undefined && scale !== undefined) return Math.ceil(Number(amount) * scale);
  throw new LakesteadError('SQL_TYPE', `${JSON.stringify(text)} is no time: write milliseconds, or 5s`, { data: { sqlstate: '22023' } });
}

function checkValue(key: string, value: string): string {
  const refuse = (state: string, hint: string) =>
    new LakesteadError('SQL_NOT_SUPPORTED', `${key} cannot be ${JSON.stringify(value)} here`, { hint, data: { sqlstate: state } });
  if (fixed.has(key)) throw refuse('55P02', 'the setting cannot be changed');
  switch (key) {
    case 'client_encoding':
      if (/^(?:utf-?8|unicode)$/i.test(value)) return 'UTF8';
      // What psql and others send where they know no better: texts go over as UTF-8 all the same.
      if (/^(?:sql_?ascii)$/i.test(value)) return 'SQL_ASCII';
      throw refuse('22023', 'texts are UTF-8');
    case 'datestyle':
      if (/^iso\b/i.test(value) || /^(?:mdy|dmy|ymd)$/i.test(value)) return /dmy/i.test(value) ? 'ISO, DMY' : /ymd/i.test(value) ? 'ISO, YMD' : 'ISO, MDY'; // prettier-ignore
      throw refuse('22023', 'dates are written as ISO 8601');
    case 'intervalstyle':
      if (/^postgres$/i.test(value)) return 'postgres';
      throw refuse('22023', 'intervals are written in the style postgres');
    case 'bytea_output':
      if (/^hex$/i.test(value)) return 'hex';
      throw refuse('22023', 'bytes are written as hex');
    case 'statement_timeout':
      durationMs(value);
      return value;
    case 'idle_in_transaction_session_timeout':
    case 'lock_timeout':
      if (durationMs(value) === 0) return value;
      throw refuse('0A000', 'it has no effect here: 0 alone is taken');
    case 'default_transaction_read_only':
    case 'transaction_read_only':
      if (/^(?:on|true|1|yes)$/i.test(value)) return 'on';
      if (/^(?:off|false|0|no)$/i.test(value)) return 'off';
      throw refuse('22023', 'it is on or off');
    case 'standard_conforming_strings':
      if (/^(?:on|true|1|yes)$/i.test(value)) return 'on';
      throw refuse('22023', 'a backslash in a text is a backslash');
    default:
      return value;
  }
}
