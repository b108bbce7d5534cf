import { boolean, checked, define, double, type FunctionDefinition, text } from './define-function.ts';
import { parseLooseJson } from './loose-json.ts';
import { contentOf, isBinary, printValue } from './print-value.ts';
import { Float, isArray, isObject, typeName, type Value, type ValueObject } from './value.ts';
import { formatXml, parseXml, type XmlDocument } from './xml.ts';
import { jsonToXml, xmlToJson } from './xml-json.ts';
import { evaluatePath } from './xpath.ts';
import { detached, type PathNode } from './xpath-tree.ts';

const binary = (content: string, type: string): ValueObject => ({ '$content-type': type, $content: content });
const typeOf = (value: ValueObject): string => String(value['$content-type']);
const base64 = (value: string) => Buffer.from(value, 'utf8').toString('base64');

/** A value's own text; null has none. */
function printed(value: Value | undefined): string {
  if (value !== null && value !== undefined) return printValue(value);
  throw new TypeError('the argument must not be Null');
}

function fromBase64(value: string): Buffer {
  const compact = value.replaceAll(/\s/g, '');
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(compact) || compact.length % 4 !== 0) throw new TypeError('the text is no base64');
  return Buffer.from(compact, 'base64');
}

const base64Text = (value: Value | undefined) => fromBase64(text(value)).toString('utf8');

/** Percent escapes are taken off as .NET does: `+` is a blank, what is no escape stays, bytes are UTF-8. */
function unescapeUri(value: string): Buffer {
  const parts = value.replaceAll('+', ' ').split(/((?:%[0-9a-fA-F]{2})+)/);
  return Buffer.concat(parts.map((part, index) => (index % 2 === 1 ? Buffer.from(part.replaceAll('%', ''), 'hex') : Buffer.from(part))));
}

const uriComponent = (value: Value | undefined) =>
  encodeURIComponent(printValue(value ?? null)).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );

type DataUri = { readonly type: string; readonly charset: string | undefined; readonly content: Buffer };

function parseDataUri(value: string): DataUri {
  const match = /^data:([^,]*?)(;base64)?,(.*)$/s.exec(value);
  if (match === null) throw new TypeError('the text is no data URI');
  const [, given = '', isBase64, content = ''] = match;
  const type = given === '' ? 'text/plain' : given;
  return {
    type,
    charset: /;\s*charset=([^;]+)/i.exec(type)?.[1]?.toLowerCase(),
    content: isBase64 === undefined ? unescapeUri(content) : fromBase64(content),
  };
}

function dataUriText({ charset, content }: DataUri): string {
  if (charset !== undefined && !['utf-8', 'us-ascii'].includes(charset))
    throw new TypeError(`the charset '${charset}' is not supported: utf-8, us-ascii`);
  return content.toString('utf8');
}

/** A number's text as .NET takes it: blanks around, a sign before or after, commas between digits, an exponent. */
function numberText(value: string, what: string): string {
  const [, sign1 = '', digits = '', rest = '', sign2 = ''] =
    /^([+-]?)(\d[\d,]*|(?=\.\d))(\.\d*)?((?:[eE][+-]?\d+)?[+-]?)$/.exec(value.trim())?.map((part) => part ?? '') ?? [];
  const [exponent = '', after = ''] = /^((?:[eE][+-]?\d+)?)([+-]?)$/.exec(sign2)?.slice(1) ?? [];
  if ((digits === '' && rest === '') || (sign1 !== '' && after !== '')) throw new TypeError(`'${value}' is no ${what}`);
  const sign = sign1 === '-' || after === '-' ? '-' : '';
  return `${sign}${digits.replaceAll(',', '')}${rest}${exponent}`;
}

function toInteger(value: Value | undefined): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'boolean') return value ? 1n : 0n;
  if (value instanceof Float) {
    if (Number.isInteger(value.value)) return checked(BigInt(value.value));
    throw new TypeError(`${value.value} is no integer`);
  }
  const given = text(value);
  const digits = numberText(given, 'integer');
  const isTrailing = /[+-]$/.test(given.trim());
  if (!isTrailing && /^-?\d+$/.test(digits)) return checked(BigInt(digits));
  const whole = Number(digits);
  if (isTrailing || !Number.isInteger(whole)) throw new TypeError(`'${given}' is no integer`);
  return checked(BigInt(whole));
}

