"""`piienc demo`: the whole way once, with made-up data and a throw-away server.

tour.py    what is shown, scene by scene
server.py  an SFTP server for the demonstration, and for nothing else
"""
