"""Trying again."""

import pytest

from piienc.errors import ConnectError, PolicyError
from piienc.remote.retry import retrying


def failing(*errors):
    """Return an action that fails with these errors, one each time, and then succeeds."""
    left = list(errors)

    def action(attempt):
        if left:
            raise left.pop(0)
        return attempt

    return action


LOST = ConnectError("lost", transient=True)


def test_retrying_what_may_pass_succeeds_later():
    """The attempt's number is told, and so is each error."""
    told, slept = [], []
    done = retrying(
        failing(LOST, LOST), retries=3, on_retry=lambda *what: told.append(what), sleep=slept.append
    )
    assert done == 2
    assert [error for error, _ in told] == [LOST, LOST]
    assert [pause for _, pause in told] == slept
    assert 0.5 <= slept[0] <= 1
    assert 1 <= slept[1] <= 2


def test_retrying_gives_up_after_so_many_times():
    """The last error comes out."""
    slept = []
    with pytest.raises(ConnectError, match="lost"):
        retrying(failing(*[LOST] * 20), retries=9, sleep=slept.append)
    assert len(slept) == 9
    assert max(slept) <= 60


@pytest.mark.parametrize("error", [PolicyError("no"), ConnectError("host key")])
def test_retrying_what_will_not_pass_raises_at_once(error):
    """A wrong key does not become right."""
    slept = []
    with pytest.raises(type(error)):
        retrying(failing(error), retries=5, sleep=slept.append)
    assert not slept
