/** A table for a person: header, rule, rows. Numbers are set right when every filled cell of a column is one. */
export function formatTable(headers: readonly string[], rows: readonly (readonly string[])[], maxCellWidth = 60): string {
  const cells = rows.map((row) => row.map((cell) => clip(cell.replaceAll(/\s+/g, ' '), maxCellWidth)));
  const widths = headers.map((header, index) => Math.max(displayWidth(header), ...cells.map((row) => displayWidth(row[index] ?? ''))));
  const isNumeric = headers.map(
    (_, index) => cells.length > 0 && cells.every((row) => /^-?[\d.,]*( [kMGT]?i?B| ms| s)?$/.test(row[index] ?? '')),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, index) => {
        const blanks = ' '.repeat(Math.max(0, (widths[index] ?? 0) - displayWidth(cell)));
        return isNumeric[index] ? blanks + cell : cell + blanks;
      })
      .join('  ')
      .trimEnd();
  return [line(headers), widths.map((width) => '─'.repeat(width)).join('  '), ...cells.map(line)].join('\n');
}

/** Columns that a text takes on a terminal: wide East Asian characters and emoji take two, marks none. */
function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) {
    if (/\p{Mark}/u.test(character)) continue;
    width +=
      /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Extended_Pictographic}/u.test(
        character,
      )
        ? 2
        : 1;
  }
  return width;
}

function clip(text: string, width: number): string {
  return displayWidth(text) <= width
    ? text
    : `${Array.from(text)
        .slice(0, width - 1)
        .join('')}…`;
}

/** `1234567` as `1,234,567`. */
export function formatCount(count: number | bigint): string {
  return count.toLocaleString('en-US');
}

/** `1 row`, `1,234 rows`. */
export function formatRows(count: number | bigint): string {
  return `${formatCount(count)} ${Number(count) === 1 ? 'row' : 'rows'}`;
}

/** Bytes as people read them: `512 B`, `1.4 MB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** A duration as people read it: `12 ms`, `3.4 s`, `2 min 5 s`. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 1000) return `${Math.round(durationMs)} ms`;
  if (durationMs < 60_000) return `${(durationMs / 1000).toFixed(1)} s`;
  return `${Math.floor(durationMs / 60_000)} min ${Math.round((durationMs % 60_000) / 1000)} s`;
}
