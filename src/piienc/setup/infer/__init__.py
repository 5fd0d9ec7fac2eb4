"""A schema proposed by a sample: types, rules and marks, each with what was seen.

    sample.py   the rows of a sample, column by column; how a CSV file is written
    looks.py    what values look like, counted; formats and personal data by piienc.checks
    profile.py  what was seen of a column
    judge.py    what that proposes
    infer.py    all of it, in order

No value of the sample is kept, but for counting different ones, and none is ever written.
"""
