import type { XmlAttribute, XmlDocument, XmlElement, XmlNode } from './xml.ts';

/** A node as XPath sees it: with its parent and its place in the document. */
export type PathNode = {
  readonly node: XmlDocument | XmlNode | XmlAttribute;
  readonly parent: PathNode | undefined;
  readonly children: readonly PathNode[];
  readonly attributes: readonly PathNode[];
  /** Ascending in document order. */
  readonly order: number;
};

/** The tree of a document. Declarations and document types are no nodes of XPath. */
export function pathTree(document: XmlDocument): PathNode {
  let order = 0;
  const visit = (node: XmlDocument | XmlNode, parent: PathNode | undefined): PathNode => {
    const children: PathNode[] = [];
    const attributes: PathNode[] = [];
    const made: PathNode = { node, parent, children, attributes, order: (order += 1) };
    if (node.kind === 'element')
      for (const attribute of node.attributes)
        if (!isDeclaration(attribute))
          attributes.push({ node: attribute, parent: made, children: [], attributes: [], order: (order += 1) });
    if (node.kind === 'element' || node.kind === 'document')
      for (const child of node.children) if (child.kind !== 'declaration' && child.kind !== 'doctype') children.push(visit(child, made));
    return made;
  };
  return visit(document, undefined);
}

const isDeclaration = ({ name }: XmlAttribute) => name === 'xmlns' || name.startsWith('xmlns:');

/** The text of a node and of all below it. */
export function stringOf({ node, children }: PathNode): string {
  switch (node.kind) {
    case 'document':
    case 'element':
      return children
        .filter((child) => ['element', 'text', 'cdata'].includes(child.node.kind))
        .map(stringOf)
        .join('');
    case 'attribute':
    case 'text':
    case 'cdata':
      return node.value;
    default:
      return node.text;
  }
}

/** The name with its prefix; '' for nodes without one. */
export function nameOf({ node }: PathNode): string {
  return node.kind === 'element' || node.kind === 'attribute' || node.kind === 'instruction' ? node.name : '';
}

export const localNameOf = (node: PathNode): string => nameOf(node).replace(/^.*:/, '');

/** The namespace of an element or attribute; '' for none. */
export function namespaceOf(node: PathNode): string {
  const name = nameOf(node);
  const prefix = name.includes(':') ? name.slice(0, name.indexOf(':')) : '';
  if (prefix === 'xml') return 'http://www.w3.org/XML/1998/namespace';
  if (node.node.kind === 'attribute' && prefix === '') return '';
  return findNamespace(node, prefix) ?? '';
}

function findNamespace(node: PathNode, prefix: string): string | undefined {
  const wanted = prefix === '' ? 'xmlns' : `xmlns:${prefix}`;
  for (let at: PathNode | undefined = node; at !== undefined; at = at.parent) {
    const found = at.node.kind === 'element' ? at.node.attributes.find(({ name }) => name === wanted) : undefined;
    if (found !== undefined) return found.value;
  }
  return undefined;
}

/** XPath knows no CDATA: it is text. */
const withText = (element: XmlElement): XmlElement => ({
  ...element,
  children: element.children.map((child) =>
    child.kind === 'cdata' ? { kind: 'text', value: child.value } : child.kind === 'element' ? withText(child) : child,
  ),
});

/** An element as one that stands alone: with the namespaces that it uses declared on it. */
export function detached(node: PathNode, whole: XmlElement): XmlElement {
  const element = withText(whole);
  const prefix = element.name.includes(':') ? element.name.slice(0, element.name.indexOf(':')) : '';
  const wanted = prefix === '' ? 'xmlns' : `xmlns:${prefix}`;
  const uri = findNamespace(node, prefix);
  if (uri === undefined || element.attributes.some(({ name }) => name === wanted)) return element;
  return { ...element, attributes: [...element.attributes, { kind: 'attribute', name: wanted, value: uri }] };
}
