export {
  type EngineQuery,
  type Gateway,
  type GatewayResult,
  type LakeRead,
  type LakeRelation,
  ownerPrincipal,
  type Principal,
  type ReadStatement,
  type ReadTable,
} from './gateway.ts';
