/**
 * What values the properties of a kind of object take: `text`, `boolean`, `whole` with its bounds, `number`, `array`,
 * `object`, `any`, or names of which one is meant. `!` says that the property must be there. Where Azure takes an
 * expression, an expression always fits.
 */
export type Shape = Readonly<Record<string, string>>;

const documentation: Shape = { description: 'text', folder: 'object', annotations: 'array' };

/** What stands around `typeProperties`, by kind. A property that is not here is refused by name. */
export const envelopes = {
  pipeline: {
    ...documentation,
    activities: 'array!',
    parameters: 'object',
    variables: 'object',
    policy: 'object',
    concurrency: 'whole 1-50',
    runDimensions: 'object',
    libraryVariables: 'object',
    lastPublishTime: 'text',
  },
  activity: {
    name: 'text!',
    type: 'text!',
    description: 'text',
    state: 'Active|Inactive',
    onInactiveMarkAs: 'Succeeded|Failed|Skipped',
    dependsOn: 'array',
    policy: 'object',
    userProperties: 'array',
    linkedServiceName: 'object',
    inputs: 'array',
    outputs: 'array',
    typeProperties: 'object',
    externalReferences: 'object',
    sqlPool: 'object',
    connectVia: 'object',
  },
  policy: {
    timeout: 'text',
    retry: 'whole 0-2147483647',
    retryIntervalInSeconds: 'whole 30-86400',
    secureInput: 'boolean',
    secureOutput: 'boolean',
  },
  dataset: {
    ...documentation,
    type: 'text!',
    linkedServiceName: 'object!',
    parameters: 'object',
    typeProperties: 'object',
    schema: 'any',
    structure: 'any',
  },
  linkedService: {
    ...documentation,
    type: 'text!',
    typeProperties: 'object',
    parameters: 'object',
    connectVia: 'object',
    version: 'text',
    typeVersion: 'text',
  },
  trigger: {
    ...documentation,
    type: 'text!',
    typeProperties: 'object',
    pipelines: 'array',
    pipeline: 'object',
    runtimeState: 'Started|Stopped|Disabled',
  },
  integrationRuntime: {
    ...documentation,
    type: 'Managed|SelfHosted',
    typeProperties: 'object',
    managedVirtualNetwork: 'object',
    additionalProperties: 'object',
  },
} as const satisfies Readonly<Record<string, Shape>>;

/** What stands beside and does nothing here; by the folder of Git's layout. */
export const otherShapes: Readonly<Record<string, Shape>> = {
  factory: {
    globalParameters: 'object',
    globalConfigurations: 'object',
    publicNetworkAccess: 'text',
    repoConfiguration: 'object',
    purviewConfiguration: 'object',
    encryption: 'object',
    provisioningState: 'text',
    createTime: 'text',
    version: 'text',
    factoryStatistics: 'any',
  },
  integrationRuntime: envelopes.integrationRuntime,
  credential: { ...documentation, type: 'text!', typeProperties: 'object' },
  managedVirtualNetwork: {
    preventDataExfiltration: 'boolean',
    allowedAadTenantIdsForLinking: 'array',
    privateLinkResourceId: 'text',
    groupId: 'text',
    fqdns: 'array',
    connectionState: 'object',
    provisioningState: 'text',
    isReserved: 'boolean',
    vNetId: 'text',
    alias: 'text',
  },
  sqlscript: { ...documentation, content: 'object!', type: 'text' },
  notebook: {
    ...documentation,
    nbformat: 'any',
    nbformat_minor: 'any',
    metadata: 'object',
    cells: 'array',
    bigDataPool: 'object',
    sessionProperties: 'object',
    targetSparkConfiguration: 'object',
  },
  dataflow: { ...documentation, type: 'text!', typeProperties: 'object' },
};

/** `typeProperties` of activities. Which of them act says `activity-types.ts`. */
export const activityShapes: Readonly<Record<string, Shape>> = {
  AppendVariable: { variableName: 'text!', value: 'any!' },
  Copy: { source: 'object!', sink: 'object!', translator: 'object', parallelCopies: 'whole 1-256', enableStaging: 'boolean' },
  DatabricksNotebook: { notebookPath: 'text!', baseParameters: 'object', libraries: 'array' },
  ExecutePipeline: { pipeline: 'object!', parameters: 'object', waitOnCompletion: 'boolean' },
  Fail: { message: 'text!', errorCode: 'text!' },
  Filter: { items: 'array!', condition: 'any!' },
  ForEach: { items: 'array!', activities: 'array!', isSequential: 'boolean', batchCount: 'whole 1-50' },
  GetMetadata: { dataset: 'object!', fieldList: 'array' },
  IfCondition: { expression: 'any!', ifTrueActivities: 'array', ifFalseActivities: 'array' },
  Lookup: { source: 'object!', dataset: 'object!', firstRowOnly: 'boolean' },
  SetVariable: { variableName: 'text!', value: 'any!', setSystemVariable: 'boolean' },
  SqlServerStoredProcedure: { storedProcedureName: 'text!', storedProcedureParameters: 'object' },
  Switch: { on: 'any!', cases: 'array', defaultActivities: 'array' },
  SynapseNotebook: { notebook: 'object!', parameters: 'object' },
  Until: { expression: 'any!', activities: 'array!', timeout: 'text' },
  Wait: { waitTimeInSeconds: 'whole 0-2147483647!' },
};

export const switchCase: Shape = { value: 'text!', activities: 'array' };

/** What of a trigger says when. */
export const triggerShapes = {
  recurrence: {
    frequency: 'Minute|Hour|Day|Week|Month|Year!',
    interval: 'whole 1-2147483647!',
    startTime: 'time',
    endTime: 'time',
    timeZone: 'zone',
    schedule: 'object',
  },
  schedule: { minutes: 'array', hours: 'array', weekDays: 'array', monthDays: 'array', monthlyOccurrences: 'array' },
  TumblingWindowTrigger: {
    frequency: 'Minute|Hour|Month!',
    interval: 'whole 1-2147483647!',
    startTime: 'time!',
    endTime: 'time',
    delay: 'span',
    maxConcurrency: 'whole 1-50',
    retryPolicy: 'object',
    dependsOn: 'array',
  },
  retryPolicy: { count: 'whole 0-2147483647', intervalInSeconds: 'whole 30-86400' },
  BlobEventsTrigger: {
    scope: 'text!',
    events: 'array!',
    blobPathBeginsWith: 'text',
    blobPathEndsWith: 'text',
    ignoreEmptyBlobs: 'boolean',
  },
  CustomEventsTrigger: { scope: 'text!', events: 'array!', subjectBeginsWith: 'text', subjectEndsWith: 'text' },
} as const satisfies Readonly<Record<string, Shape>>;

/** What the items of lists in triggers may be: bounds, or names. */
export const triggerLists: Readonly<Record<string, string>> = {
  minutes: 'whole 0-59',
  hours: 'whole 0-23',
  weekDays: 'Sunday|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday',
  monthDays: 'day of the month',
};

/** Types of parameters and of variables. */
export const parameterTypes = ['object', 'string', 'int', 'float', 'bool', 'array', 'secureString'];
export const variableTypes = ['String', 'Bool', 'Boolean', 'Array', 'Integer'];
