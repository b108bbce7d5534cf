/**
 * The typed tree of T-SQL. Every node has the span of its text, `[start, end)` in UTF-16 units of the batch. Names are
 * as written, without brackets or quotes; what is optional in the language is `undefined` here, never an invented value.
 */
export type Span = { readonly start: number; readonly end: number };

/** A name of up to four parts: `server.database.schema.object`. A part left out (`db..t`) is ''. */
export type Name = { readonly parts: readonly string[]; readonly span: Span };

/** A data type as written: `nvarchar(max)`, `dbo.MyType`. `max` is the argument 'max'. */
export type TypeName = { readonly name: Name; readonly args: readonly (number | 'max')[]; readonly span: Span };

export type BinaryOperator = '+' | '-' | '*' | '/' | '%' | '&' | '|' | '^' | '||';
export type ComparisonOperator = '=' | '<>' | '<' | '<=' | '>' | '>=';

export type Expression = { readonly span: Span } & (
  | { readonly kind: 'null' }
  | { readonly kind: 'default' }
  | { readonly kind: 'string'; readonly value: string; readonly isNational: boolean }
  /** An integer, decimal, float (`1e3`) or money (`$1.5`) as written. */
  | { readonly kind: 'number'; readonly text: string; readonly form: 'integer' | 'decimal' | 'float' | 'money' }
  | { readonly kind: 'binary'; readonly hex: string }
  | { readonly kind: 'variable'; readonly name: string }
  /** `@@ROWCOUNT` and its like, with both signs. */
  | { readonly kind: 'global'; readonly name: string }
  | { readonly kind: 'column'; readonly name: Name }
  | { readonly kind: 'star'; readonly qualifier: Name | undefined }
  | { readonly kind: 'unary'; readonly operator: '-' | '+' | '~'; readonly operand: Expression }
  | { readonly kind: 'binaryOperation'; readonly operator: BinaryOperator; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'collate'; readonly operand: Expression; readonly collation: string }
  | { readonly kind: 'atTimeZone'; readonly operand: Expression; readonly zone: Expression }
  | {
      readonly kind: 'case';
      readonly operand: Expression | undefined;
      readonly whens: readonly When[];
      readonly otherwise: Expression | undefined;
    }
  | { readonly kind: 'cast'; readonly operand: Expression; readonly type: TypeName; readonly isTry: boolean }
  | {
      readonly kind: 'convert';
      readonly type: TypeName;
      readonly operand: Expression;
      readonly style: Expression | undefined;
      readonly isTry: boolean;
    }
  | {
      readonly kind: 'parse';
      readonly operand: Expression;
      readonly type: TypeName;
      readonly culture: Expression | undefined;
      readonly isTry: boolean;
    }
  | FunctionCall
  | { readonly kind: 'subquery'; readonly query: Query }
  | { readonly kind: 'nextValue'; readonly sequence: Name }
  /** Inside `STRING_AGG ... TRIM('x' FROM a)` and such, where the language has words between arguments. */
  | { readonly kind: 'words'; readonly words: string }
);

export type When = { readonly when: Expression | Condition; readonly then: Expression };

export type FunctionCall = {
  readonly kind: 'call';
  readonly span: Span;
  readonly name: Name;
  readonly args: readonly Expression[];
  readonly isDistinct: boolean;
  /** `TRIM(x FROM y)` and `IIF(condition, ...)`: the condition is the first argument, kept apart. */
  readonly condition: Condition | undefined;
  /** A type as an argument, as in `IDENTITY(int, 1, 1)`. */
  readonly type: TypeName | undefined;
  readonly withinGroup: readonly OrderItem[] | undefined;
  readonly nulls: 'ignore' | 'respect' | undefined;
  readonly over: Window | undefined;
  /** The value a method is called on: `x.value('..')`, `hierarchyid::GetRoot()`. */
  readonly target: Expression | undefined;
};

export type Window = {
  readonly name: string | undefined;
  readonly partitionBy: readonly Expression[];
  readonly orderBy: readonly OrderItem[];
  readonly frame: { readonly unit: 'ROWS' | 'RANGE'; readonly from: FrameBound; readonly to: FrameBound | undefined } | undefined;
};
export type FrameBound =
  | { readonly bound: 'unboundedPreceding' | 'unboundedFollowing' | 'currentRow' }
  | { readonly bound: 'preceding' | 'following'; readonly offset: Expression };

