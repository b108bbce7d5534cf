import { createHash } from 'node:crypto';

import { describeColumnType, type SqlServerType, systemType, typeNames } from '#tsql';

import type { CatalogCell } from './catalog-views.ts';
import type { ColumnDescription, DatabaseDescription, TableDescription } from './table-description.ts';
import type { DatabaseAccess, DefinitionStore, ResultColumn, StoredDefinition } from './types.ts';

/** Where the catalog views of a database take their rows from. */
export type CatalogSource = {
  /** The database's name. */
  readonly name: string;
  /** Its tables; a serverless database has none. */
  readonly describe?: ((access: DatabaseAccess) => Promise<DatabaseDescription>) | undefined;
  readonly definitions?: DefinitionStore | undefined;
  /** The databases beside it, for sys.databases. */
  readonly databases?: (() => readonly string[]) | undefined;
  readonly describeView?: ((view: StoredDefinition, access: DatabaseAccess) => Promise<readonly ResultColumn[]>) | undefined;
};

type CatalogObject = {
  readonly schema: string;
  readonly name: string;
  readonly id: number;
  readonly kind: 'U' | 'V' | 'P';
  readonly columns: readonly ColumnDescription[];
  readonly primaryKey: readonly string[];
  /** The text of a view or procedure. */
  readonly text: string | null;
};

/** What the rows are made of, read once a call. */
export type CatalogFacts = {
  readonly database: string;
  readonly databases: readonly string[];
  readonly schemaIds: ReadonlyMap<string, number>;
  readonly objects: readonly CatalogObject[];
};

const collation = 'SQL_Latin1_General_CP1_CI_AS';
/** Nobody keeps the time at which a table was made: the same for all, so that it does not look like news. */
const made = '2000-01-01 00:00:00';

/** A positive 31-bit number that is the same in every process. */
function idOf(...parts: readonly string[]): number {
  const digest = createHash('sha256')
    .update(JSON.stringify(parts.map((part) => part.toLowerCase())))
    .digest();
  return (digest.readUInt32BE(0) & 0x7f_ff_ff_ff) | 0x1_00;
}

/** Reads the description and the definitions. */
export async function readCatalogFacts(source: CatalogSource, access: DatabaseAccess, withViewColumns: boolean): Promise<CatalogFacts> {
  const { schemas, tables } = (await source.describe?.(access)) ?? { schemas: [], tables: [] };
  const definitions = source.definitions?.list(source.name) ?? [];
  const objects: CatalogObject[] = tables.map((table: TableDescription) => ({
    ...table,
    id: idOf(source.name, table.schema, table.name),
    kind: 'U',
    text: null,
  }));
  for (const definition of definitions) {
    const { schema, name, text } = definition;
    const isView = definition.kind === 'view';
    const columns = isView && withViewColumns ? ((await source.describeView?.(definition, access)) ?? []) : [];
    objects.push({ schema, name, text, columns, primaryKey: [], kind: isView ? 'V' : 'P', id: idOf(source.name, schema, name) });
  }
  const schemaIds = new Map([['dbo', 1], ['guest', 2], ['INFORMATION_SCHEMA', 3], ['sys', 4]]); // prettier-ignore
  const known = new Set([...schemaIds.keys()].map((name) => name.toLowerCase()));
  for (const schema of [...schemas, ...definitions.map((definition) => definition.schema)].toSorted()) {
    if (known.has(schema.toLowerCase())) continue;
    known.add(schema.toLowerCase());
    schemaIds.set(schema, schemaIds.size + 1);
  }
  return { database: source.name, databases: source.databases?.() ?? [source.name], schemaIds, objects };
}

/** The types that have a collation. */
function isTextType({ name }: SqlServerType): boolean {
  return ['nvarchar', 'nchar', 'varchar', 'char', 'ntext', 'text'].includes(name);
}

type Rows = (facts: CatalogFacts) => readonly (readonly CatalogCell[])[];

const descriptions = { U: 'USER_TABLE', V: 'VIEW', P: 'SQL_STORED_PROCEDURE' } as const;

function schemaIdOf(facts: CatalogFacts, schema: string): number {
  return [...facts.schemaIds].find(([name]) => name.toLowerCase() === schema.toLowerCase())?.[1] ?? 1;
}

function objectRow(facts: CatalogFacts, object: CatalogObject): CatalogCell[] {
  const { name, id, kind } = object;
  return [name, id, null, schemaIdOf(facts, object.schema), 0, kind.padEnd(2), descriptions[kind], made, made, false, false, false];
}

const ofKind = (facts: CatalogFacts, kind: CatalogObject['kind']) => facts.objects.filter((object) => object.kind === kind);
const keyed = (facts: CatalogFacts) => ofKind(facts, 'U').filter((table) => table.primaryKey.length > 0);
const keyName = (table: CatalogObject) => `PK_${table.name}`;
const keyId = (facts: CatalogFacts, table: CatalogObject) => idOf(facts.database, table.schema, table.name, 'primary key');
const keyRow = (facts: CatalogFacts, table: CatalogObject): CatalogCell[] => [keyName(table), keyId(facts, table), null, schemaIdOf(facts, table.schema), table.id, 'PK', 'PRIMARY_KEY_CONSTRAINT', made, made, false, false, false]; // prettier-ignore
const columnId = (table: CatalogObject, column: string) =>
  table.columns.findIndex((one) => one.name.toLowerCase() === column.toLowerCase()) + 1;

