import type { SourcePlace } from '#core';

import type { Value, ValueObject } from '../expression/index.ts';

/** Conditions of an edge between two activities. */
export type DependencyCondition = 'Succeeded' | 'Failed' | 'Skipped' | 'Completed';

export type Dependency = { readonly activity: string; readonly conditions: readonly DependencyCondition[] };

/** How an activity is tried. Times as in the JSON are texts `d.hh:mm:ss`; here they are milliseconds. */
export type ActivityPolicy = {
  readonly timeoutMs: number;
  readonly retry: number;
  readonly retryIntervalMs: number;
  readonly secureInput: boolean;
  readonly secureOutput: boolean;
};

/** An activity as its JSON says; expressions in `typeProperties` are not evaluated yet. */
export type Activity = {
  readonly name: string;
  readonly type: string;
  readonly dependsOn: readonly Dependency[];
  readonly typeProperties: ValueObject;
  readonly policy: ActivityPolicy;
  readonly linkedService: Reference | undefined;
  readonly inputs: readonly Reference[];
  readonly outputs: readonly Reference[];
  /** Undefined for an active one; else how an inactive one counts. */
  readonly inactiveAs: 'Succeeded' | 'Failed' | 'Skipped' | undefined;
  /** Where it stands in its file. */
  readonly place: SourcePlace;
  /** The path of its JSON in the file, for the places of its parts. */
  readonly path: readonly (string | number)[];
  /** All of its JSON. */
  readonly json: ValueObject;
};

/** A dataset or linked service that is referred to, with what its parameters get; not evaluated yet. */
export type Reference = { readonly name: string; readonly parameters: ValueObject };

export type ParameterDefinition = { readonly type: string; readonly defaultValue: Value | undefined };

/** Where a part of a file's JSON stands. */
export type PlaceOf = (path: readonly (string | number)[]) => SourcePlace | undefined;

export type Pipeline = {
  readonly name: string;
  /** All that stands in `properties`. */
  readonly properties: ValueObject;
  /** The short name of its factory folder. */
  readonly folder: string;
  readonly file: string;
  readonly parameters: Readonly<Record<string, ParameterDefinition>>;
  readonly variables: Readonly<Record<string, ParameterDefinition>>;
  readonly activities: readonly Activity[];
  readonly placeOf: PlaceOf;
};

export type Dataset = {
  readonly name: string;
  /** All that stands in `properties`. */
  readonly properties: ValueObject;
  readonly type: string;
  readonly file: string;
  readonly linkedService: Reference;
  readonly parameters: Readonly<Record<string, ParameterDefinition>>;
  readonly typeProperties: ValueObject;
  readonly placeOf: PlaceOf;
};

export type LinkedService = {
  readonly name: string;
  /** All that stands in `properties`. */
  readonly properties: ValueObject;
  readonly type: string;
  readonly file: string;
  readonly parameters: Readonly<Record<string, ParameterDefinition>>;
  readonly typeProperties: ValueObject;
  readonly placeOf: PlaceOf;
};

/** A trigger as its JSON says. `pipelines` are what it starts. */
export type Trigger = {
  readonly name: string;
  /** All that stands in `properties`. */
  readonly properties: ValueObject;
  readonly type: string;
  readonly file: string;
  readonly isStarted: boolean;
  readonly pipelines: readonly { readonly name: string; readonly parameters: ValueObject; readonly path: readonly (string | number)[] }[];
  readonly typeProperties: ValueObject;
  readonly placeOf: PlaceOf;
};

/** A part of a factory that does nothing here: it is read, so that what refers to it can be checked. */
export type OtherPart = {
  readonly kind: string;
  readonly name: string;
  readonly file: string;
  readonly properties: ValueObject;
  readonly placeOf: PlaceOf;
};

/** One folder in Data Factory's or Synapse's Git layout. Names are found without case. */
export type FactoryFolder = {
  /** The last part of its path. */
  readonly name: string;
  readonly dir: string;
  readonly pipelines: ReadonlyMap<string, Pipeline>;
  readonly datasets: ReadonlyMap<string, Dataset>;
  readonly linkedServices: ReadonlyMap<string, LinkedService>;
  readonly triggers: ReadonlyMap<string, Trigger>;
  readonly globalParameters: ValueObject;
  readonly others: readonly OtherPart[];
};

/** All factory folders of a project. */
export type Factory = { readonly folders: readonly FactoryFolder[] };

/** One thing that a check found. `line` from 1. */
export type Finding = {
  readonly file: string;
  readonly severity: 'error' | 'warning' | 'info';
  readonly code: string;
  readonly message: string;
  readonly line?: number;
  readonly column?: number;
  readonly activity?: string;
  readonly hint?: string;
};
