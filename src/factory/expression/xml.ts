/** A node of XML. Whitespace between elements is not kept, as .NET reads it. */
export type XmlNode = XmlElement | XmlText | XmlOther;
export type XmlElement = {
  readonly kind: 'element';
  readonly name: string;
  readonly attributes: readonly XmlAttribute[];
  readonly children: readonly XmlNode[];
  /** Written as `<a/>`. */
  readonly isEmpty: boolean;
};
export type XmlAttribute = { readonly kind: 'attribute'; readonly name: string; readonly value: string };
type XmlText = { readonly kind: 'text' | 'cdata'; readonly value: string };
/** What has no content of its own in a tree of values; `text` is what stands between its marks. */
type XmlOther = {
  readonly kind: 'comment' | 'instruction' | 'declaration' | 'doctype';
  readonly name: string;
  readonly text: string;
};

/** A whole text of XML: at most one declaration, one root element, comments and instructions around it. */
export type XmlDocument = { readonly kind: 'document'; readonly children: readonly XmlNode[] };

const maxDepth = 200;
const nameStart = String.raw`[\p{L}_:]`;
const nameOf = new RegExp(`${nameStart}[\\p{L}\\p{N}_:.·-]*`, 'uy');

/**
 * A text of XML as a tree. Entities other than XML's own five are refused, and so is all that a DTD declares.
 *
 * @throws TypeError with the character where it stops being XML
 */
export function parseXml(xml: string): XmlDocument {
  const parser = new XmlParser(xml);
  return parser.document();
}

class XmlParser {
  readonly #xml: string;
  #at = 0;

  constructor(xml: string) {
    this.#xml = xml;
  }

