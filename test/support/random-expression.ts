/** Random numbers that are the same for the same seed: a failing expression can be made again. */
export type Random = { readonly below: (limit: number) => number; readonly pick: <T>(from: readonly [T, ...T[]]) => T };

/** Mulberry32. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const below = (limit: number) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
  return { below, pick: (from) => from[below(from.length)] ?? from[0] };
}

type Kind = 'integer' | 'float' | 'boolean' | 'text' | 'array' | 'object' | 'date' | 'xml' | 'base64' | 'json';
type Make = (kind: Kind) => string;

const quote = (text: string) => `'${text.replaceAll("'", "''")}'`;

const words = ['', 'a', 'abc', 'Hello World', 'hello', 'x,y,,z', 'ABC', ' pad ', 'true', '12', '-7', '2.50', "it's", 'é', 'ß', '日本', 'a b/c?d=e&f', '%41+%zz', '<a>', '"q"', '{"a":1}', '1,000', 'a\\b', '@{x}'] as const; // prettier-ignore
const stamps = ['2018-03-15T13:27:36Z', '2018-03-15T13:27:36.1234567Z', '2024-02-29T23:59:59Z', '2018-03-15', '2018-03-15T13:27:36', '2018-03-15T13:27:36+02:00', '03/15/2018 12:00:00', '3/5/2018 1:05 PM', '1970-01-01T00:00:00Z', '9999-12-30T00:00:00Z', '15 March 2018', 'not a date', '2018-02-30'] as const; // prettier-ignore
const formats = ['yyyy-MM-dd', 'yyyyMMddHHmmss', 'dd.MM.yyyy HH:mm:ss', 'o', 's', 'u', 'r', 'd', 'D', 'M', 'Y', 'dddd, dd MMMM yyyy', 'ddd d MMM yy', 'hh:mm:ss.fff', 'HH:mm:ss.FFFFFFFK', '%d', 'yyyy-MM-ddTHH:mm:sszzz', "'day' d", 'q'] as const; // prettier-ignore
const zones = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Sydney', 'No/Where'] as const;
const xmls = ['<a/>', '<a>1</a>', '<a><b>1</b><b>2</b><c d="e">f</c></a>', '<a xmlns="urn:x"><b>1</b></a>', '<r>x<s/>y</r>', '<a><b i="1"/><b i="2">z</b></a>', '<a><![CDATA[<]]></a>', '<?xml version="1.0"?><a>é</a>', '<a>', 'text'] as const; // prettier-ignore
const paths = ['/a', '/a/b', '/a/b/text()', '//b[1]', '//b[@i="2"]/text()', 'count(//b)', 'string(/a/b)', 'sum(/a/b)', '//@i', '/*', "/*[local-name()='a']/*", 'name(/*)', '//b[last()]', '/a/b | /a/c', 'boolean(//c)', 'concat(/a/b[1], "-", /a/b[2])', '/a/c/..', '//b[. > 1]', 'string-length(/a)', '/a/b['] as const; // prettier-ignore
const jsons = ['{"a":1,"B":null,"c":[1,2.0]}', '{}', '[]', '[1,"x",null,true,1.50]', '"t"', '1e3', '12345678901234', 'null', '{"a":{"b":{"c":"d"}}}', "{'s':1}", '{bad', '{"@i":"1"}', '{"r":{"@i":"1","#text":"x","k":[1,true,null]}}'] as const; // prettier-ignore
const units = ['Second', 'Minute', 'hour', 'Day', 'Week', 'Month', 'Year', 'Days'] as const;

/**
 * A random expression of the language, most of the time of fitting types, now and then not: refusals are compared too.
 * Nothing in it depends on the clock or on chance. Left out is where the evaluator differs from what Azure documents or
 * from what we promise: Windows' names of time zones, which it does not know; the formats f, F, g, G, t, T and U, where its
 * ICU has narrow blanks before AM and PM; times without a day and days without a year, which it completes by today's;
 * `int()` beyond 2^53, which it rounds; letters beyond 16 bits, which its bridge to Python does not survive.
 */
