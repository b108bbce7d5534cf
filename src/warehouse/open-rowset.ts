import { type Gateway, ownerPrincipal } from '#access';
import { LakesteadError, type SourcePlace } from '#core';
import type { Lease } from '#engine';
import { ident, join, literal, type Sql, sql } from '#sql';
import {
  bindQuery,
  type BindScope,
  type Expression,
  filePathColumn,
  type OpenColumn,
  type OpenRowset,
  placeOf,
  type Query,
  type Relation,
  type SelectItem,
} from '#tsql';

import { describeRelation, selectCsv, selectParquet, selectWholeFiles, type SourceFiles } from './lake-relation.ts';

/** What OPENROWSET needs of the session around it. */
export type RowsetContext = {
  readonly gateway: Gateway;
  readonly lease: Lease;
  readonly signal?: AbortSignal | undefined;
  /** The LOCATION of an external data source of the current database. */
  readonly findDataSource: (name: string) => string | undefined;
  /** The scope in which the columns of WITH are converted. */
  readonly scope: BindScope;
};

const csvOptions = ['FIELDTERMINATOR', 'ROWTERMINATOR', 'FIELDQUOTE', 'ESCAPECHAR', 'HEADER_ROW', 'FIRSTROW', 'PARSER_VERSION', 'CODEPAGE'];
const known = new Set(['FORMAT', 'DATA_SOURCE', 'ROWSET_OPTIONS', ...csvOptions, 'MAXERRORS', 'DATAFILETYPE', 'DATA_COMPRESSION']);
const ignored = new Set(['PARSER_VERSION', 'ROWSET_OPTIONS']);

/** `OPENROWSET(BULK ...)` as a relation over the newest files at this moment. */
export async function openRowset(rowset: OpenRowset, context: RowsetContext): Promise<Relation> {
  const place = placeOf(context.scope.text, rowset.span.start);
  const refuse = (problem: string, hint?: string) =>
    new LakesteadError('SQL_NOT_SUPPORTED', `line ${place.line}, column ${place.column}: ${problem}`, {
      place,
      ...(hint === undefined ? {} : { hint }),
    });
  for (const [name, value] of Object.entries(rowset.options)) {
    if (value === true && name.startsWith('SINGLE_')) throw refuse(`OPENROWSET with ${name} is not supported`);
    if (!known.has(name)) throw refuse(`OPENROWSET has no option ${name} here`);
  }
  for (const name of ['MAXERRORS', 'DATAFILETYPE', 'DATA_COMPRESSION'])
    if (name in rowset.options) throw refuse(`the option ${name} of OPENROWSET is not supported`);
  const format = textOption(rowset, 'FORMAT')?.toUpperCase();
  const used = Object.keys(rowset.options).filter((name) => csvOptions.includes(name) && !ignored.has(name));
  if (format !== 'CSV' && used.length > 0) throw refuse(`${used.join(', ')} goes with FORMAT = 'CSV' only`);
  switch (format) {
    case 'DELTA':
      return await selectByName(rowset, await openDelta(rowset, context, place), context, refuse);
    case 'PARQUET': {
      const files = await openFiles(rowset, context, 'parquet', place);
      const found = await describeRelation(selectParquet(files), context.lease, context.signal);
      return hideFilePath(await selectByName(rowset, found, context, refuse), rowset);
    }
    case 'CSV':
      return hideFilePath(await openCsv(rowset, context, await openFiles(rowset, context, 'csv', place), refuse), rowset);
    case undefined:
      throw refuse('OPENROWSET(BULK ...) needs a FORMAT', "write FORMAT = 'DELTA', 'PARQUET' or 'CSV'");
    default:
      throw refuse(
        `FORMAT = '${format}' of OPENROWSET is not supported`,
        "DELTA, PARQUET and CSV are; JSON is read as CSV with FIELDTERMINATOR, FIELDQUOTE and ROWTERMINATOR '0x0b'",
      );
  }
}

type Refuse = (problem: string, hint?: string) => LakesteadError;

function textOption({ options }: OpenRowset, name: string): string | undefined {
  const value = options[name];
  return value === undefined ? undefined : String(value);
}

function addresses({ bulk, options }: OpenRowset, { findDataSource }: RowsetContext, place: SourcePlace): readonly string[] {
  const source = options['DATA_SOURCE'];
  if (source === undefined) return bulk;
  const location = findDataSource(String(source));
  if (location === undefined) {
    throw new LakesteadError('SQL_NAME_NOT_FOUND', `there is no external data source ${String(source)}`, {
      place,
      hint: `CREATE EXTERNAL DATA SOURCE ${String(source)} WITH (LOCATION = 'https://...') makes one, in a script of the database for example`,
    });
  }
  return bulk.map((path) => `${location.replace(/\/+$/, '')}/${path.replace(/^\/+/, '')}`);
}

