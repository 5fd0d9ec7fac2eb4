"""An SFTP server of Twisted's conch, for this account: PORT USER HOST_KEY AUTHORIZED_KEYS."""

import sys
from pathlib import Path

from twisted.conch import checkers
from twisted.conch.ssh import factory, keys
from twisted.conch.unix import UnixConchUser
from twisted.cred.portal import IRealm, Portal
from twisted.internet import reactor
from twisted.python.filepath import FilePath
from zope.interface import implementer

port, user, host_key, authorized = sys.argv[1:]


class User(UnixConchUser):
    """A user of this system."""

    def getHomeDir(self):  # noqa: N802  # Twisted's name
        """Give the home as a path: Twisted 25 and later take its own text for one, and fail."""
        return FilePath(self.pwdData[5])


@implementer(IRealm)
class Realm:
    """Everybody is a user of this system."""

    def requestAvatar(self, avatar_id, mind, *interfaces):  # noqa: N802  # Twisted's name
        """Give the user."""
        found = User(avatar_id.decode())
        return interfaces[0], found, found.logout


class Factory(factory.SSHFactory):
    """Has one host key, and no groups for a key exchange by them."""

    def getPublicKeys(self):  # noqa: N802  # Twisted's name
        """Give the host's public key."""
        return {b"ssh-ed25519": keys.Key.fromFile(host_key).public()}

    def getPrivateKeys(self):  # noqa: N802  # Twisted's name
        """Give the host's private key."""
        return {b"ssh-ed25519": keys.Key.fromFile(host_key)}

    def getPrimes(self):  # noqa: N802  # Twisted's name
        """Give no groups."""
        return


known = [keys.Key.fromString(Path(authorized).read_bytes())]
database = checkers.InMemorySSHKeyDB({user.encode(): known})
portal = Portal(Realm(), [checkers.SSHPublicKeyChecker(database)])
serving = Factory()
serving.portal = portal
reactor.listenTCP(int(port), serving, interface="127.0.0.1")
reactor.run()