export type Condition = { readonly span: Span } & (
  | { readonly kind: 'and' | 'or'; readonly left: Condition; readonly right: Condition }
  | { readonly kind: 'not'; readonly operand: Condition }
  | { readonly kind: 'comparison'; readonly operator: ComparisonOperator; readonly left: Expression; readonly right: Expression }
  | {
      readonly kind: 'quantified';
      readonly operator: ComparisonOperator;
      readonly quantifier: 'all' | 'any';
      readonly left: Expression;
      readonly query: Query;
    }
  | { readonly kind: 'isNull'; readonly operand: Expression; readonly isNot: boolean }
  | { readonly kind: 'isDistinct'; readonly left: Expression; readonly right: Expression; readonly isNot: boolean }
  | { readonly kind: 'between'; readonly operand: Expression; readonly low: Expression; readonly high: Expression; readonly isNot: boolean }
  | { readonly kind: 'in'; readonly operand: Expression; readonly values: readonly Expression[] | Query; readonly isNot: boolean }
  | {
      readonly kind: 'like';
      readonly operand: Expression;
      readonly pattern: Expression;
      readonly escape: Expression | undefined;
      readonly isNot: boolean;
    }
  | { readonly kind: 'exists'; readonly query: Query }
  | { readonly kind: 'currentOf'; readonly cursor: string }
);

export type OrderItem = { readonly expression: Expression; readonly isDescending: boolean; readonly span: Span };

/** One item of a select list: an expression with an alias, `*`, or an assignment to a variable. */
export type SelectItem = {
  readonly span: Span;
  readonly expression: Expression;
  readonly alias: string | undefined;
  readonly assign: { readonly variable: string; readonly operator: string } | undefined;
};

export type Select = {
  readonly kind: 'select';
  readonly span: Span;
  readonly isDistinct: boolean;
  readonly top: Top | undefined;
  readonly items: readonly SelectItem[];
  readonly into: Name | undefined;
  readonly from: readonly TableSource[];
  readonly where: Condition | undefined;
  readonly groupBy: GroupBy | undefined;
  readonly having: Condition | undefined;
  readonly windows: readonly { readonly name: string; readonly window: Window }[];
};
export type Top = { readonly count: Expression; readonly isPercent: boolean; readonly withTies: boolean };
export type GroupBy = { readonly items: readonly GroupItem[]; readonly modifier: 'all' | 'cube' | 'rollup' | undefined };
export type GroupItem =
  | { readonly kind: 'expression'; readonly expression: Expression }
  | { readonly kind: 'rollup' | 'cube'; readonly sets: readonly (readonly Expression[])[] }
  | { readonly kind: 'sets'; readonly items: readonly GroupItem[] }
  /** One of `GROUPING SETS ((a, b), ...)`. */
  | { readonly kind: 'set'; readonly expressions: readonly Expression[] }
  | { readonly kind: 'empty' };

export type QueryBody =
  | Select
  | {
      readonly kind: 'set';
      readonly span: Span;
      readonly operator: 'UNION' | 'UNION ALL' | 'EXCEPT' | 'INTERSECT';
      readonly left: QueryBody;
      readonly right: QueryBody;
    }
  | { readonly kind: 'values'; readonly span: Span; readonly rows: readonly (readonly Expression[])[] };

export type Query = {
  readonly span: Span;
  readonly with: readonly CommonTable[];
  readonly body: QueryBody;
  readonly orderBy: readonly OrderItem[];
  readonly offset: Expression | undefined;
  readonly fetch: Expression | undefined;
  /** `FOR JSON PATH ...`, `FOR XML ...` as written, from FOR on. */
  readonly forClause: { readonly format: 'JSON' | 'XML' | 'BROWSE'; readonly options: string; readonly span: Span } | undefined;
};
export type CommonTable = { readonly name: string; readonly columns: readonly string[]; readonly query: Query; readonly span: Span };

export type JoinKind = 'inner' | 'left' | 'right' | 'full' | 'cross' | 'crossApply' | 'outerApply';

