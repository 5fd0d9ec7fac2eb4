"""What was done and what was found, as records: receipts and reports. Never a value of a cell.

receipt.py  the record of a finished step
model.py    what a verification has found
groups.py   findings of one column and rule together
words.py    how findings are said
formats/    what writes a report, for each reader
"""
