import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from 'yaml';

/** A way into a document: keys of maps and indexes of lists. */
export type YamlPath = readonly PropertyKey[];

/** Where something stands, both from 1. */
type TextPosition = { readonly line: number; readonly column: number };

/** A YAML text, parsed, that still knows where each value stands. */
export type YamlText = {
  readonly value: unknown;
  readonly errors: readonly (TextPosition & { readonly message: string })[];
  /** The value at `path`; where there is none, the nearest thing around it. */
  valueAt(path: YamlPath): TextPosition;
  /** The key itself: the place of a key that should not be there. */
  keyAt(path: YamlPath): TextPosition;
};

/** Reads YAML 1.2. Nothing is thrown: what is wrong is in `errors`. */
export function parseYamlText(text: string): YamlText {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number): TextPosition => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const errors = document.errors.map((error) => ({ ...at(error.pos[0]), message: error.message }));
  let value: unknown;
  if (errors.length === 0) {
    try {
      value = document.toJS();
    } catch (error) {
      // An alias without its anchor, or one that grows without bound.
      errors.push({ line: 1, column: 1, message: error instanceof Error ? error.message : String(error) });
    }
  }
  const walk = (path: YamlPath): { offset: number; key: number } => {
    // The contents of a document that was parsed are nodes with a range.
    let node = document.contents as Node | null;
    let found = { offset: node?.range?.[0] ?? 0, key: node?.range?.[0] ?? 0 };
    for (const part of path) {
      if (isAlias(node)) node = node.resolve(document) ?? null;
      let next: Node | null = null;
      if (isMap(node)) {
        const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(part)) as
          | Pair<Node, Node | null>
          | undefined; // what the parser makes holds nodes only
        if (pair === undefined) break;
        next = pair.value;
        const key = pair.key.range?.[0] ?? found.offset;
        found = { key, offset: next?.range?.[0] ?? key };
      } else if (isSeq(node) && typeof part === 'number') {
        next = (node.items[part] ?? null) as Node | null; // as above
        const offset = next?.range?.[0] ?? found.offset;
        found = { key: offset, offset };
      } else break;
      node = next;
    }
    return found;
  };
  return { value, errors, valueAt: (path) => at(walk(path).offset), keyAt: (path) => at(walk(path).key) };
}
