// Silver tables become gold: the same rows under names that people read, ProductID as Product_ID.
import type { Notebook } from 'lakestead';

/** An underscore before an upper-case letter whose predecessor is not one; none in front. */
const readable = (name: string) => name.replaceAll(/(?<=[^A-Z])(?=[A-Z])/g, '_');

const notebook: Notebook = async ({ lake, sql, parameters, log }) => {
  const schema = String(parameters['schema'] ?? 'SalesLT');
  const tables = await lake.tables(`silver/${schema}`);
  await Promise.all(
    tables.map(async (table) => {
      const silver = await lake.read(`silver/${schema}/${table}`);
      const columns = silver.columns.map(({ name }) => sql`${sql.ident(name)} AS ${sql.ident(readable(name))}`);
      const query = sql`SELECT ${sql.join(columns)} FROM ${silver} AS silver`;
      const { rows } = await lake.write(`gold/${schema}/${table}`, query, { mode: 'overwrite' });
      log(`gold ${table}: ${rows} rows`);
    }),
  );
};

export default notebook;
