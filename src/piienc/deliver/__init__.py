"""Files to a destination, and from it.

push.py         files to a destination; start reading here
pull.py         files from a destination
delivery.py     one file on its way, in as many attempts as it takes
rules.py        how files are delivered, and the results
upload.py       the local file that is delivered
trigger.py      the file that tells the receiver of another
addressed.py    a destination by its name or URL, and what is done with files that go there
endpoint.py     a destination, and how it is reached
connections.py  several files at once, over several connections, with reconnects
orphans.py      hidden files at a destination that no run will complete
"""