export function randomExpression({ below, pick }: Random): string {
  const literals: Readonly<Record<Kind, () => string>> = {
    integer: () => pick(['0', '1', '2', '-3', '7', '10', '255', '-100', '3000000000', '4611686018427387904', '9223372036854775807']),
    float: () => pick(['0.5', '1.0', '-2.25', '0.1', '3.14159', '1e10', '123456.789', '-0.0', '1e17', '0.00001', '99.99']),
    boolean: () => pick(['true', 'false']),
    text: () => quote(pick(words)),
    array: () =>
      `createArray(${Array.from({ length: 1 + below(3) }, () => literals[pick<Kind>(['integer', 'text', 'float', 'boolean'])]()).join(', ')})`,
    object: () => `json(${quote(pick(jsons))})`,
    date: () => quote(pick(stamps)),
    xml: () => `xml(${quote(pick(xmls))})`,
    base64: () => quote(Buffer.from(pick(words)).toString('base64')),
    json: () => quote(pick(jsons)),
  };
  const make =
    (depth: number): Make =>
    (wanted) => {
      const kind = below(25) === 0 ? pick<Kind>(['integer', 'float', 'boolean', 'text', 'array', 'object', 'date']) : wanted;
      if (below(60) === 0) return 'null';
      if (depth <= 0 || below(3) === 0) return literals[kind]();
      return pick(calls[kind])(make(depth - 1));
    };
  const many = (of: Make, kind: Kind) => Array.from({ length: 1 + below(3) }, () => of(kind)).join(', ');
  const number = (of: Make) => of(pick<Kind>(['integer', 'float']));
  const any = (of: Make) => of(pick<Kind>(['integer', 'float', 'boolean', 'text', 'array', 'object', 'date']));
  const collection = (of: Make) => of(pick<Kind>(['text', 'array']));
  const small = () => pick(['0', '1', '2', '3', '-1', '5', '100']);
  const format = () => (below(2) === 0 ? '' : `, ${quote(pick(formats))}`);
  /** With a whole date in it: a time alone is of today to .NET, and refused here. */
  const dateFormat = () =>
    below(2) === 0 ? '' : `, ${quote(pick(['yyyy-MM-dd', 'o', 's', 'u', 'r', 'd', 'D', 'Y', 'yyyy/MM/dd HH:mm', 'q']))}`;
  const compare = ['equals', 'greater', 'greaterOrEquals', 'less', 'lessOrEquals'] as const;
  const one = (name: string, kind: Kind) => (of: Make) => `${name}(${of(kind)})`;
  type Call = (of: Make) => string;
  const calls: Readonly<Record<Kind, readonly [Call, ...Call[]]>> = {
    integer: [
      (of) => `${pick(['add', 'sub', 'mul', 'div', 'mod'])}(${of('integer')}, ${of('integer')})`,
      (of) => `length(${collection(of)})`,
      (of) => `${pick(['indexOf', 'lastIndexOf'])}(${of('text')}, ${of('text')})`,
      (of) => `int(${pick([quote(pick(['12', ' 7 ', '1,000', '-5', 'x', '1.5', '1e2'])), of('boolean'), small()])})`,
      (of) => `${pick(['dayOfMonth', 'dayOfWeek', 'dayOfYear', 'ticks'])}(${of('date')})`,
      (of) => `${pick(['max', 'min'])}(${many(of, 'integer')})`,
      (of) => `first(createArray(${of('integer')}, ${of('integer')}))`,
    ],
    float: [
      (of) => `${pick(['add', 'sub', 'mul', 'div', 'mod'])}(${number(of)}, ${of('float')})`,
      (of) => `float(${pick([of('integer'), of('text'), quote(pick(['1.5', '1,234.5', '5-', 'abc', '.5', '1e5']))])})`,
      (of) => `${pick(['max', 'min'])}(${number(of)}, ${of('float')})`,
    ],
    boolean: [
      (of) => `${pick(compare)}(${number(of)}, ${number(of)})`,
      (of) => `${pick(compare)}(${of('text')}, ${of('text')})`,
      (of) => `equals(${any(of)}, ${any(of)})`,
      (of) => `${pick(['and', 'or'])}(${many(of, 'boolean')})`,
      one('not', 'boolean'),
      (of) => `contains(${pick([of('text'), of('array'), of('object')])}, ${of('text')})`,
      (of) => `${pick(['startsWith', 'endsWith'])}(${of('text')}, ${of('text')})`,
      (of) => `empty(${pick([of('text'), of('array'), of('object')])})`,
      (of) => `bool(${pick([of('integer'), of('boolean'), of('text'), of('float')])})`,
    ],
    text: [
      (of) => `concat(${Array.from({ length: 1 + below(3) }, () => any(of)).join(', ')})`,
      (of) => `${pick(['toUpper', 'toLower', 'trim'])}(${of('text')})`,
      (of) => `replace(${of('text')}, ${of('text')}, ${of('text')})`,
      (of) => `substring(${of('text')}, ${small()}${pick(['', `, ${small()}`])})`,
      (of) => `string(${pick([any(of), of('xml')])})`,
      (of) => `join(${of('array')}, ${quote(pick([',', '', '; ']))})`,
      (of) => `${pick(['take', 'skip'])}(${of('text')}, ${small()})`,
      (of) => `${pick(['base64', 'dataUri', 'uriComponent', 'encodeUriComponent'])}(${of('text')})`,
      (of) => `${pick(['uriComponentToString', 'decodeUriComponent'])}(${of('text')})`,
      (of) => `${pick(['base64ToString', 'decodeBase64'])}(${of('base64')})`,
      (of) => `dataUriToString(dataUri(${of('text')}))`,
      (of) => `if(${of('boolean')}, ${of('text')}, ${of('text')})`,
      (of) => `coalesce(null, ${of('text')})`,
      (of) => `${pick(['first', 'last'])}(${of('text')})`,
      (of) => `formatDateTime(${of('date')}${format()})`,
      (of) => `base64(${pick([of('object'), of('array')])})`,
      (of) => `string(xml(json(${of('json')})))`,
    ],
    array: [
      (of) => `createArray(${any(of)}, ${any(of)})`,
      (of) => `array(${of('text')})`,
      (of) => `${pick(['union', 'intersection'])}(${many(of, 'array')})`,
      (of) => `${pick(['take', 'skip'])}(${of('array')}, ${small()})`,
      (of) => `split(${of('text')}, ${quote(pick([',', ' ', '', 'l']))})`,
      () => `range(${small()}, ${small()})`,
      (of) => `xpath(${of('xml')}, ${quote(pick(paths))})`,
    ],
    object: [
      (of) => `${pick(['union', 'intersection'])}(${of('object')}, ${of('object')})`,
      (of) => `json(${of('xml')})`,
      (of) => `json(string(${pick([of('object'), of('array')])}))`,
      (of) => `${of('object')}${pick(['?.a', '?.c', '.a', "?['B']", '?.a?.b'])}`,
      one('base64ToBinary', 'base64'),
      one('uriComponentToBinary', 'text'),
      (of) => `dataUriToBinary(dataUri(${of('text')}))`,
      (of) => `decodeDataUri(dataUri(${of('text')}))`,
      (of) => `binary(${any(of)})`,
    ],
    date: [
      (of) => `${pick(['addDays', 'addHours', 'addMinutes', 'addSeconds'])}(${of('date')}, ${small()}${dateFormat()})`,
      (of) => `${pick(['addToTime', 'subtractFromTime'])}(${of('date')}, ${small()}, ${quote(pick(units))}${dateFormat()})`,
      (of) => `${pick(['startOfDay', 'startOfHour', 'startOfMonth'])}(${of('date')}${dateFormat()})`,
      (of) => `convertFromUtc(${of('date')}, ${quote(pick(zones))}${dateFormat()})`,
      (of) => `convertToUtc(${of('date')}, ${quote(pick(zones))}${dateFormat()})`,
      (of) => `convertTimeZone(${of('date')}, ${quote(pick(zones))}, ${quote(pick(zones))}${dateFormat()})`,
    ],
    xml: [(of) => `xml(json(${of('json')}))`, one('xml', 'xml')],
    base64: [one('base64', 'text')],
    json: [(of) => `string(${pick([of('object'), of('array')])})`],
  };
  const kinds = ['integer', 'float', 'boolean', 'text', 'array', 'object', 'date'] as const;
  const depth = 1 + below(3);
  const part = () => make(depth)(pick<Kind>(kinds));
  return below(6) === 0 ? `x @{${part()}} y@{${part()}}` : `@${part()}`;
}
