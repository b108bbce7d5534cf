import type { PropertyUse } from '../properties.ts';

/** What the runtime performs, with the properties of each type that act and those that are known and change nothing here. */
export const activityTypes: Readonly<Record<string, PropertyUse>> = {
  AppendVariable: { acts: ['variableName', 'value'], known: [] },
  Copy: {
    acts: ['source', 'sink', 'translator'],
    known: ['enableStaging', 'stagingSettings', 'parallelCopies', 'dataIntegrationUnits'],
  },
  DatabricksNotebook: { acts: ['notebookPath', 'baseParameters'], known: ['libraries'] },
  ExecutePipeline: { acts: ['pipeline', 'parameters', 'waitOnCompletion'], known: [] },
  Fail: { acts: ['message', 'errorCode'], known: [] },
  Filter: { acts: ['items', 'condition'], known: [] },
  ForEach: { acts: ['items', 'activities', 'isSequential', 'batchCount'], known: [] },
  GetMetadata: { acts: ['dataset', 'fieldList', 'storeSettings'], known: ['formatSettings'] },
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

/** Types that Azure has and nothing here performs. */
export const otherActivityTypes: readonly string[] = [
  'AzureBatch', 'AzureDataExplorerCommand', 'AzureFunctionActivity', 'AzureMLBatchExecution', 'AzureMLExecutePipeline', 'AzureMLUpdateResource', 'Custom', 'DataLakeAnalyticsU-SQL', 'DatabricksJob', 'DatabricksSparkJar', 'DatabricksSparkPython', 'Delete', 'ExecuteDataFlow', 'ExecuteSSISPackage', 'ExecuteWranglingDataflow', 'HDInsightHive', 'HDInsightMapReduce', 'HDInsightPig', 'HDInsightSpark', 'HDInsightStreaming', 'InvokePipeline', 'MicrosoftTeams', 'Office365Outlook', 'PBISemanticModelRefresh', 'RefreshDataflow', 'Script', 'SparkJob', 'SparkJobDefinition', 'SqlPoolStoredProcedure', 'TridentNotebook', 'Validation', 'WebActivity', 'WebHook',
]; // prettier-ignore

/** The properties of a type of activity that is supported. */
export function activityProperties(type: string): PropertyUse {
  return (Object.hasOwn(activityTypes, type) ? activityTypes[type] : undefined) ?? { acts: [], known: [] };
}

const credentials =
  'encryptedCredential credential userName username password authenticationType servicePrincipalId servicePrincipalKey servicePrincipalCredential servicePrincipalCredentialType tenant azureCloudType';
const database = `connectionString server database port connectVia alwaysEncryptedSettings encrypt trustServerCertificate hostNameInCertificate applicationIntent connectTimeout commandTimeout connectRetryCount connectRetryInterval failoverPartner integratedSecurity loadBalanceTimeout maxPoolSize minPoolSize multipleActiveResultSets multiSubnetFailover packetSize pooling sslMode trustCertificate connectionTimeout timezone readBufferSize logParameters schema encoding ${credentials}`;
const storage = `url accountKey sasUri sasToken serviceEndpoint connectionString accountKind containerUri workspaceId artifactId ${credentials}`;
const databricks = `domain accessToken authentication workspaceResourceId existingClusterId instancePoolId newClusterVersion newClusterNumOfWorker newClusterNodeType newClusterSparkConf newClusterSparkEnvVars newClusterCustomTags newClusterLogDestination newClusterDriverNodeType newClusterInitScripts newClusterEnableElasticDisk policyId clusterId dataSecurityMode ${credentials}`;

/** By type, what Azure has in `typeProperties`: lakestead.yaml says what stands in, so all of it is known and none of it wrong. */
const linkedServices: Readonly<Record<string, string>> = {
  SqlServer: database, AzureSqlDatabase: database, AzureSqlMI: database, AzureSqlDW: database, PostgreSql: database, PostgreSqlV2: database,
  AzurePostgreSql: database, AzureBlobFS: storage, AzureBlobStorage: storage, Lakehouse: storage, AzureDatabricks: databricks,
  AzureDatabricksDeltaLake: databricks, AzureKeyVault: 'baseUrl credential', AzureSynapseArtifacts: `endpoint authentication workspaceResourceId ${credentials}`,
}; // prettier-ignore

/** Settings that are lost where another service stands in; `validate` says so. */
const withoutEffect = ['encryptedCredential', 'existingClusterId', 'alwaysEncryptedSettings'];

/** Types of linked services that a connector or the lake stands for. */
export const linkedServiceTypes: readonly string[] = Object.keys(linkedServices);

/** The properties of a linked service of a type that a connector or the lake stands for; undefined for other types. */
export function linkedServiceProperties(type: string): PropertyUse | undefined {
  const names = Object.hasOwn(linkedServices, type) ? linkedServices[type]?.split(' ') : undefined;
  return names === undefined ? undefined : { acts: names.filter((name) => !withoutEffect.includes(name)), known: withoutEffect };
}

/** Types of triggers; their shapes stand in `shapes.ts`. */
export const triggerTypes: readonly string[] = ['ScheduleTrigger', 'TumblingWindowTrigger', 'BlobEventsTrigger', 'CustomEventsTrigger'];
