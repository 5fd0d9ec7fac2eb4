"""Making a project, a schema and a manifest, and checking them.

project/         a new project, from a sample
infer/           a schema proposed by a sample
schema_check.py  a schema held against keys and marks
manifest.py      a manifest held against the data file that it is for
"""
