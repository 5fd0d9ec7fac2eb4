"""Where files are read from and written to.

places.py   a file or a stream, opened once
streams.py  streams that are looked into on their way
"""
