// Bronze Parquet files become silver Delta tables: every column whose name speaks of a date holds it as yyyy-MM-dd.
import type { Notebook } from 'lakestead';

const notebook: Notebook = async ({ lake, sql, parameters, log }) => {
  const schema = String(parameters['schema'] ?? 'SalesLT');
  for (const table of await lake.tables(`bronze/${schema}`)) {
    const bronze = await lake.read(`bronze/${schema}/${table}/${table}.parquet`);
    const columns = bronze.columns.map(({ name }) =>
      /Date|date/.test(name) ? sql`strftime(${sql.ident(name)}::TIMESTAMP, '%Y-%m-%d') AS ${sql.ident(name)}` : sql.ident(name),
    );
    const { rows } = await lake.write(`silver/${schema}/${table}`, sql`SELECT ${sql.join(columns)} FROM ${bronze} AS bronze`, {
      mode: 'overwrite',
    });
    log(`silver ${table}: ${rows} rows`);
  }
};

export default notebook;
