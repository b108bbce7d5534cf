import { LakesteadError } from '#core';

/** A key up to its single `=`; `==` in it is an escaped one. Blanks around it are trimmed by the caller, so that nothing backtracks. */
const keyPattern = /(?<key>(?:[^=;]|==)+)=(?!=)\s*/y;
const valuePattern =
  /(?:"(?<double>(?:[^"]|"")*)"|'(?<single>(?:[^']|'')*)'|\{(?<braces>(?:[^}]|\}\})*)\}|(?<bare>(?:[^;"'{][^;]*)?))\s*(?:;|$)/y;

/**
 * The settings of a connection string, `Key=value;Key="va;lue"`: keys in lower case with blanks inside kept, values
 * without their quotes. A value may stand in `"` or `'` (doubled inside) or in `{}` (`}}` inside), a key may hold `==`.
 * Of a key that is there twice the last counts. The result has no prototype: what is not in the text is `undefined`.
 *
 * @throws FACTORY_INVALID for text that is no connection string; its message does not show the text, which may hold a password
 */
export function parseConnectionString(text: string): Readonly<Record<string, string>> {
  // A key may be `constructor` or `__proto__`, and one of those that is not there must not be found.
  const settings = Object.create(null) as Record<string, string>; // typed `any` by the library
  let position = 0;
  const match = (pattern: RegExp): Record<string, string | undefined> => {
    pattern.lastIndex = position;
    const groups = pattern.exec(text)?.groups;
    if (groups === undefined) {
      throw new LakesteadError('FACTORY_INVALID', `the connection string cannot be read from its character ${position + 1} on`, {
        hint: 'write Key=value;Key=value; a value with ; or quotes stands in "double quotes"',
      });
    }
    position = pattern.lastIndex;
    return groups;
  };
  const skip = () => {
    while (position < text.length && /[\s;]/.test(text.charAt(position))) position += 1;
  };
  for (skip(); position < text.length; skip()) {
    const key = (match(keyPattern)['key'] ?? '').replaceAll('==', '=').trim().toLowerCase();
    const { double, single, braces, bare } = match(valuePattern);
    settings[key] = double?.replaceAll('""', '"') ?? single?.replaceAll("''", "'") ?? braces?.replaceAll('}}', '}') ?? (bare ?? '').trim();
  }
  return settings;
}
