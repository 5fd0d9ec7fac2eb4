"""The audit log: each use of a key and each file, in lines that are signed and chained.

    entry.py     a step in the log, from its beginning to its end; start reading here
    facts.py     what of a receipt goes into it
    keys.py      the key that signs, in the key folder
    begun.py     which log it has begun in which state folder
    line.py      one line: what it says of its place, and its signature
    segments.py  the files that the lines are in, and how they are opened
    access.py    what the system refuses, told as that
    head.py      the signed head: how far a log has come, so that a cut is noticed
    standing.py  where a log stands, as far as a command can check it cheaply
    log.py       lines are appended
    check.py     the whole of it held against signatures, heads and witnesses; walk.py: one log
    show.py      the lines that somebody asks for

Each key has a log of its own, `audit/FINGERPRINT/`, with signed lines alone. What is written
without a key is in `audit/unsigned/`, and proves nothing. Each line holds the SHA-256 of the line
before, and is signed only on top of a line that is itself signed. So the signature of a line covers
all lines before it, and a million lines are checked without a million signatures.
"""
