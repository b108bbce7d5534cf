// Bronze Parquet files become silver Delta tables: every column whose name speaks of a date holds it as yyyy-MM-dd.
import type { Notebook } from 'lakestead';

const notebook: Notebook = async ({ lake, sql, parameters, log }) => {
  const schema = String(parameters['schema'] ?? 'SalesLT');
  const tables = await lake.tables(`bronze/${schema}`);
  // All tables at once: the engine shares its threads among them.
  await Promise.all(
    tables.map(async (table) => {
      const bronze = await lake.read(`bronze/${schema}/${table}/${table}.parquet`);
      const columns = bronze.columns.map(({ name }) =>
        /Date|date/.test(name) ? sql`strftime(${sql.ident(name)}::TIMESTAMP, '%Y-%m-%d') AS ${sql.ident(name)}` : sql.ident(name),
      );
      const query = sql`SELECT ${sql.join(columns)} FROM ${bronze} AS bronze`;
      const { rows } = await lake.write(`silver/${schema}/${table}`, query, { mode: 'overwrite' });
      log(`silver ${table}: ${rows} rows`);
    }),
  );
};

export default notebook;