export type TableSource = { readonly span: Span } & (
  | {
      readonly kind: 'table';
      readonly name: Name;
      readonly alias: string | undefined;
      readonly forSystemTime: string | undefined;
      readonly sample: string | undefined;
    }
  | { readonly kind: 'tableVariable'; readonly name: string; readonly alias: string | undefined }
  | { readonly kind: 'derived'; readonly query: Query; readonly alias: string; readonly columns: readonly string[] }
  | { readonly kind: 'function'; readonly call: FunctionCall; readonly alias: string | undefined; readonly columns: readonly string[] }
  | {
      readonly kind: 'openJson';
      readonly document: Expression;
      readonly path: Expression | undefined;
      readonly columns: readonly OpenColumn[] | undefined;
      readonly alias: string | undefined;
    }
  | OpenRowset
  | {
      readonly kind: 'join';
      readonly join: JoinKind;
      readonly left: TableSource;
      readonly right: TableSource;
      readonly on: Condition | undefined;
    }
  | {
      readonly kind: 'pivot';
      readonly source: TableSource;
      readonly aggregate: FunctionCall;
      readonly column: Name;
      readonly values: readonly string[];
      readonly alias: string;
    }
  | {
      readonly kind: 'unpivot';
      readonly source: TableSource;
      readonly value: string;
      readonly column: string;
      readonly columns: readonly string[];
      readonly alias: string;
    }
);

/** A column of a `WITH (...)` after OPENROWSET or OPENJSON: `place` is a position or a path. */
export type OpenColumn = {
  readonly name: string;
  readonly type: TypeName;
  readonly collation: string | undefined;
  readonly place: number | string | undefined;
  readonly asJson: boolean;
  readonly span: Span;
};

export type OpenRowset = {
  readonly kind: 'openRowset';
  readonly span: Span;
  readonly bulk: readonly string[];
  /** Options by upper-case name: FORMAT, DATA_SOURCE, FIELDTERMINATOR, HEADER_ROW ...; a flag (SINGLE_BLOB) is true. */
  readonly options: Readonly<Record<string, string | number | true>>;
  readonly columns: readonly OpenColumn[] | undefined;
  readonly alias: string | undefined;
  readonly aliasColumns: readonly string[];
};

export type Assignment = {
  readonly column: Name | undefined;
  readonly variable: string | undefined;
  readonly operator: string;
  readonly value: Expression;
  readonly span: Span;
};
export type Output = { readonly items: readonly SelectItem[]; readonly into: Name | { readonly variable: string } | undefined };
export type ExecArgument = {
  readonly name: string | undefined;
  readonly value: Expression;
  readonly isOutput: boolean;
  readonly span: Span;
};
export type Parameter = {
  readonly name: string;
  readonly type: TypeName;
  readonly defaultValue: Expression | undefined;
  readonly isOutput: boolean;
  readonly isReadonly: boolean;
  readonly span: Span;
};
export type ColumnDefinition = {
  readonly name: string;
  readonly type: TypeName | undefined;
  readonly computed: Expression | undefined;
  readonly nullable: boolean | undefined;
  readonly identity: { readonly seed: number; readonly increment: number } | undefined;
  readonly defaultValue: Expression | undefined;
  readonly isPrimaryKey: boolean;
  readonly isUnique: boolean;
  readonly collation: string | undefined;
  readonly span: Span;
};

export type MergeAction = {
  readonly match: 'matched' | 'notMatched' | 'notMatchedBySource';
  readonly condition: Condition | undefined;
  readonly action:
    | { readonly kind: 'update'; readonly assignments: readonly Assignment[] }
    | { readonly kind: 'delete' }
    | { readonly kind: 'insert'; readonly columns: readonly string[]; readonly values: readonly Expression[] | 'default' };
};

