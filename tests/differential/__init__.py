"""The differential fuzzer: random tables through piienc, read by programs that are not piienc.

case.py              what CSV and Parquet cases have in common; the schema
csv_case.py          a CSV file as a model, and its bytes
csv_random.py        random ones
parquet_case.py      a Parquet file as a model, and its bytes
parquet_random.py    random ones
keysets.py           the keysets, as piienc has them and as Tink has them
doors.py             the ways into piienc: flow, streams, Python's API, tables in memory, command
                     line, pipes
check_csv.py         one CSV file: encrypted, read by others, decrypted, compared
check_parquet.py     one Parquet file, likewise
verdicts.py          `verify` in all its forms, on good files and on damaged ones
engines.py           which of piienc's engines does the work, and that both give the same
garbage.py           blocks of bytes and cells that are none, through both engines
damage.py            one cell or row changed, as a model
shrink.py            a failing case made smaller
loop.py              many files, by their seeds; what fails is kept
faults.py            what is planted
planted.py           the same with faults put into piienc on purpose
"""