function toFloat(value: Value | undefined): Float {
  if (typeof value === 'bigint' || value instanceof Float) return new Float(double(value));
  if (typeof value === 'boolean') return new Float(value ? 1 : 0);
  const given = text(value);
  return new Float(given.trim().toLowerCase() === 'nan' ? Number.NaN : Number(numberText(given, 'number')));
}

function toBoolean(value: Value | undefined): boolean {
  if (typeof value === 'bigint') return value !== 0n;
  if (value instanceof Float) return value.value !== 0;
  if (typeof value !== 'string') return boolean(value);
  const word = value.trim().toLowerCase();
  if (word !== 'true' && word !== 'false') throw new TypeError(`'${value}' is no boolean`);
  return word === 'true';
}

function xmlOf(value: Value | undefined): XmlDocument {
  if (typeof value === 'string') return parseXml(value);
  if (isBinary(value)) {
    const xml = contentOf(value).toString('utf8');
    return xml === '' ? { kind: 'document', children: [] } : parseXml(xml); // an empty object's
  }
  if (isObject(value)) return jsonToXml(value);
  throw new TypeError(`the argument must be a text of XML or an object, not ${typeName(value ?? null)}`);
}

const xmlBinary = (xml: string) => binary(base64(xml), 'application/xml;charset=utf-8');

/** Elements come as XML, texts as texts, attributes as `name="value"`. */
function fromPath(node: PathNode): Value {
  const found = node.node;
  switch (found.kind) {
    case 'element':
      return xmlBinary(formatXml(detached(node, found), true));
    case 'document':
      return xmlBinary(found.children.flatMap((child) => (child.kind === 'element' ? [formatXml(child, true)] : [])).join(''));
    case 'attribute':
      return `${found.name}="${found.value}"`;
    case 'text':
    case 'cdata':
      return found.value;
    default:
      throw new TypeError(`the path leads to a ${found.kind}: only elements, attributes and texts have a value`);
  }
}

function jsonOf(value: Value | undefined): Value {
  if (typeof value === 'string') return parseLooseJson(value);
  if (!isBinary(value)) throw new TypeError(`the argument must be a text or XML, not ${typeName(value ?? null)}`);
  const content = contentOf(value).toString('utf8');
  return typeOf(value).includes('xml') ? xmlToJson(parseXml(content)) : parseLooseJson(content);
}

