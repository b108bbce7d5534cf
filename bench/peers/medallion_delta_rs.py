"""Silver and gold by delta-rs and pyarrow from the same bronze files: the same conversions, one process."""
import re
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable, write_deltalake

bronze, target = Path(sys.argv[1]), Path(sys.argv[2])
rename = lambda name: re.sub(r"(?<=[^A-Z_])(?=[A-Z])", "_", name)

for folder in sorted(path for path in bronze.iterdir() if path.is_dir()):
    table = folder.name
    reader = pq.ParquetFile(folder / f"{table}.parquet")
    schema = pa.schema(
        [pa.field(f.name, pa.string()) if "Date" in f.name or "date" in f.name else f for f in reader.schema_arrow]
    )

    def silver_batches():
        for batch in reader.iter_batches(batch_size=128_000):
            columns = [
                pc.strftime(column.cast(pa.timestamp("us")), format="%Y-%m-%d") if f.type == pa.string() and column.type != pa.string() else column
                for f, column in zip(schema, batch.columns)
            ]
            yield pa.record_batch(columns, schema=schema)

    silver = target / "silver" / "SalesLT" / table
    write_deltalake(str(silver), pa.RecordBatchReader.from_batches(schema, silver_batches()), mode="overwrite")
    dataset = DeltaTable(str(silver)).to_pyarrow_dataset()
    gold_schema = pa.schema([pa.field(rename(f.name), f.type) for f in dataset.schema])
    gold_batches = (pa.record_batch(batch.columns, schema=gold_schema) for batch in dataset.to_batches(batch_size=128_000))
    write_deltalake(str(target / "gold" / "SalesLT" / table), pa.RecordBatchReader.from_batches(gold_schema, gold_batches), mode="overwrite")
