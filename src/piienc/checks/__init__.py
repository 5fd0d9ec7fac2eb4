"""What is wrong with the rows of a file, found by whole columns. Never a value of a cell.

receiver.py  what a receiver demands of the rows, as its profile says
demands.py   what its demands mean for the cells of a column
stored.py    the two forms of a cell: the plain value, and what lies in the file
"""
