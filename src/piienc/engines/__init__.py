"""Tables that others hold: in memory, or on the workers of Spark.

    frames.py    what counts as a table in memory, and what comes back

All of them pass through `piienc.transform.memory`, as files do through `piienc.transform.crypt`.
"""
