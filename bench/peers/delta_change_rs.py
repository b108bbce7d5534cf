"""The same changes as delta_change.ts by delta-rs, as a whole process: python delta_change_rs.py <change> <folder>."""
import sys

import deltalake
import duckdb

change, folder = sys.argv[1:3]
table = deltalake.DeltaTable(folder)


def rows(start, count, step=1):
    connection = duckdb.connect(config={"threads": 2})
    return connection.sql(f"""
        SELECT ({start}::BIGINT + i * {step}::BIGINT) AS id, (i % 1000)::INTEGER AS grp, (i * 0.25)::DOUBLE AS amount, 'customer ' || (i % 50000) AS name,
               DATE '2020-01-01' + (i % 2000)::INTEGER AS day, hash(i)::VARCHAR AS code
        FROM range({count}) r(i)""").to_arrow_table()


def upsert(source):
    merge = table.merge(source, "t.id = s.id", source_alias="s", target_alias="t")
    merge.when_matched_update_all().when_not_matched_insert_all().execute()


if change == "append":
    deltalake.write_deltalake(folder, rows(10_000_000, 5_000_000), mode="append")
elif change == "merge-scattered":
    upsert(rows(50, 100_000, 101))
elif change == "merge-range":
    upsert(rows(2_500_000, 100_000))
elif change == "delete":
    table.delete("id % 100 = 7")
elif change == "delete-range":
    table.delete("id >= 2500000 AND id < 2600000")
elif change == "update-range":
    table.update(updates={"amount": "amount * 2"}, predicate="id >= 2500000 AND id < 2600000")
elif change == "optimize":
    table.optimize.compact(target_size=128 * 1024 * 1024)
elif change == "zorder":
    table.optimize.z_order(["grp", "day"], target_size=128 * 1024 * 1024)
else:
    raise SystemExit(f"no change {change}")
