/**
 * Draws what a terminal showed as a picture: `node tooling/draw-terminal.ts "<title>" < output.txt > picture.svg`.
 * The README's picture: `(cd <empty folder> && lakestead init demo && lakestead run --project demo) 2>&1 | node tooling/draw-terminal.ts "npm start"`.
 */
import { readFileSync } from 'node:fs';

const lineHeight = 18;
const charWidth = 8.4;
const lines = readFileSync(0, 'utf8').replaceAll('\t', '  ').trimEnd().split('\n');
const width = Math.ceil(Math.max(...lines.map((line) => line.length), 60) * charWidth + 40);
const height = lines.length * lineHeight + 64;
const escape = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const colour = (line: string) =>
  /^\s*✓/.test(line)
    ? '#8bd49c'
    : /^\s*✗|^[A-Z_]+:/.test(line)
      ? '#ff8f8f'
      : line.startsWith('Succeeded')
        ? '#8bd49c'
        : /^\s+(silver|gold) /.test(line)
          ? '#8a94a6'
          : '#d8dee9';

const text = lines
  .map((line, index) => `<text x="20" y="${56 + index * lineHeight}" fill="${colour(line)}" xml:space="preserve">${escape(line)}</text>`)
  .join('\n');
process.stdout
  .write(`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="14">
<rect width="100%" height="100%" rx="10" fill="#1b2130"/>
<circle cx="22" cy="20" r="6" fill="#ff5f57"/><circle cx="42" cy="20" r="6" fill="#febc2e"/><circle cx="62" cy="20" r="6" fill="#28c840"/>
<text x="86" y="25" fill="#8a94a6">${escape(process.argv[2] ?? '')}</text>
${text}
</svg>
`);
