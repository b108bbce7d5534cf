import { LakesteadError } from '#core';
import type { Lease } from '#engine';
import { ident, join, literal, sql, type Sql, unsafeSql } from '#sql';

import { isObject, type Value, type ValueObject } from '../expression/index.ts';
import { isOn } from './is-on.ts';
import { refuseOthers } from './refuse-options.ts';
import type { BoundDataset } from './resolve-dataset.ts';

/** What COPY TO of the engine needs for a dataset's format. `extension` is for files that nobody named. */
export type FileWriter = { readonly extension: string; readonly options: Sql; readonly holdsTypes: boolean };

/**
 * How the files of a dataset are written.
 *
 * @param settings the sink's `formatSettings`
 * @throws FACTORY_UNSUPPORTED for an option that would be without effect
 */
export function fileWriter(dataset: BoundDataset, settings: ValueObject): FileWriter {
  switch (dataset.type) {
    case 'Parquet':
      refuseOthers(settings, 'ParquetWriteSettings', 'formatSettings');
      return { extension: '.parquet', options: sql`FORMAT parquet, COMPRESSION ${unsafeSql(parquetCodec(dataset))}`, holdsTypes: true };
    case 'DelimitedText': {
      refuseOthers(settings, 'DelimitedTextWriteSettings', 'formatSettings');
      const { header, delimiter, quote, escape, nullText, isGzip } = delimitedText(dataset);
      requireUtf8(dataset);
      // Copy Activity writes \r\n unless the dataset says otherwise ("Delimited text format in Azure Data Factory").
      const newLine = text(dataset.typeProperties['rowDelimiter'], '\r\n');
      if (newLine !== '\n' && newLine !== '\r\n') throw unsupported('rowDelimiter', newLine, String.raw`\n, \r\n`);
      const all = isOn(settings, 'quoteAllText') && quote !== '' ? sql`, FORCE_QUOTE *` : sql``;
      const extension = text(settings['fileExtension'], '.txt');
      return {
        extension: isGzip ? `${extension}.gz` : extension,
        options: sql`FORMAT csv, HEADER ${literal(header)}, DELIMITER ${literal(delimiter)}, QUOTE ${literal(quote)}, ESCAPE ${literal(escape)}, NULLSTR ${literal(nullText)}, NEW_LINE ${literal(newLine)}, COMPRESSION ${unsafeSql(isGzip ? 'gzip' : 'none')}${all}`,
        holdsTypes: false,
      };
    }
    case 'Json': {
      refuseOthers(settings, 'JsonWriteSettings', 'formatSettings');
      const pattern = text(settings['filePattern'], 'setOfObjects');
      if (pattern !== 'setOfObjects' && pattern !== 'arrayOfObjects')
        throw unsupported('filePattern', pattern, 'setOfObjects, arrayOfObjects');
      const isGzip = jsonIsGzip(dataset);
      return {
        extension: isGzip ? '.json.gz' : '.json',
        options: sql`FORMAT json, ARRAY ${literal(pattern === 'arrayOfObjects')}, COMPRESSION ${unsafeSql(isGzip ? 'gzip' : 'none')}`,
        holdsTypes: false,
      };
    }
    default:
      throw new LakesteadError('FACTORY_UNSUPPORTED', `a dataset of type ${dataset.type} cannot be written as a file`, {
        hint: 'supported: Parquet, DelimitedText, Json',
      });
  }
}

/** The rows of files as a SELECT. Text and JSON keep their strings: nothing is taken for a date or a number. */
export async function fileReader(dataset: BoundDataset, settings: ValueObject, paths: readonly string[], lease: Lease): Promise<Sql> {
  const list = literal(paths);
  switch (dataset.type) {
    case 'Parquet':
      refuseOthers(settings, 'ParquetReadSettings', 'formatSettings');
      parquetCodec(dataset);
      return sql`SELECT * FROM read_parquet(${list})`;
    case 'DelimitedText': {
      refuseOthers(settings, 'DelimitedTextReadSettings', 'formatSettings');
      const { header, delimiter, quote, escape, nullText, isGzip } = delimitedText(dataset);
      const encoding = isLatin1(dataset) ? 'latin-1' : 'utf-8';
      const newLine = dataset.typeProperties['rowDelimiter'];
      if (typeof newLine === 'string' && !['', '\n', '\r', '\r\n'].includes(newLine))
        throw unsupported('rowDelimiter', newLine, String.raw`\n, \r, \r\n`);
      const skip = settings['skipLineCount'] ?? 0n;
      const rows = sql`SELECT * FROM read_csv(${list}, all_varchar = true, header = ${literal(header)}, delim = ${literal(delimiter)}, quote = ${literal(quote)}, escape = ${literal(escape)}, nullstr = ${literal(nullText)}, allow_quoted_nulls = false, comment = '', skip = ${literal(Number(skip))}, encoding = ${literal(encoding)}, compression = ${literal(isGzip ? 'gzip' : 'none')})`;
      return header ? rows : await withNumberedNames(rows, lease);
    }
    case 'Json': {
      refuseOthers(settings, 'JsonReadSettings', 'formatSettings');
      const file = sql`${list}, compression = ${literal(jsonIsGzip(dataset) ? 'gzip' : 'uncompressed')}`;
      const found = await lease.rows(sql`DESCRIBE SELECT * FROM read_json(${file}, sample_size = -1)`);
      const columns = found.map(
        (row) => sql`${literal(String(row['column_name']))}: ${literal(withoutGuesses(String(row['column_type'])))}`,
      );
      return sql`SELECT * FROM read_json(${file}, columns = {${join(columns)}})`;
    }
    default:
      throw new LakesteadError('FACTORY_UNSUPPORTED', `a dataset of type ${dataset.type} cannot be read as rows`, {
        hint: 'supported: Parquet, DelimitedText, Json',
      });
  }
}

