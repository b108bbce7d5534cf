"""A Spark session with Delta that runs pieces of Python: one JSON document a line in, one a line out."""
import json
import os
import sys
import traceback

# Spark's own output must not mix with the answers.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

from pyspark.sql import SparkSession  # noqa: E402

spark = (
    SparkSession.builder.master("local[2]")
    .config("spark.jars", sys.argv[1])
    .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
    .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
    .config("spark.sql.shuffle.partitions", "2")
    .config("spark.databricks.delta.snapshotPartitions", "2")
    .config("spark.sql.sources.parallelPartitionDiscovery.parallelism", "2")
    .config("spark.ui.enabled", "false")
    .config("spark.sql.session.timeZone", "UTC")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.driver.memory", "1g")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("ERROR")


def answer(document):
    answers.write(json.dumps(document, default=str) + "\n")
    answers.flush()


answer({"result": spark.version})
for line in sys.stdin:
    scope = {"spark": spark, "json": json, "result": None}
    try:
        exec(json.loads(line)["python"], scope)
        answer({"result": scope["result"]})
    except Exception:
        answer({"error": traceback.format_exc()[-4000:]})
spark.stop()
