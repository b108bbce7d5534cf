import type { Value, ValueObject } from './value.ts';

type Element = { name: string; attributes: [string, string][]; children: (Element | string)[] };

/**
 * XML as JSON by the rules of .NET's converter: attributes under `@name`, text under `#text`, an element of text alone as
 * that text, repeated elements as an array, the declaration under `?xml`. Entities other than XML's own five are refused.
 */
export function xmlToJson(xml: string): Value {
  let at = 0;
  const fail = (problem: string) => new TypeError(`no XML: ${problem} at character ${at + 1}`);
  const result: Record<string, Value> = {};
  const declaration = /^\s*<\?xml\s([^?]*)\?>/.exec(xml);
  if (declaration !== null) {
    at = declaration[0].length;
    result['?xml'] = Object.fromEntries(readAttributes(declaration[1] ?? '').map(([name, value]) => [`@${name}`, value]));
  }
  const element = (depth: number): Element => {
    if (depth > 200) throw fail('nested more than 200 levels deep');
    const open = /^<([\p{L}_:][\p{L}\p{N}_:.-]*)((?:\s+[^\s=/>]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*(\/?)>/u.exec(xml.slice(at));
    if (open === null) throw fail('an element was expected');
    at += open[0].length;
    const [, name = '', attributes = '', isEmpty = ''] = open;
    const node: Element = { name, attributes: readAttributes(attributes), children: [] };
    if (isEmpty === '/') return node;
    for (;;) {
      if (at >= xml.length) throw fail(`<${name}> is not closed`);
      if (xml.startsWith('</', at)) {
        const close = /^<\/([^\s>]+)\s*>/.exec(xml.slice(at));
        if (close?.[1] !== name) throw fail(`</${name}> was expected`);
        at += close[0].length;
        return node;
      }
      if (xml.startsWith('<!--', at)) at = Math.max(at + 4, xml.indexOf('-->', at) + 3);
      else if (xml.startsWith('<![CDATA[', at)) {
        const end = xml.indexOf(']]>', at);
        if (end < 0) throw fail('a CDATA section is not closed');
        node.children.push(xml.slice(at + 9, end));
        at = end + 3;
      } else if (xml[at] === '<') node.children.push(element(depth + 1));
      else {
        const next = xml.indexOf('<', at);
        const end = next < 0 ? xml.length : next;
        const text = unescape(xml.slice(at, end));
        if (text.trim() !== '') node.children.push(text);
        at = end;
      }
    }
  };
  while (/\s/.test(xml[at] ?? '')) at += 1;
  const root = element(0);
  if (xml.slice(at).trim() !== '') throw fail('the end was expected');
  result[root.name] = toJson(root);
  return result;
}

function readAttributes(text: string): [string, string][] {
  return [...text.matchAll(/([^\s=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g)].map(([, name = '', double, single]) => [
    name,
    unescape(double ?? single ?? ''),
  ]);
}

function unescape(text: string): string {
  return text.replaceAll(/&(#x[0-9a-f]+|#\d+|\w+);/gi, (whole, name: string) => {
    if (name.startsWith('#x')) return String.fromCodePoint(Number.parseInt(name.slice(2), 16));
    if (name.startsWith('#')) return String.fromCodePoint(Number(name.slice(1)));
    const found = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }[name];
    if (found === undefined) throw new TypeError(`no XML: the entity ${whole} is not known`);
    return found;
  });
}

function toJson(node: Element): Value {
  const texts = node.children.filter((child) => typeof child === 'string');
  const elements = node.children.filter((child) => typeof child !== 'string');
  if (node.attributes.length === 0 && elements.length === 0) return texts.length === 0 ? null : texts.join('');
  const json: Record<string, Value> = Object.fromEntries(node.attributes.map(([name, value]) => [`@${name}`, value]));
  if (texts.length > 0) json['#text'] = texts.join('');
  for (const child of elements) {
    const value = toJson(child);
    const before = json[child.name];
    if (before === undefined) json[child.name] = value;
    else json[child.name] = elements.filter((one) => one.name === child.name).map(toJson);
  }
  return json satisfies ValueObject;
}
