import { Float, formatFloat, isArray, isObject, type Value, type ValueObject } from './value.ts';
import type { XmlAttribute, XmlDocument, XmlElement, XmlNode } from './xml.ts';

/**
 * XML as JSON by the rules of .NET's converter: attributes under `@name`, text under `#text`, an element of text alone as
 * that text, repeated elements as an array, the declaration under `?xml`.
 */
export function xmlToJson(document: XmlDocument): Value {
  return group([], document.children);
}

function group(attributes: readonly XmlAttribute[], nodes: readonly XmlNode[]): ValueObject {
  const found = new Map<string, Value[]>();
  for (const node of nodes) {
    if (node.kind === 'comment') continue;
    const key = keyOf(node);
    const values = found.get(key);
    if (values === undefined) found.set(key, [valueOf(node)]);
    else values.push(valueOf(node));
  }
  return Object.fromEntries([
    ...attributes.map(({ name, value }) => [`@${name}`, value] as const),
    ...[...found].map(([key, values]) => [key, values.length === 1 ? (values[0] ?? null) : values] as const),
  ]);
}

function keyOf(node: XmlNode): string {
  switch (node.kind) {
    case 'element':
      return node.name;
    case 'text':
      return '#text';
    case 'cdata':
      return '#cdata-section';
    case 'doctype':
      return '!DOCTYPE';
    default:
      return `?${node.name}`;
  }
}

function valueOf(node: XmlNode): Value {
  switch (node.kind) {
    case 'element': {
      const [only] = node.children;
      if (node.attributes.length === 0 && node.children.length === 0) return node.isEmpty ? null : '';
      if (node.attributes.length === 0 && node.children.length === 1 && only?.kind === 'text') return only.value;
      return group(node.attributes, node.children);
    }
    case 'text':
    case 'cdata':
      return node.value;
    case 'declaration':
      return Object.fromEntries(
        [...node.text.matchAll(/([\w]+)\s*=\s*["']([^"']*)["']/g)].map(([, name, value]) => [`@${name}`, value ?? '']),
      );
    case 'doctype':
      return { '@name': node.name };
    default:
      return node.text;
  }
}

/**
 * A JSON object as XML by the rules of .NET's converter; the way back of `xmlToJson`. An empty object is an empty document.
 *
 * @throws TypeError where the object has not exactly one property for the root element
 */
export function jsonToXml(json: ValueObject): XmlDocument {
  const { '?xml': declaration, ...rest } = json;
  const roots = Object.entries(rest).flatMap(([name, value]) => elements(name, value));
  if (Object.keys(rest).some((name) => name.startsWith('@')))
    throw new TypeError('a root element has no attributes of its own: put it into a property');
  if (roots.length > 1) throw new TypeError('an object becomes XML when it has one property, the root element');
  if (declaration === undefined) return { kind: 'document', children: roots };
  const text = Object.entries(isObject(declaration) ? declaration : {}).map(([name, value]) => `${name.slice(1)}="${print(value)}"`);
  return { kind: 'document', children: [{ kind: 'declaration', name: 'xml', text: text.join(' ') }, ...roots] };
}

function elements(name: string, value: Value): XmlElement[] {
  if (isArray(value)) return value.flatMap((item) => (isArray(item) ? [element(name, { [name]: item })] : elements(name, item)));
  return [element(name, value)];
}

function element(name: string, value: Value): XmlElement {
  const base = { kind: 'element', name: encodeName(name) } as const;
  if (value === null) return { ...base, attributes: [], children: [], isEmpty: true };
  if (!isObject(value)) {
    const text = print(value);
    return { ...base, attributes: [], children: text === '' ? [] : [{ kind: 'text', value: text }], isEmpty: false };
  }
  const attributes: XmlAttribute[] = [];
  const children: XmlNode[] = [];
  for (const [key, one] of Object.entries(value)) {
    const values = isArray(one) ? one : [one];
    if (key.startsWith('@')) attributes.push({ kind: 'attribute', name: key.slice(1), value: print(one) });
    else if (key === '#text') for (const text of values) children.push({ kind: 'text', value: print(text) });
    else if (key === '#cdata-section') for (const text of values) children.push({ kind: 'cdata', value: print(text) });
    else children.push(...elements(key, one));
  }
  return { ...base, attributes, children, isEmpty: true };
}

function print(value: Value): string {
  if (value === null) return '';
  if (value instanceof Float) return formatFloat(value.value);
  if (isArray(value) || isObject(value)) throw new TypeError('an attribute or a text of XML is no object and no array');
  return String(value);
}

/** A name with what XML does not take in names as `_xHHHH_`. A prefix that nothing declares is left off. */
function encodeName(name: string): string {
  const local = name.startsWith('xmlns:') ? name : name.slice(name.indexOf(':') + 1);
  const escape = (character: string) => `_x${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}_`;
  return local.replaceAll(/[^\p{L}\p{N}_.-]/gu, escape).replace(/^[\p{N}.-]/u, escape);
}