export type Statement = { readonly span: Span } & (
  | { readonly kind: 'query'; readonly query: Query }
  | {
      readonly kind: 'insert';
      readonly with: readonly CommonTable[];
      readonly top: Top | undefined;
      readonly target: TableSource;
      readonly columns: readonly string[];
      readonly output: Output | undefined;
      readonly source: Query | { readonly kind: 'defaultValues' } | (Statement & { readonly kind: 'exec' });
    }
  | {
      readonly kind: 'update';
      readonly with: readonly CommonTable[];
      readonly top: Top | undefined;
      readonly target: TableSource;
      readonly assignments: readonly Assignment[];
      readonly output: Output | undefined;
      readonly from: readonly TableSource[];
      readonly where: Condition | undefined;
    }
  | {
      readonly kind: 'delete';
      readonly with: readonly CommonTable[];
      readonly top: Top | undefined;
      readonly target: TableSource;
      readonly output: Output | undefined;
      readonly from: readonly TableSource[];
      readonly where: Condition | undefined;
    }
  | {
      readonly kind: 'merge';
      readonly with: readonly CommonTable[];
      readonly target: TableSource;
      readonly source: TableSource;
      readonly on: Condition;
      readonly actions: readonly MergeAction[];
      readonly output: Output | undefined;
    }
  | { readonly kind: 'truncate'; readonly table: Name }
  | {
      readonly kind: 'createTable';
      readonly name: Name;
      readonly columns: readonly ColumnDefinition[];
      readonly primaryKey: readonly string[] | undefined;
    }
  | {
      readonly kind: 'createView';
      readonly mode: DefinitionMode;
      readonly name: Name;
      readonly columns: readonly string[];
      readonly query: Query;
      readonly text: string;
    }
  | {
      readonly kind: 'createProcedure';
      readonly mode: DefinitionMode;
      readonly name: Name;
      readonly parameters: readonly Parameter[];
      readonly body: readonly Statement[];
      readonly text: string;
    }
  | { readonly kind: 'createSchema'; readonly name: string }
  | { readonly kind: 'createDatabase'; readonly name: string }
  | { readonly kind: 'createExternalDataSource'; readonly name: string; readonly options: Readonly<Record<string, string>> }
  | {
      readonly kind: 'drop';
      readonly object: 'TABLE' | 'VIEW' | 'PROCEDURE' | 'SCHEMA' | 'DATABASE' | 'EXTERNAL DATA SOURCE' | 'EXTERNAL TABLE' | 'FUNCTION';
      readonly names: readonly Name[];
      readonly ifExists: boolean;
    }
  /** A statement that is T-SQL and that nothing here performs: refused by its name when it is run. */
  | { readonly kind: 'unsupported'; readonly what: string }
  | {
      readonly kind: 'declare';
      readonly variables: readonly { readonly name: string; readonly type: TypeName; readonly value: Expression | undefined }[];
    }
  | { readonly kind: 'declareTable'; readonly name: string; readonly columns: readonly ColumnDefinition[] }
  | { readonly kind: 'setVariable'; readonly variable: string; readonly operator: string; readonly value: Expression }
  | { readonly kind: 'setOption'; readonly options: readonly string[]; readonly value: string }
  | { readonly kind: 'if'; readonly condition: Condition; readonly then: Statement; readonly otherwise: Statement | undefined }
  | { readonly kind: 'while'; readonly condition: Condition; readonly body: Statement }
  | { readonly kind: 'block'; readonly statements: readonly Statement[] }
  | { readonly kind: 'tryCatch'; readonly body: readonly Statement[]; readonly handler: readonly Statement[] }
  | { readonly kind: 'break' | 'continue' }
  | { readonly kind: 'return'; readonly value: Expression | undefined }
  | { readonly kind: 'print'; readonly value: Expression }
  | { readonly kind: 'raiserror'; readonly args: readonly Expression[]; readonly options: readonly string[] }
  | { readonly kind: 'throw'; readonly args: readonly Expression[] }
  | { readonly kind: 'waitFor'; readonly delay: Expression; readonly isTime: boolean }
  | { readonly kind: 'label'; readonly name: string }
  | { readonly kind: 'goto'; readonly name: string }
  | { readonly kind: 'use'; readonly database: string }
  | { readonly kind: 'transaction'; readonly action: 'begin' | 'commit' | 'rollback' | 'save'; readonly name: string | undefined }
  | {
      readonly kind: 'exec';
      readonly procedure: Name | { readonly variable: string };
      readonly args: readonly ExecArgument[];
      readonly result: string | undefined;
    }
  | { readonly kind: 'execString'; readonly pieces: readonly Expression[]; readonly at: string | undefined }
);
export type DefinitionMode = 'create' | 'alter' | 'createOrAlter';
