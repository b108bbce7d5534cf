export {
  type EngineQuery,
  type Gateway,
  type GatewayResult,
  type LakeRead,
  type LakeRelation,
  ownerPrincipal,
  type Principal,
  type ReadExpressions,
  type ReadStatement,
  type ReadTable,
} from './gateway.ts';
export type { LakeItem, LakeView } from './lake-view.ts';
export { type ResolvedValue, resolveSecret, resolveSecrets } from './resolve-secret.ts';
export { openVault, type Vault, type VaultOptions } from './vault.ts';
export { type GatewayOptions, openGateway } from './open-gateway.ts';
