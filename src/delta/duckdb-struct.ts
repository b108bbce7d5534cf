/** The names of a struct's own fields from DuckDB's text of its type; none for other types. */
export function duckdbFieldNames(type: string): readonly string[] {
  if (!type.startsWith('STRUCT(')) return [];
  const names: string[] = [];
  let depth = 0;
  let isName = true;
  const tokens = /"(?:[^"]|"")*"|'(?:[^']|'')*'|[()]|, |[^\s()"',]+|[ ,]/g;
  tokens.lastIndex = 'STRUCT('.length;
  for (let match = tokens.exec(type); match !== null; match = tokens.exec(type)) {
    const [token] = match;
    if (token === '(') depth += 1;
    else if (token === ')') depth -= 1;
    else if (token === ', ' && depth === 0) isName = true;
    else if (isName && depth === 0) {
      names.push(token.startsWith('"') ? token.slice(1, -1).replaceAll('""', '"') : token);
      isName = false;
    }
    if (depth < 0) break;
  }
  return names;
}
