"""A schema proposed by a sample: types, rules and marks, each with what was seen.

    dialect.py  how a CSV file is written: what is given, what can be seen
    encoding.py  by which encoding it can be read
    sample.py   the rows of a sample, column by column
    profile.py  what was seen of a column, counted; formats and personal data by piienc.checks
    judge.py    what that proposes
    infer.py    all of it, in order

No value of the sample is kept, but for counting different ones, and none is ever written.
"""
