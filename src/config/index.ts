export type {
  AzureStorage,
  Config,
  ConfigFinding,
  ConfigOptions,
  ConfigValue,
  DatabaseConfig,
  Environment,
  LinkedServiceOverride,
} from './config.ts';
export { loadConfig, validateConfig } from './load-config.ts';
export { SecretReference } from './references.ts';
export { configJsonSchema } from './schema.ts';