async function openDelta(rowset: OpenRowset, context: RowsetContext, place: SourcePlace): Promise<Relation> {
  const { gateway, lease, signal } = context;
  const [address = '', ...more] = addresses(rowset, context, place);
  if (more.length > 0) throw new LakesteadError('SQL_NOT_SUPPORTED', "FORMAT = 'DELTA' takes one folder", { place });
  const found = await gateway.resolveLake({ principal: ownerPrincipal, address, format: 'delta', lease, signal });
  if (found.kind !== 'delta') throw new LakesteadError('INTERNAL', `${address} was resolved as files, not as a Delta table`);
  return await describeRelation(found.sql, lease, signal);
}

async function openFiles(rowset: OpenRowset, context: RowsetContext, format: 'parquet' | 'csv', place: SourcePlace): Promise<SourceFiles> {
  const { gateway, lease, signal } = context;
  const paths: string[] = [];
  const found: [path: string, address: string][] = [];
  for (const address of addresses(rowset, context, place)) {
    const files = await gateway.resolveLake({ principal: ownerPrincipal, address, format, lease, signal });
    if (files.kind !== 'files') continue;
    paths.push(...files.paths);
    files.paths.forEach((path, index) => found.push([path.replaceAll(/\[([*?[])\]/g, '$1'), files.addresses[index] ?? '']));
  }
  if (!/\bfile(?:path|name)\s*\(/i.test(context.scope.text)) return { paths };
  const [from, to] = [found.map(([path]) => literal(path)), found.map(([, address]) => literal(address))];
  return { paths, filePath: sql`MAP([${join(from)}], [${join(to)}])[filename] AS ${ident(filePathColumn)}` };
}

/** The column for filepath() and filename(): last, and none of those that `*` stands for. */
function hideFilePath({ columns, sql: text }: Relation, { bulk }: OpenRowset): Relation {
  if (columns.at(-1)?.name !== filePathColumn) return { columns, sql: text };
  return { columns: columns.slice(0, -1), sql: text, files: { patterns: bulk } };
}

async function openCsv(rowset: OpenRowset, context: RowsetContext, files: SourceFiles, refuse: Refuse): Promise<Relation> {
  const { columns } = rowset;
  const { paths } = files;
  const fieldTerminator = terminator(textOption(rowset, 'FIELDTERMINATOR') ?? ',');
  const rowTerminator = textOption(rowset, 'ROWTERMINATOR');
  const quote = terminator(textOption(rowset, 'FIELDQUOTE') ?? '"');
  const codePage = textOption(rowset, 'CODEPAGE');
  if (codePage !== undefined && !['65001', 'UTF-8', 'UTF8'].includes(codePage.toUpperCase()))
    throw refuse(`CODEPAGE ${codePage} is not supported`, 'files are read as UTF-8');
  const hasHeader = (textOption(rowset, 'HEADER_ROW') ?? 'FALSE').toUpperCase() === 'TRUE';
  const firstRow = Number(textOption(rowset, 'FIRSTROW') ?? 1);
  // Where fields and quotes end in a character that no text has, a row is one value: how JSON files are read.
  if (fieldTerminator === '\v' && quote === '\v') {
    const [column, ...more] = columns ?? [];
    if (files.filePath !== undefined) throw refuse('filepath() and filename() of files that are read whole are not supported');
    if (column === undefined || more.length > 0)
      throw refuse('files read whole need WITH and exactly one column', 'write WITH (doc nvarchar(max))');
    const whole = rowTerminator !== undefined && terminator(rowTerminator) === '\v';
    const lines = sql`SELECT unnest(string_split(rtrim(content, chr(10)), chr(10))) AS ${ident(column.name)} FROM (${selectWholeFiles(paths, 'content')})`;
    return await convertColumns(
      textRelation([column.name], whole ? selectWholeFiles(paths, column.name) : lines),
      [[column, column.name]],
      context,
    );
  }
  if (rowTerminator !== undefined && !['\n', '\r\n'].includes(terminator(rowTerminator)))
    throw refuse(`ROWTERMINATOR '${rowTerminator}' is not supported`, "lines end in '\\n' or '\\r\\n'");
  const format = { fieldTerminator, rowTerminator: undefined, quote, escape: textOption(rowset, 'ESCAPECHAR'), hasHeader };
  const skip = Math.max(0, firstRow - 1 - (hasHeader ? 1 : 0));
  if (columns === undefined) {
    const found = await describeRelation(selectCsv(files, { ...format, skip, textColumns: undefined }), context.lease, context.signal);
    if (hasHeader) return found;
    // Serverless SQL calls columns without a header C1, C2 ...
    const named = found.columns.map((column, index) => (column.name === filePathColumn ? column : { ...column, name: `C${index + 1}` }));
    const items = found.columns.map((column, index) => sql`${ident(column.name)} AS ${ident(named[index]?.name ?? column.name)}`);
    return { columns: named, sql: sql`SELECT ${join(items)} FROM (${found.sql})` };
  }
  const first = await describeRelation(selectCsv({ paths }, { ...format, skip, textColumns: undefined }), context.lease, context.signal);
  const names = first.columns.map(({ name }, index) => (hasHeader ? name : `C${index + 1}`));
  const pairs = columns.map((column, index): [OpenColumn, string] => {
    const byName = hasHeader && column.place === undefined ? names.find((name) => same(name, column.name)) : undefined;
    const position = typeof column.place === 'number' ? column.place : index + 1;
    const name = byName ?? (hasHeader && column.place === undefined ? undefined : names[position - 1]);
    if (name === undefined) throw refuse(`the files have no column for ${column.name}: ${names.length} were found`);
    return [column, name];
  });
  const all = files.filePath === undefined ? names : [...names, filePathColumn];
  return await convertColumns(textRelation(all, selectCsv(files, { ...format, skip, textColumns: names })), pairs, context);
}

/** `0x0a`, `\n`, `\t` as the characters that they mean. */
function terminator(text: string): string {
  if (/^0x(?:[0-9a-f]{2})+$/i.test(text)) return Buffer.from(text.slice(2), 'hex').toString('latin1');
  return text.replaceAll('\\n', '\n').replaceAll('\\r', '\r').replaceAll('\\t', '\t');
}

function textRelation(names: readonly string[], source: Sql): Relation {
  return { columns: names.map((name) => ({ name, type: { name: 'nvarchar', length: 'max' }, nullable: true })), sql: source };
}

/** The columns that WITH names, of a source whose columns have names. */
async function selectByName(rowset: OpenRowset, found: Relation, context: RowsetContext, refuse: Refuse): Promise<Relation> {
  if (rowset.columns === undefined) return found;
  const pairs = rowset.columns.map((column): [OpenColumn, string] => {
    const path = typeof column.place === 'string' ? column.place.replace(/^(?:lax|strict)?\s*\$\./i, '') : column.name;
    const byPosition = typeof column.place === 'number' ? found.columns[column.place - 1] : undefined;
    const source = byPosition ?? found.columns.find(({ name }) => name === path) ?? found.columns.find(({ name }) => same(name, path));
    if (source === undefined) throw refuse(`the files have no column ${path}`);
    return [column, source.name];
  });
  return await convertColumns(found, pairs, context);
}

/** Each pair's column, converted to its type as CAST converts. */
async function convertColumns(
  source: Relation,
  pairs: readonly (readonly [OpenColumn, string])[],
  { scope }: RowsetContext,
): Promise<Relation> {
  const [, first] = pairs[0] ?? [];
  if (first === undefined) return source;
  const span = pairs[0]?.[0].span ?? { start: 0, end: 0 };
  const items: SelectItem[] = pairs.map(([column, name]) => {
    const operand: Expression = { kind: 'column', name: { parts: [name], span: column.span }, span: column.span };
    const expression: Expression = { kind: 'cast', operand, type: column.type, isTry: false, span: column.span };
    return { expression, alias: column.name, assign: undefined, span: column.span };
  });
  if (source.columns.at(-1)?.name === filePathColumn) {
    const expression: Expression = { kind: 'column', name: { parts: [filePathColumn], span }, span };
    items.push({ expression, alias: filePathColumn, assign: undefined, span });
  }
  const query: Query = {
    span, with: [], orderBy: [], offset: undefined, fetch: undefined, forClause: undefined,
    body: {
      kind: 'select', span, isDistinct: false, top: undefined, items, into: undefined, where: undefined, groupBy: undefined, having: undefined, windows: [],
      from: [{ kind: 'table', name: { parts: ['rowset'], span }, alias: 'rowset', forSystemTime: undefined, sample: undefined, span }],
    },
  }; // prettier-ignore
  const { columns, sql: text } = await bindQuery(query, { ...scope, findTable: async () => await Promise.resolve(source) });
  return { columns, sql: text };
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