/** Columns without a header are called so by Data Factory. */
async function withNumberedNames(rows: Sql, lease: Lease): Promise<Sql> {
  const found = await lease.rows(sql`DESCRIBE ${rows}`);
  const list = found.map((row, index) => sql`${ident(String(row['column_name']))} AS ${ident(`Prop_${index}`)}`);
  return sql`SELECT ${join(list)} FROM (${rows}) AS source`;
}

/** A type as JSON itself has it: text that looks like a date is text. Names of fields, in quotes or before a type, stay. */
function withoutGuesses(type: string): string {
  return type.replaceAll(/"(?:[^"]|"")*"|\b(?:DATE|TIMESTAMP|TIME|UUID)\b(?=[,)[]|$)/g, (word) =>
    word.startsWith('"') ? word : 'VARCHAR',
  );
}

type DelimitedText = {
  readonly header: boolean;
  readonly delimiter: string;
  readonly quote: string;
  readonly escape: string;
  readonly nullText: string;
  readonly isGzip: boolean;
};

function delimitedText(dataset: BoundDataset): DelimitedText {
  const { typeProperties } = dataset;
  refuseOthers(typeProperties, dataset.type, `the dataset '${dataset.name}'`);
  if (!isLatin1(dataset)) requireUtf8(dataset);
  const oneOf = (name: string, fallback: string): string => {
    const value = typeProperties[name] ?? fallback;
    if (typeof value === 'string' && value.length <= 1) return value;
    throw unsupported(name, value, 'one character, or none');
  };
  const [quote, escape] = [oneOf('quoteChar', '"'), oneOf('escapeChar', '\\')];
  if (quote !== '' && escape === '')
    throw new LakesteadError('FACTORY_INVALID', `the dataset '${dataset.name}' has an empty escapeChar and a quoteChar`, {
      hint: 'set quoteChar to an empty string too, or give escapeChar',
    });
  if (quote === '' && escape !== '') throw unsupported('escapeChar', escape, 'an empty string where quoteChar is empty');
  return {
    header: isOn(typeProperties, 'firstRowAsHeader'),
    delimiter: text(typeProperties['columnDelimiter'], ','),
    quote,
    escape,
    nullText: typeof typeProperties['nullValue'] === 'string' ? typeProperties['nullValue'] : '',
    isGzip: hasGzip(dataset),
  };
}

function jsonIsGzip(dataset: BoundDataset): boolean {
  refuseOthers(dataset.typeProperties, dataset.type, `the dataset '${dataset.name}'`);
  requireUtf8(dataset);
  return hasGzip(dataset);
}

/** What the engine reads beside UTF-8; it writes UTF-8 only. */
function isLatin1({ typeProperties }: BoundDataset): boolean {
  return /^iso-8859-1$/i.test(text(typeProperties['encodingName'], ''));
}

function requireUtf8({ typeProperties }: BoundDataset): void {
  const encoding = text(typeProperties['encodingName'], 'UTF-8');
  if (!/^utf-8(?: without bom)?$/i.test(encoding)) throw unsupported('encodingName', encoding, 'UTF-8');
}

function codecOf({ typeProperties }: BoundDataset): Value {
  const { compression } = typeProperties;
  return typeProperties['compressionCodec'] ?? (isObject(compression) ? (compression['type'] ?? null) : null);
}

function hasGzip(dataset: BoundDataset): boolean {
  const codec = codecOf(dataset);
  if (codec === null || codec === '' || /^none$/i.test(String(codec))) return false;
  if (/^gzip$/i.test(String(codec))) return true;
  throw unsupported('compressionCodec', codec, 'none, gzip');
}

const codecs = ['snappy', 'gzip', 'none', 'uncompressed', 'zstd', 'lz4', 'brotli'];

function parquetCodec(dataset: BoundDataset): string {
  refuseOthers(dataset.typeProperties, dataset.type, `the dataset '${dataset.name}'`);
  const codec = String(codecOf(dataset) ?? 'snappy').toLowerCase();
  if (!codecs.includes(codec)) throw unsupported('compressionCodec', codec, codecs.join(', '));
  return codec === 'none' ? 'uncompressed' : codec;
}

function unsupported(property: string, value: Value, supported: string): LakesteadError {
  return new LakesteadError('FACTORY_UNSUPPORTED', `${property} ${JSON.stringify(String(value))} is not supported`, {
    hint: `supported: ${supported}`,
    data: { property },
  });
}

const text = (value: Value | undefined, fallback: string): string => (typeof value === 'string' && value !== '' ? value : fallback);
