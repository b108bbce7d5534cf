"""Runs pieces of Python, one JSON document a line in, one a line out. With Delta's jars as argument, `spark` is a session."""
import json
import os
import sys
import traceback

# The output of libraries must not mix with the answers.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def start_spark(jars):
    from pyspark.sql import SparkSession

    settings = {
        "spark.jars": jars,
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.shuffle.partitions": "2",
        "spark.databricks.delta.snapshotPartitions": "2",
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": "2",
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        "spark.ui.enabled": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": "1g",
    }
    builder = SparkSession.builder.master("local[2]")
    for key, value in settings.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def answer(document):
    answers.write(json.dumps(document, default=str) + "\n")
    answers.flush()


spark = start_spark(sys.argv[1]) if len(sys.argv) > 1 else None
answer({"result": sys.version})
for line in sys.stdin:
    scope = {"spark": spark, "json": json, "result": None}
    try:
        exec(json.loads(line)["python"], scope)
        answer({"result": scope["result"]})
    except Exception as error:
        # The message first: Spark's is followed by a page of Java's frames.
        answer({"error": f"{type(error).__name__}: {str(error)[:3000]}\n{traceback.format_exc()[-500:]}"})
if spark is not None:
    spark.stop()
