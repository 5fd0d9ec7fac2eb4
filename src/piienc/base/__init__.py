"""What all rooms stand on.

walk.py       a path walked step by step, so that nobody can exchange a part of it
trust.py      whose files count
files.py      files that appear whole or not at all
folders.py    the same for folders
cleanup.py    what is removed when a signal ends the program
document.py   TOML files, with the place of each mistake
lines.py      the lines of a text, for messages
printable.py  foreign text made printable
regex.py      regular expressions in linear time
locks.py      locks on open files and folders
home.py       paths that begin with `~`
secret.py     keys and passphrases in memory
charsets.py   the encodings that are read
cells.py      many short byte strings in one buffer
"""
