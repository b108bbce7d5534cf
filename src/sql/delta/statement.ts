/** Where something stands in a statement's text: `[start, end)` in UTF-16 units. */
export type Span = { readonly start: number; readonly end: number };

/** A name as it is written, part by part without quotes: `gold.SalesLT.Address`, or `delta` and a path. */
export type Name = { readonly parts: readonly string[]; readonly span: Span };

/** A condition, value or query in the lake's own dialect; names in backticks stand in double quotes. Whoever runs it checks it. */
export type Fragment = { readonly text: string; readonly span: Span };

/** A version or a timestamp (an expression) that a table is read at. */
export type TimeTravel = { readonly version: number } | { readonly timestamp: Fragment };

/** `column = value` of UPDATE and MERGE; the column may be a field of a struct. */
export type Assignment = { readonly column: Name; readonly value: Fragment };

/** Table properties in the order of the text; values are texts. */
export type Properties = Readonly<Record<string, string>>;

/** Where a new or moved column goes. */
export type ColumnPosition = { readonly kind: 'first' } | { readonly kind: 'after'; readonly column: string };

export type IdentityDefinition = { readonly start: bigint; readonly step: bigint; readonly allowExplicitInsert: boolean };

/** One column of CREATE TABLE or ADD COLUMNS. `type` is as it is written. */
export type ColumnDefinition = {
  readonly name: Name;
  readonly type: Fragment;
  readonly nullable: boolean;
  readonly comment?: string;
  readonly defaultValue?: Fragment;
  readonly generatedAs?: Fragment;
  readonly identity?: IdentityDefinition;
  readonly position?: ColumnPosition;
};

export type CheckConstraint = { readonly name: string; readonly condition: Fragment };

/** What CREATE TABLE and REPLACE TABLE say of the table, beside its name. */
export type TableDefinition = {
  readonly columns: readonly ColumnDefinition[];
  readonly constraints: readonly CheckConstraint[];
  readonly partitionBy: readonly string[];
  readonly clusterBy: readonly Name[] | undefined;
  readonly comment: string | undefined;
  readonly location: string | undefined;
  readonly properties: Properties;
  readonly query: Fragment | undefined;
};

/** One WHEN clause of MERGE, in the order of the text. */
export type MergeClause = { readonly span: Span; readonly condition: Fragment | undefined } & (
  | { readonly when: 'matched' | 'notMatchedBySource'; readonly action: 'delete' }
  | { readonly when: 'matched'; readonly action: 'updateAll' }
  | { readonly when: 'matched' | 'notMatchedBySource'; readonly action: 'update'; readonly assignments: readonly Assignment[] }
  | { readonly when: 'notMatched'; readonly action: 'insertAll' }
  | { readonly when: 'notMatched'; readonly action: 'insert'; readonly columns: readonly Name[]; readonly values: readonly Fragment[] }
);

/** One change of ALTER TABLE. */
export type Alteration =
  | { readonly kind: 'addColumns'; readonly columns: readonly ColumnDefinition[] }
  | { readonly kind: 'dropColumns'; readonly columns: readonly Name[]; readonly ifExists: boolean }
  | { readonly kind: 'renameColumn'; readonly column: Name; readonly newName: string }
  | { readonly kind: 'alterColumn'; readonly column: Name; readonly change: ColumnChange }
  | { readonly kind: 'setProperties'; readonly properties: Properties }
  | { readonly kind: 'unsetProperties'; readonly keys: readonly string[]; readonly ifExists: boolean }
  | { readonly kind: 'addConstraint'; readonly constraint: CheckConstraint }
  | { readonly kind: 'dropConstraint'; readonly name: string; readonly ifExists: boolean }
  | { readonly kind: 'dropFeature'; readonly feature: string; readonly truncateHistory: boolean }
  | { readonly kind: 'clusterBy'; readonly columns: readonly Name[] };

export type ColumnChange =
  | { readonly kind: 'type'; readonly type: Fragment }
  | { readonly kind: 'nullable'; readonly nullable: boolean }
  | { readonly kind: 'comment'; readonly comment: string }
  | { readonly kind: 'position'; readonly position: ColumnPosition }
  | { readonly kind: 'default'; readonly value: Fragment | undefined }
  | { readonly kind: 'syncIdentity' };

/** A statement in Spark's and Databricks' words about Delta tables. `query` is all that only reads. */
export type DeltaStatement = { readonly span: Span } & (
  | { readonly kind: 'query'; readonly query: Fragment }
  | {
      readonly kind: 'createTable';
      readonly table: Name;
      readonly definition: TableDefinition;
      readonly ifNotExists: boolean;
      readonly replace: 'no' | 'orCreate' | 'existing';
    }
  | {
      readonly kind: 'clone';
      readonly table: Name;
      readonly source: Name;
      readonly at: TimeTravel | undefined;
      readonly isShallow: boolean;
      readonly ifNotExists: boolean;
      readonly replace: boolean;
      readonly properties: Properties;
      readonly location: string | undefined;
    }
  | {
      readonly kind: 'convert';
      readonly source: Name;
      readonly partitions: readonly { readonly name: string; readonly type: Fragment }[];
      readonly withStatistics: boolean;
    }
  | { readonly kind: 'dropTable'; readonly table: Name; readonly ifExists: boolean }
  | {
      readonly kind: 'insert';
      readonly table: Name;
      readonly columns: readonly Name[];
      readonly byName: boolean;
      /** `dynamic` where PARTITION names columns without values. */
      readonly overwrite:
        | 'no'
        | 'all'
        | { readonly where: Fragment }
        | { readonly partition: readonly PartitionValue[] }
        /** Rows are added; their partition stands in the statement. */
        | { readonly into: readonly PartitionValue[] };
      readonly query: Fragment;
    }
  | { readonly kind: 'delete'; readonly table: Name; readonly alias: string | undefined; readonly where: Fragment | undefined }
  | {
      readonly kind: 'update';
      readonly table: Name;
      readonly alias: string | undefined;
      readonly assignments: readonly Assignment[];
      readonly where: Fragment | undefined;
    }
  | {
      readonly kind: 'merge';
      readonly table: Name;
      readonly alias: string | undefined;
      /** A table or a query in parentheses, with its alias: it can stand behind FROM. */
      readonly source: Fragment;
      readonly sourceAlias: string | undefined;
      readonly on: Fragment;
      readonly clauses: readonly MergeClause[];
      readonly withSchemaEvolution: boolean;
    }
  | {
      readonly kind: 'optimize';
      readonly table: Name;
      readonly where: Fragment | undefined;
      readonly zorderBy: readonly Name[];
      readonly isFull: boolean;
    }
  | { readonly kind: 'reorg'; readonly table: Name; readonly where: Fragment | undefined }
  | {
      readonly kind: 'vacuum';
      readonly table: Name;
      readonly retainHours: number | undefined;
      readonly dryRun: boolean;
      readonly mode: 'full' | 'lite';
    }
  | { readonly kind: 'restore'; readonly table: Name; readonly at: TimeTravel }
  | { readonly kind: 'history'; readonly table: Name; readonly limit: number | undefined }
  | { readonly kind: 'detail'; readonly table: Name }
  | { readonly kind: 'showProperties'; readonly table: Name; readonly key: string | undefined }
  | { readonly kind: 'alter'; readonly table: Name; readonly change: Alteration }
);

/** `PARTITION (region = 'eu', day)`: a value is an expression, none means whatever the rows have. */
type PartitionValue = { readonly column: string; readonly value: Fragment | undefined };
