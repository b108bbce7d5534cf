/** A LIKE pattern as a regular expression of RE2: `%`, `_`, `[a-c]`, `[^x]`, and the escape character. */
export function likeToRegex(pattern: string, escape?: string): string {
  let regex = '';
  for (let at = 0; at < pattern.length; at += 1) {
    const character = pattern[at] ?? '';
    const end = character === '[' ? pattern.indexOf(']', at + 2) : -1;
    if (character === escape && at + 1 < pattern.length) {
      at += 1;
      regex += quote(pattern[at] ?? '');
    } else if (character === '%') regex += '.*';
    else if (character === '_') regex += '.';
    else if (character === '[' && end > 0) {
      regex += characterClass(pattern.slice(at + 1, end), escape);
      at = end;
    } else if (character === '[' && pattern.startsWith('[]', at)) at += 1;
    else regex += quote(character);
  }
  return regex;
}

const quote = (character: string) => character.replaceAll(/[\\^$.|?*+()[\]{}-]/g, String.raw`\$&`);

/** What stands between brackets: a range keeps its dash, everything else stands for itself. */
function characterClass(inner: string, escape: string | undefined): string {
  const isNot = inner.length > 1 && inner.startsWith('^');
  const members = isNot ? inner.slice(1) : inner;
  let body = '';
  for (let at = 0; at < members.length; at += 1) {
    const character = members[at] ?? '';
    if (character === escape && at + 1 < members.length) {
      at += 1;
      body += quote(members[at] ?? '');
    } else if (character === '-' && at > 0 && at + 1 < members.length) body += '-';
    else body += quote(character);
  }
  return `[${isNot ? '^' : ''}${body}]`;
}
