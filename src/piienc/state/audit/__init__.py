"""The audit log: each use of a key and each file, in lines that hold on to each other.

    log.py    lines are appended: chained, on the disk, and under a signed head
    head.py   the signed heads: how far the log had come, and with what last line
    tail.py   the end of the log, as a crash may have left it
    chain.py  the rules by which lines follow each other; damage.py  what is wrong where they do not
    check.py  a whole log held against its heads and against receipts
    show.py   the lines that somebody asks for

Each line holds the SHA-256 of the line before. The signature is of the head alone: through the
chain it covers every line, and a million lines are checked without a million signatures.
"""
