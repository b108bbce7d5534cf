/** What the runtime performs, with the properties of each type that act and those that are known and change nothing here. */
export const activityTypes: Readonly<Record<string, { readonly acts: readonly string[]; readonly known: readonly string[] }>> = {
  AppendVariable: { acts: ['variableName', 'value'], known: [] },
  Copy: {
    acts: ['source', 'sink', 'translator'],
    known: [
      'enableStaging',
      'stagingSettings',
      'parallelCopies',
      'dataIntegrationUnits',
      'enableSkipIncompatibleRow',
      'validateDataConsistency',
      'logSettings',
      'preserve',
    ],
  },
  DatabricksNotebook: { acts: ['notebookPath', 'baseParameters'], known: ['libraries'] },
  ExecutePipeline: { acts: ['pipeline', 'parameters', 'waitOnCompletion'], known: [] },
  Fail: { acts: ['message', 'errorCode'], known: [] },
  Filter: { acts: ['items', 'condition'], known: [] },
  ForEach: { acts: ['items', 'activities', 'isSequential', 'batchCount'], known: [] },
  GetMetadata: { acts: ['dataset', 'fieldList'], known: ['storeSettings', 'formatSettings'] },
  IfCondition: { acts: ['expression', 'ifTrueActivities', 'ifFalseActivities'], known: [] },
  Lookup: { acts: ['source', 'dataset', 'firstRowOnly'], known: [] },
  SetVariable: { acts: ['variableName', 'value', 'setSystemVariable'], known: [] },
  SqlServerStoredProcedure: { acts: ['storedProcedureName', 'storedProcedureParameters'], known: [] },
  Switch: { acts: ['on', 'cases', 'defaultActivities'], known: [] },
  SynapseNotebook: {
    acts: ['notebook', 'parameters'],
    known: [
      'snapshot',
      'sparkPool',
      'conf',
      'driverSize',
      'executorSize',
      'numExecutors',
      'configurationType',
      'targetSparkConfiguration',
      'sparkConfig',
    ],
  },
  Until: { acts: ['expression', 'activities', 'timeout'], known: [] },
  Wait: { acts: ['waitTimeInSeconds'], known: [] },
};

/** Types of linked services that a connector or the lake stands for, and those that are only referred to. */
export const linkedServiceTypes: readonly string[] = [
  'SqlServer', 'AzureSqlDatabase', 'AzureSqlMI', 'AzureSqlDW', 'PostgreSql', 'PostgreSqlV2', 'AzurePostgreSql', 'AzureBlobFS', 'AzureBlobStorage', 'Lakehouse', 'AzureDatabricks', 'AzureDatabricksDeltaLake', 'AzureKeyVault', 'AzureSynapseArtifacts',
]; // prettier-ignore
