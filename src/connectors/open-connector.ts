import { LakesteadError } from '#core';
import type { Warehouse } from '#warehouse';

import type { Connector } from './connector.ts';
import { openEmbeddedConnector } from './embedded.ts';

const postgresTypes = ['PostgreSql', 'PostgreSqlV2', 'AzurePostgreSql'];
const sqlServerTypes = ['SqlServer', 'AzureSqlDatabase', 'AzureSqlMI', 'AzureSqlDW'];

/** What is opened: a database of this project, or a linked service whose secrets are resolved (`Secret` values). */
export type ConnectorTarget =
  | { readonly kind: 'embedded'; readonly database: string; readonly warehouse: Warehouse }
  | { readonly kind: 'service'; readonly name: string; readonly type: string; readonly typeProperties: Readonly<Record<string, unknown>> };

/** Opens a source by the type of its linked service. Types without a connector are refused by name. */
export async function openConnector(target: ConnectorTarget, signal?: AbortSignal): Promise<Connector> {
  if (target.kind === 'embedded') return await openEmbeddedConnector(target);
  // A driver takes 50 ms to load: only who needs it pays.
  if (postgresTypes.includes(target.type))
    return await (await import('./postgres.ts')).openPostgresConnector(target.name, target.typeProperties, signal);
  if (sqlServerTypes.includes(target.type))
    return await (await import('./sql-server/connector.ts')).openSqlServerConnector(target.name, target.typeProperties, signal);
  throw new LakesteadError('FACTORY_UNSUPPORTED', `there is no connector for linked services of type ${target.type} ('${target.name}')`, {
    hint: `supported: ${[...sqlServerTypes, ...postgresTypes].join(', ')}; or let an embedded database stand in: environments.<name>.linkedServices in lakestead.yaml`,
  });
}
