/** A value from its JSON; `undefined` for what is none, which the schema that it is checked against then says. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
