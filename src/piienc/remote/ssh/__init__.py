"""The SSH connection to a server, by paramiko.

connection.py         through all hosts on the way, logged in
transport.py          paramiko's transport, with the algorithms that we want
peer.py               the socket below it, which bounds what a peer may send
login.py              by a key, an agent, a certificate or a password
private_keys.py       keys read from files
host_keys.py          who the host is, by known_hosts; host_certificates.py: by a certificate
config.py             ~/.ssh/config
translate.py          the errors of paramiko and of the network, as ours
debug.py              what --debug-ssh shows
"""
