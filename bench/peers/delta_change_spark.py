"""The same changes as delta_change.ts by Spark local[2], in a session that is warm: python delta_change_spark.py <change> <folder> <jars>.
Prints the seconds of the change alone, without the start of the session."""
import os
import sys
import time
from pathlib import Path

from pyspark.sql import SparkSession

change, folder, jars = sys.argv[1:4]
spark = (
    SparkSession.builder.master("local[2]")
    .config("spark.jars", ",".join(str(jar) for jar in Path(jars).glob("delta-*.jar")))
    .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
    .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
    .config("spark.sql.shuffle.partitions", "2")
    .config("spark.databricks.delta.snapshotPartitions", "2")
    .config("spark.ui.enabled", "false")
    .config("spark.sql.session.timeZone", "UTC")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.driver.memory", os.environ.get("SPARK_DRIVER_MEMORY", "4g"))
    .getOrCreate()
)
spark.sparkContext.setLogLevel("ERROR")
table = f"delta.`{folder}`"


def rows(start, count, step=1):
    return f"""SELECT {start} + id * {step} AS id, CAST(id % 1000 AS INT) AS grp, CAST(id * 0.25 AS DOUBLE) AS amount,
        concat('customer ', id % 50000) AS name, date_add(DATE '2020-01-01', CAST(id % 2000 AS INT)) AS day, CAST(xxhash64(id) AS STRING) AS code
        FROM range({count})"""


def upsert(source):
    return f"MERGE INTO {table} AS t USING ({source}) AS s ON t.id = s.id WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"


statements = {
    "append": f"INSERT INTO {table} {rows(10_000_000, 5_000_000)}",
    "merge-scattered": upsert(rows(50, 100_000, 101)),
    "merge-range": upsert(rows(2_500_000, 100_000)),
    "delete": f"DELETE FROM {table} WHERE id % 100 = 7",
    "delete-range": f"DELETE FROM {table} WHERE id >= 2500000 AND id < 2600000",
    "update-range": f"UPDATE {table} SET amount = amount * 2 WHERE id >= 2500000 AND id < 2600000",
    "optimize": f"OPTIMIZE {table}",
    "zorder": f"OPTIMIZE {table} ZORDER BY (grp, day)",
}
spark.sql(f"SELECT count(*), max(amount) FROM {table}").collect()
start = time.perf_counter()
spark.sql(statements[change]).collect()
print(f"seconds {time.perf_counter() - start:.3f}", flush=True)
spark.stop()