  document(): XmlDocument {
    const children: XmlNode[] = [];
    if (this.#xml.startsWith('\ufeff')) this.#at = 1;
    if (/^<\?xml\s/.test(this.#xml.slice(this.#at, this.#at + 6)))
      children.push({ kind: 'declaration', name: 'xml', text: this.#between('<?xml', '?>').trim() });
    while (this.#skipBlanks() < this.#xml.length) {
      const node = this.#xml.startsWith('<!DOCTYPE', this.#at) ? this.#doctype() : this.#markup(0);
      if (node.kind === 'element' && children.some((one) => one.kind === 'element')) throw this.#fail('there are two root elements');
      children.push(node);
    }
    if (!children.some((one) => one.kind === 'element')) throw this.#fail('the root element is missing');
    return { kind: 'document', children };
  }

  #fail(problem: string): TypeError {
    return new TypeError(`no XML: ${problem} at character ${this.#at + 1}`);
  }

  #skipBlanks(): number {
    while (/[ \t\r\n]/.test(this.#xml[this.#at] ?? '')) this.#at += 1;
    return this.#at;
  }

  #between(from: string, to: string): string {
    const end = this.#xml.indexOf(to, this.#at + from.length);
    if (end < 0) throw this.#fail(`${from} is not closed`);
    const text = this.#xml.slice(this.#at + from.length, end);
    this.#at = end + to.length;
    return text;
  }

  #doctype(): XmlOther {
    const text = this.#between('<!DOCTYPE', '>').trim();
    if (text.includes('[')) throw this.#fail('a DTD of its own is not taken');
    return { kind: 'doctype', name: /^\S+/.exec(text)?.[0] ?? '', text };
  }

  /** A comment, an instruction or an element. */
  #markup(depth: number): XmlNode {
    if (this.#xml.startsWith('<!--', this.#at)) {
      const text = this.#between('<!--', '-->');
      if (text.includes('--') || text.endsWith('-')) throw this.#fail('a comment has no -- in it');
      return { kind: 'comment', name: '', text };
    }
    if (this.#xml.startsWith('<?', this.#at)) {
      const text = this.#between('<?', '?>');
      const [, name = '', rest = ''] = /^(\S+)\s*(.*)$/s.exec(text) ?? [];
      if (name === '' || name.toLowerCase() === 'xml') throw this.#fail('the XML declaration stands at the beginning only');
      return { kind: 'instruction', name, text: rest };
    }
    return this.#element(depth);
  }

  #name(): string {
    nameOf.lastIndex = this.#at;
    const name = nameOf.exec(this.#xml)?.[0];
    if (name === undefined) throw this.#fail('a name was expected');
    this.#at += name.length;
    return name;
  }

  #element(depth: number): XmlElement {
    if (depth > maxDepth) throw this.#fail(`nested more than ${maxDepth} levels deep`);
    if (this.#xml[this.#at] !== '<') throw this.#fail('an element was expected');
    this.#at += 1;
    const name = this.#name();
    const attributes = this.#attributes();
    if (this.#xml.startsWith('/>', this.#at)) {
      this.#at += 2;
      return { kind: 'element', name, attributes, children: [], isEmpty: true };
    }
    if (this.#xml[this.#at] !== '>') throw this.#fail(`<${name}> is not closed`);
    this.#at += 1;
    return { kind: 'element', name, attributes, children: this.#content(name, depth), isEmpty: false };
  }

  #attributes(): XmlAttribute[] {
    const attributes: XmlAttribute[] = [];
    for (;;) {
      const before = this.#at;
      this.#skipBlanks();
      if (/[/>]/.test(this.#xml[this.#at] ?? '>')) return attributes;
      if (this.#at === before) throw this.#fail('a blank was expected');
      const name = this.#name();
      this.#skipBlanks();
      if (this.#xml[this.#at] !== '=') throw this.#fail('"=" was expected');
      this.#at += 1;
      this.#skipBlanks();
      const quote = this.#xml[this.#at] ?? '';
      if (quote !== '"' && quote !== "'") throw this.#fail('a value in quotes was expected');
      const raw = this.#between(quote, quote);
      if (raw.includes('<')) throw this.#fail('a value has no < in it');
      if (attributes.some((one) => one.name === name)) throw this.#fail(`the attribute ${name} stands twice`);
      attributes.push({ kind: 'attribute', name, value: this.#unescape(raw.replaceAll(/\r\n?|[\n\t]/g, ' ')) });
    }
  }

  #content(name: string, depth: number): XmlNode[] {
    const children: XmlNode[] = [];
    for (;;) {
      if (this.#at >= this.#xml.length) throw this.#fail(`<${name}> is not closed`);
      if (this.#xml.startsWith('</', this.#at)) {
        this.#at += 2;
        if (this.#name() !== name) throw this.#fail(`</${name}> was expected`);
        this.#skipBlanks();
        if (this.#xml[this.#at] !== '>') throw this.#fail(`</${name}> was expected`);
        this.#at += 1;
        return children;
      }
      if (this.#xml.startsWith('<![CDATA[', this.#at)) children.push({ kind: 'cdata', value: this.#between('<![CDATA[', ']]>') });
      else if (this.#xml[this.#at] === '<') children.push(this.#markup(depth + 1));
      else {
        const next = this.#xml.indexOf('<', this.#at);
        const raw = this.#xml.slice(this.#at, next < 0 ? this.#xml.length : next);
        if (raw.includes(']]>')) throw this.#fail(']]> stands in text');
        if (!/^[ \t\r\n]*$/.test(raw)) children.push({ kind: 'text', value: this.#unescape(raw.replaceAll(/\r\n?/g, '\n')) });
        this.#at += raw.length;
      }
    }
  }

  #unescape(text: string): string {
    return text.replaceAll(/&([^;&]*;?)/g, (whole, body: string) => {
      const name = body.endsWith(';') ? body.slice(0, -1) : '';
      const [, hex, decimal] = /^#(?:x([0-9a-fA-F]+)|(\d+))$/.exec(name) ?? [];
      const code = hex === undefined ? Number(decimal ?? Number.NaN) : Number.parseInt(hex, 16);
      if (code > 0 && code <= 0x10ffff) return String.fromCodePoint(code);
      const found = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }[name];
      if (found === undefined) throw this.#fail(`the entity ${whole} is not known`);
      return found;
    });
  }
}

const escapeText = (text: string) => text.replaceAll(/[&<>]/g, (character) => ({ '&': '&amp;', '<': '&lt;' })[character] ?? '&gt;');
const escapeValue = (text: string) =>
  text.replaceAll(
    /[&<>"\r\n\t]/g,
    (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\r': '&#xD;', '\n': '&#xA;' })[character] ?? '&#x9;',
  );

/**
 * XML as .NET writes it: no blanks between elements, `<a />` for an empty one.
 *
 * @param indent two blanks a level, where an element holds no text; for a part of a document
 */
export function formatXml(node: XmlDocument | XmlNode, indent = false, level = 0): string {
  switch (node.kind) {
    case 'document':
      return node.children.map((child) => formatXml(child, indent, level)).join('');
    case 'text':
      return escapeText(node.value);
    case 'cdata':
      return `<![CDATA[${node.value}]]>`;
    case 'comment':
      return `<!--${node.text}-->`;
    case 'instruction':
      return `<?${node.name}${node.text === '' ? '' : ` ${node.text}`}?>`;
    case 'declaration':
      return `<?xml ${node.text}?>`;
    case 'doctype':
      return `<!DOCTYPE ${node.text}>`;
    case 'element': {
      const open = `<${node.name}${node.attributes.map(({ name, value }) => ` ${name}="${escapeValue(value)}"`).join('')}`;
      if (node.children.length === 0) return node.isEmpty ? `${open} />` : `${open}></${node.name}>`;
      const isMixed = node.children.some(({ kind }) => kind === 'text' || kind === 'cdata');
      const breaks = indent && !isMixed;
      const inner = node.children.map((child) => `${breaks ? `\n${'  '.repeat(level + 1)}` : ''}${formatXml(child, breaks, level + 1)}`);
      return `${open}>${inner.join('')}${breaks ? `\n${'  '.repeat(level)}` : ''}</${node.name}>`;
    }
  }
}
