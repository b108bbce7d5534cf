export type { Config, ConfigFinding, ConfigOptions, ConfigValue, DatabaseConfig, Environment, LinkedServiceOverride } from './config.ts';
export { SecretReference } from './references.ts';