/** The functions between types and encodings. */
export const conversionFunctions: readonly FunctionDefinition[] = [
  define('base64(text)', 'A text, or an object as JSON, in base64.', ["@base64('hello')", '"aGVsbG8="'], ([a]) => {
    if (isBinary(a)) return contentOf(a).toString('base64');
    return base64(isArray(a) || isObject(a) ? printValue(a) : text(a));
  }),
  define(
    'base64ToBinary(text)',
    'Base64 as a binary value.',
    ["@base64ToString(base64ToBinary('aGVsbG8=')['$content'])", '"hello"'],
    ([a]) => {
      fromBase64(text(a));
      return binary(text(a), 'application/octet-stream');
    },
  ),
  define('base64ToString(text)', 'The text of base64.', ["@base64ToString('aGVsbG8=')", '"hello"'], ([a]) => base64Text(a)),
  define('decodeBase64(text)', 'The text of base64.', ["@decodeBase64('aGVsbG8=')", '"hello"'], ([a]) => base64Text(a)),
  define('binary(value)', 'The text of a value as a binary value.', ["@binary('hello')['$content']", '"aGVsbG8="'], ([a]) =>
    isBinary(a) ? a : binary(base64(printed(a)), 'application/octet-stream'),
  ),
  define('bool(value)', 'A value as a boolean.', ['@bool(0)', 'false'], ([a]) => toBoolean(a)),
  define(
    'coalesce(value1, ...)',
    'The first value that is not null; those behind it are not evaluated.',
    ["@coalesce(null, 'hello', 'world')", '"hello"'],
    () => null,
    (args) => {
      for (const arg of args) {
        const value = arg();
        if (value !== null) return value;
      }
      return null;
    },
  ),
  define(
    'dataUri(value)',
    'A data URI of a text, a binary value or of JSON.',
    ["@dataUri('hello')", '"data:text/plain;charset=utf-8;base64,aGVsbG8="'],
    ([a]) => {
      if (isBinary(a)) return `data:${typeOf(a)};base64,${text(a['$content'])}`;
      return `data:${typeof a === 'string' ? 'text/plain' : 'application/json'};charset=utf-8;base64,${base64(printed(a))}`;
    },
  ),
  define(
    'dataUriToBinary(uri)',
    'A data URI as a binary value.',
    ["@dataUriToBinary('data:text/plain;base64,aGVsbG8=')['$content']", '"aGVsbG8="'],
    ([a]) => {
      const { type, content } = parseDataUri(text(a));
      return binary(content.toString('base64'), type);
    },
  ),
  define('dataUriToString(uri)', 'The text of a data URI.', ["@dataUriToString('data:text/plain;base64,aGVsbG8=')", '"hello"'], ([a]) =>
    dataUriText(parseDataUri(text(a))),
  ),
  define(
    'decodeDataUri(uri)',
    'What a data URI holds: a text, the value of JSON, else a binary value.',
    ["@decodeDataUri('data:text/plain;charset=utf-8;base64,aGVsbG8=')", '"hello"'],
    ([a]) => {
      const uri = parseDataUri(text(a));
      if (uri.type.toLowerCase().startsWith('text/')) return dataUriText(uri);
      if (/^application\/json\b/i.test(uri.type)) return parseLooseJson(dataUriText(uri));
      return binary(uri.content.toString('base64'), uri.charset === undefined ? `${uri.type};charset=us-ascii` : uri.type);
    },
  ),
  define(
    'decodeUriComponent(text)',
    'A text with its percent escapes taken off.',
    ["@decodeUriComponent('https%3A%2F%2Fcontoso.com')", '"https://contoso.com"'],
    ([a]) => unescapeUri(text(a)).toString('utf8'),
  ),
  define(
    'encodeUriComponent(value)',
    'The text of a value with percent escapes.',
    ["@encodeUriComponent('https://contoso.com')", '"https%3A%2F%2Fcontoso.com"'],
    ([a]) => uriComponent(a),
  ),
  define('float(value)', 'A value as a floating-point number.', ["@float('10.333')", '10.333'], ([a]) => toFloat(a)),
  define('int(value)', 'A value as an integer.', ["@int('10')", '10'], ([a]) => toInteger(a)),
  define('json(value)', 'The value of a JSON text, or of XML as JSON.', ["@json('[1, 2, 3]')", '[1,2,3]'], ([a]) => jsonOf(a)),
  define('string(value)', 'A value as a text; objects and arrays as JSON.', ['@string(10)', '"10"'], ([a]) => printValue(a ?? null)),
  define(
    'uriComponent(value)',
    'The text of a value with percent escapes.',
    ["@uriComponent('https://contoso.com')", '"https%3A%2F%2Fcontoso.com"'],
    ([a]) => uriComponent(a),
  ),
  define(
    'uriComponentToBinary(text)',
    'A text with percent escapes as a binary value.',
    ["@uriComponentToBinary('a%20b')['$content']", '"YSBi"'],
    ([a]) => binary(unescapeUri(text(a)).toString('base64'), 'application/octet-stream'),
  ),
  define(
    'uriComponentToString(text)',
    'A text with its percent escapes taken off.',
    ["@uriComponentToString('https%3A%2F%2Fcontoso.com')", '"https://contoso.com"'],
    ([a]) => unescapeUri(text(a)).toString('utf8'),
  ),
  define(
    'xml(value)',
    'A text of XML, or an object with one property as XML.',
    ['@string(xml(json(\'{"a":{"b":1}}\')))', '"<a><b>1</b></a>"'],
    ([a]) => xmlBinary(formatXml(xmlOf(a))),
  ),
  define(
    'xpath(xml, path)',
    'What an XPath 1.0 expression finds in XML: an array of nodes, or a number, a text or a boolean.',
    ["@xpath(xml('<a><b>1</b><b>2</b></a>'), '/a/b/text()')", '["1","2"]'],
    ([a, b]) => {
      if (!isBinary(a) || !typeOf(a).includes('xml')) throw new TypeError('the first argument must be XML: use xml()');
      const document = xmlOf(a);
      if (document.children.length === 0) throw new TypeError('the XML is empty');
      const found = evaluatePath(document, text(b));
      if (typeof found === 'object') return found.map(fromPath);
      return typeof found === 'number' ? new Float(found) : found;
    },
  ),
];