const databases: Rows = (facts) => [
  ...['master', 'tempdb', 'model', 'msdb'].map((name, index): CatalogCell[] => [name, index + 1, 0, 'ONLINE', collation, 150, false]),
  ...facts.databases.map((name, index): CatalogCell[] => [name, index + 5, 0, 'ONLINE', collation, 150, false]),
];
const schemas: Rows = (facts) => [...facts.schemaIds].map(([name, id]) => [name, id, 1]);
const tables: Rows = (facts) => ofKind(facts, 'U').map((table) => [...objectRow(facts, table), table.columns.length, 0, false]);
const views: Rows = (facts) => ofKind(facts, 'V').map((view) => [...objectRow(facts, view), false]);
const procedures: Rows = (facts) => ofKind(facts, 'P').map((one) => [...objectRow(facts, one), false]);
const objects: Rows = (facts) => [
  ...facts.objects.map((one) => objectRow(facts, one)),
  ...keyed(facts).map((table) => keyRow(facts, table)),
];
const modules: Rows = (facts) => facts.objects.flatMap(({ id, text }) => (text === null ? [] : [[id, text]]));
const columns: Rows = (facts) =>
  facts.objects.flatMap((object) =>
    object.columns.map(({ name, type, nullable, identity, computed }, index): CatalogCell[] => {
      const system = systemType(type);
      const itsCollation = isTextType(type) ? collation : null;
      return [
        object.id, name, index + 1, system.id, system.id, system.maxLength, system.precision, system.scale, itsCollation, nullable,
        identity !== undefined, computed !== undefined,
      ]; // prettier-ignore
    }),
  );
const types: Rows = () => [
  ...typeNames.map((name): CatalogCell[] => {
    const largest = systemType(largestOf(name));
    const shown = name === 'rowversion' ? 'timestamp' : name;
    return [shown, largest.id, largest.id, 4, largest.maxLength, largest.precision, largest.scale, isTextType({ name }) ? collation : null, name !== 'rowversion', false]; // prettier-ignore
  }),
  ['numeric', 108, 108, 4, 17, 38, 38, null, true, false],
  ['sysname', 231, 256, 4, 256, 0, 0, collation, false, false],
];

/** A type without arguments as sys.types has it: at its largest. */
function largestOf(name: (typeof typeNames)[number]): ColumnDescription['type'] {
  if (name === 'decimal') return { name, precision: 38, scale: 38 };
  if (name === 'time' || name === 'datetime2' || name === 'datetimeoffset') return { name, scale: 7 };
  if (name === 'nvarchar' || name === 'nchar') return { name, length: 4000 };
  return ['varchar', 'char', 'varbinary', 'binary'].includes(name) ? { name, length: 8000 } : { name };
}

const indexes: Rows = (facts) =>
  ofKind(facts, 'U').map((table) =>
    table.primaryKey.length === 0
      ? [table.id, null, 0, 0, 'HEAP', false, false, false, false]
      : [table.id, keyName(table), 1, 1, 'CLUSTERED', true, true, false, false],
  );
const indexColumns: Rows = (facts) =>
  keyed(facts).flatMap((table) =>
    table.primaryKey.map((name, index): CatalogCell[] => [table.id, 1, index + 1, columnId(table, name), index + 1, false, false]),
  );
const keyConstraints: Rows = (facts) => keyed(facts).map((table) => [...keyRow(facts, table), 1, false]);
const schemata: Rows = (facts) => [...facts.schemaIds.keys()].map((name) => [facts.database, name, 'dbo']);
const place = (facts: CatalogFacts, object: CatalogObject): CatalogCell[] => [facts.database, object.schema, object.name];
const informationTables: Rows = (facts) =>
  facts.objects.flatMap((one) => (one.kind === 'P' ? [] : [[...place(facts, one), one.kind === 'U' ? 'BASE TABLE' : 'VIEW']]));
/** INFORMATION_SCHEMA gives a text of more than 4000 characters as NULL. */
const short = (text: string | null) => (text !== null && text.length > 4000 ? null : text);
const informationViews: Rows = (facts) => ofKind(facts, 'V').map((view) => [...place(facts, view), short(view.text), 'NONE', 'NO']);
const routines: Rows = (facts) =>
  ofKind(facts, 'P').map((one) => [...place(facts, one), ...place(facts, one), 'PROCEDURE', 'SQL', short(one.text)]);
const informationColumns: Rows = (facts) =>
  facts.objects.flatMap((object) =>
    object.columns.map(({ name, type, nullable }, index): CatalogCell[] => {
      const about = describeColumnType(type);
      const isApproximate = type.name === 'float' || type.name === 'real';
      const radix = about.numericPrecision === null ? null : isApproximate ? 2 : 10;
      const itsCollation = isTextType(type) ? collation : null;
      const characters = itsCollation === null ? null : type.name.startsWith('n') ? 'UNICODE' : 'iso_1';
      return [
        ...place(facts, object), name, index + 1, null, nullable ? 'YES' : 'NO', about.dataType, about.characterMaximumLength,
        about.characterOctetLength, about.numericPrecision, radix, about.numericScale, about.datetimePrecision, characters, itsCollation,
      ]; // prettier-ignore
    }),
  );
const constraint = (facts: CatalogFacts, table: CatalogObject): CatalogCell[] => [facts.database, table.schema, keyName(table), ...place(facts, table)]; // prettier-ignore
const tableConstraints: Rows = (facts) => keyed(facts).map((table) => [...constraint(facts, table), 'PRIMARY KEY', 'NO', 'NO']);
const keyColumnUsage: Rows = (facts) =>
  keyed(facts).flatMap((table) => table.primaryKey.map((name, index): CatalogCell[] => [...constraint(facts, table), name, index + 1]));

/** The rows of each catalog view. */
export const catalogRows = {
  databases, schemas, tables, views, procedures, objects, modules, columns, types, indexes, indexColumns, keyConstraints,
  schemata, informationTables, informationViews, routines, informationColumns, tableConstraints, keyColumnUsage,
}; // prettier-ignore
