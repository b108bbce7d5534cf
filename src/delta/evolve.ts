import { randomUUID } from 'node:crypto';

import { LakesteadError } from '#core';

import type { Action, Metadata, Protocol } from './actions.ts';
import { columnMappingOf } from './column-mapping.ts';
import { allFields, askedFeatures, featuresOf, protocolOf, upgradeProtocol } from './features.ts';
import { isOn, splitProperties } from './properties.ts';
import { checkCompatibility } from './protocol-support.ts';
import { type DeltaType, formatSchema, type StructField, type StructType } from './schema.ts';

/** What a table is before a change of its definition: nothing for a new one. */
type Before = { readonly protocol: Protocol; readonly metadata: Metadata; readonly schema: StructType };

/** A table's definition after a change, with the actions that say so: none where nothing is new. */
export type Definition = {
  readonly protocol: Protocol;
  readonly metadata: Metadata;
  readonly schema: StructType;
  readonly actions: readonly Action[];
};

/**
 * The definition of a table with another schema, other properties or other partitions: features that these ask for come into the
 * protocol, columns get the names and numbers that column mapping wants.
 *
 * @param wanted the metadata as it is to be, but for its schema; properties may ask for features (`delta.feature.<name>`)
 * @throws {LakesteadError} `DELTA_UNSUPPORTED` for a feature that is not written, or a change that Delta does not have
 */
export function defineTable(
  before: Before | undefined,
  wanted: { readonly metadata: Metadata; readonly schema: StructType; readonly features?: readonly string[] },
  table: string,
): Definition {
  const { kept, features, minReaderVersion, minWriterVersion } = splitProperties(wanted.metadata.configuration);
  const configured = withRowColumns(withMapping({ ...wanted.metadata, configuration: { ...kept } }, before, table));
  const mapped = mapColumns(configured, wanted.schema, before === undefined, columnMappingOf(configured));
  const metadata = mapped.metadata;
  const start = before?.protocol ?? protocolOf(new Set(['appendOnly', 'invariants']));
  const asked = [...askedFeatures(metadata, mapped.schema), ...features, ...(wanted.features ?? [])];
  const named = upgradeProtocol(start, asked, table);
  const protocol = atLeast(named, minReaderVersion, minWriterVersion);
  checkCompatibility(protocol, metadata, table);
  const schemaString = mapped.schema === before?.schema ? before.metadata.schemaString : formatSchema(mapped.schema);
  const result = { ...metadata, schemaString };
  const isNewProtocol = before === undefined || JSON.stringify(protocol) !== JSON.stringify(before.protocol);
  const isNewMetadata = before === undefined || JSON.stringify(result) !== JSON.stringify(before.metadata);
  return {
    protocol,
    metadata: result,
    schema: mapped.schema,
    actions: [...(isNewProtocol ? [{ protocol }] : []), ...(isNewMetadata ? [{ metaData: result }] : [])],
  };
}

/** Version numbers that were asked for; numbers from 3 and 7 on stand for the features' names. */
function atLeast(protocol: Protocol, reader: number, writer: number): Protocol {
  if (reader <= protocol.minReaderVersion && writer <= protocol.minWriterVersion) return protocol;
  const { reader: readers, writer: writers } = featuresOf(protocol);
  const minReaderVersion = Math.max(reader, protocol.minReaderVersion);
  const minWriterVersion = Math.max(writer, protocol.minWriterVersion, minReaderVersion === 3 ? 7 : 0);
  const legacy = featuresOf({ ...protocol, minWriterVersion: Math.min(6, minWriterVersion) });
  const all = [...new Set([...writers, ...(protocol.minWriterVersion < 7 && writer < 7 ? legacy.writer : [])])];
  return {
    minReaderVersion,
    minWriterVersion,
    readerFeatures: minReaderVersion === 3 ? [...readers] : undefined,
    writerFeatures: minWriterVersion === 7 ? all : undefined,
  };
}

/** Whether column mapping may go from what it was to what it is to be. */
function withMapping(metadata: Metadata, before: Before | undefined, table: string): Metadata {
  const [from, to] = [before === undefined ? 'none' : columnMappingOf(before.metadata), columnMappingOf(metadata)];
  if (from === to || (from === 'none' && (to === 'name' || before === undefined))) return metadata;
  throw new LakesteadError('DELTA_UNSUPPORTED', `the column mapping of ${table} cannot go from ${from} to ${to}; nothing was changed`, {
    hint: 'a table that is there can go from none to name; ALTER TABLE ... DROP FEATURE columnMapping takes it away',
    data: { features: ['columnMapping'] },
  });
}

const rowColumns = [
  ['delta.rowTracking.materializedRowIdColumnName', '_row-id-col-'],
  ['delta.rowTracking.materializedRowCommitVersionColumnName', '_row-commit-version-col-'],
] as const;

/** The columns in which files keep the ids of rows that moved into them. */
function withRowColumns(metadata: Metadata): Metadata {
  const { configuration } = metadata;
  if (!isOn(configuration, 'delta.enableRowTracking')) return metadata;
  const names = rowColumns.map(([key, prefix]) => [key, configuration[key] ?? `${prefix}${randomUUID()}`]);
  return { ...metadata, configuration: { ...configuration, ...Object.fromEntries(names) } };
}

const idKey = 'delta.columnMapping.id';
const nameKey = 'delta.columnMapping.physicalName';
const maxKey = 'delta.columnMapping.maxColumnId';

/** Gives columns without a number one, and a name in files: a random one, or in a table that was there before mapping, their own. */
function mapColumns(
  metadata: Metadata,
  schema: StructType,
  isNew: boolean,
  mode: string,
): { readonly metadata: Metadata; readonly schema: StructType } {
  if (mode === 'none') return { metadata, schema };
  const known = [...allFields(schema)].map((field) => Number(field.metadata[idKey] ?? 0));
  const before = metadata.configuration[maxKey];
  // Columns that were there before mapping was switched on stay where they are in their files.
  const keepsNames = !isNew && before === undefined;
  let max = Math.max(Number(before ?? 0), ...known);
  const first = max;
  const field = (one: StructField): StructField => {
    const isMapped = idKey in one.metadata && nameKey in one.metadata;
    if (!isMapped) max += 1;
    const mapping = isMapped ? {} : { [idKey]: max, [nameKey]: keepsNames ? one.name : `col-${randomUUID()}` };
    const fieldMetadata = isMapped ? one.metadata : { ...one.metadata, ...mapping };
    const type = inner(one.type);
    return isMapped && type === one.type ? one : { ...one, type, metadata: fieldMetadata };
  };
  const inner = (type: DeltaType): DeltaType => {
    if (typeof type === 'string') return type;
    switch (type.type) {
      case 'struct':
        return struct(type);
      case 'array': {
        const elementType = inner(type.elementType);
        return elementType === type.elementType ? type : { ...type, elementType };
      }
      case 'map': {
        const [keyType, valueType] = [inner(type.keyType), inner(type.valueType)];
        return keyType === type.keyType && valueType === type.valueType ? type : { ...type, keyType, valueType };
      }
    }
  };
  const struct = (type: StructType): StructType => {
    const fields = type.fields.map(field);
    return fields.every((one, index) => one === type.fields[index]) ? type : { type: 'struct', fields };
  };
  const mapped = struct(schema);
  if (max === first && before !== undefined) return { metadata, schema: mapped };
  return { metadata: { ...metadata, configuration: { ...metadata.configuration, [maxKey]: String(max) } }, schema: mapped };
}
