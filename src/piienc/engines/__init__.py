"""Tables that others hold: in memory, or on the workers of Spark.

    frames.py         what counts as a table in memory, and what comes back
    spark.py          a DataFrame of Spark, in the driver
    spark_task.py     what its workers do, without a key in what travels to them
    spark_cells.py    how workers have the driver count sealed cells before they encrypt them

All of them pass through `piienc.transform.memory`, as files do through `piienc.transform.crypt`.
"""
