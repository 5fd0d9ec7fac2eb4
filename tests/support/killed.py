"""A program that is killed at a step: when it comes to a function that others may call, too."""


def killed_at(where: str, *, if_: str = "True", behind: bool = False) -> str:
    """Return Python that runs before a program, and has it killed at a function.

    Args:
        where: the function, as `pkgutil.resolve_name` takes what it belongs to: `os.link`, or
            `piienc.jobs.send:Deliverer.all`.
        if_: an expression of its arguments `said`, which tells whether it is this call.
        behind: when it has done its work, and not before.
    """
    owner, _, name = where.rpartition(".")
    return f"""
import os, pkgutil, signal
owner = pkgutil.resolve_name({owner!r})
function = owner.{name}
def killed(*said, **more):
    now = {if_}
    if now and not {behind}:
        os.kill(os.getpid(), signal.SIGKILL)
    returned = function(*said, **more)
    if now:
        os.kill(os.getpid(), signal.SIGKILL)
    return returned
owner.{name} = killed
"""
