"""SFTP, spoken over an SSH connection.

remote.py    SftpRemote: a destination on a server
pool.py      as many sessions as the distance calls for
session.py   one session: many requests on their way at once
transfer.py  files on their way, block by block
calls.py     single requests; listing.py: those that list a folder
protocol.py  numbers and fields of the protocol
refusals.py  what a server's refusals mean
"""
