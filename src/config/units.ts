/** Bytes of a size as the schema takes it: `512MB`, `4 GiB`; MB is a million as the engine reads it. */
export function parseBytes(text: string): number {
  const [, number = '0', unit = ''] = /^([\d.]+) ?([A-Za-z]+)$/.exec(text) ?? [];
  const power = 'kmgt'.indexOf(unit.charAt(0).toLowerCase()) + 1;
  return Math.floor(Number(number) * (/ib$/i.test(unit) ? 1024 : 1000) ** power);
}

/** Milliseconds of a time as the schema takes it: `500ms`, `30s`, `2min`. */
export function parseDurationMs(text: string): number {
  const [, number = '0', unit = 'ms'] = /^(\d+) ?(ms|s|min)$/.exec(text) ?? [];
  return Number(number) * ({ ms: 1, s: 1000, min: 60_000 }[unit] ?? 1);
}
