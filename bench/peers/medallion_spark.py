"""Silver and gold by Spark local[2] with Delta from the same bronze files. Prints the seconds of each round: the first is cold."""
import os
import re
import sys
import time
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as f

bronze, target, jars, rounds = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
start = time.perf_counter()
spark = (
    SparkSession.builder.master("local[2]")
    .config("spark.jars", ",".join(str(jar) for jar in Path(jars).glob("delta-*.jar")))
    .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
    .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
    .config("spark.sql.shuffle.partitions", "2")
    .config("spark.databricks.delta.snapshotPartitions", "2")
    .config("spark.sql.sources.parallelPartitionDiscovery.parallelism", "2")
    .config("spark.ui.enabled", "false")
    .config("spark.sql.session.timeZone", "UTC")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.driver.memory", os.environ.get("SPARK_DRIVER_MEMORY", "4g"))
    .getOrCreate()
)
spark.sparkContext.setLogLevel("ERROR")
rename = lambda name: re.sub(r"(?<=[^A-Z_])(?=[A-Z])", "_", name)
tables = sorted(path.name for path in bronze.iterdir() if path.is_dir())

for number in range(rounds):
    for table in tables:
        frame = spark.read.parquet(str(bronze / table / f"{table}.parquet"))
        dates = [name for name in frame.columns if "Date" in name or "date" in name]
        for name in dates:
            frame = frame.withColumn(name, f.date_format(frame[name].cast("timestamp"), "yyyy-MM-dd"))
        frame.write.format("delta").mode("overwrite").save(str(target / "silver" / "SalesLT" / table))
    for table in tables:
        frame = spark.read.format("delta").load(str(target / "silver" / "SalesLT" / table))
        frame.toDF(*[rename(name) for name in frame.columns]).write.format("delta").mode("overwrite").option("overwriteSchema", "true").save(
            str(target / "gold" / "SalesLT" / table)
        )
    now = time.perf_counter()
    print(f"round {number} {now - start:.2f}", flush=True)
    start = now
spark.stop()
