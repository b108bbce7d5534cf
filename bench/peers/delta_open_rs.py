"""Opens a table by delta-rs and plans a filtered scan, as a whole process: delta_open_rs.py open <folder>."""
import sys

import deltalake
import pyarrow.compute
import pyarrow.dataset

table = deltalake.DeltaTable(sys.argv[2])
actions = deltalake.DeltaTable.get_add_actions(table, flatten=True)
found = pyarrow.table(actions)
kept = found.filter((pyarrow.compute.field("max.id") >= 500_000) & (pyarrow.compute.field("min.id") < 510_000))
assert kept.num_rows == 10, kept.num_rows
print(found.num_rows, kept.num_rows)
