"""A pool of connections tries again what may pass, and tells of it, unless it was stopped."""

import random
from types import SimpleNamespace

import pytest

from piienc.deliver.connections import ConnectionPool
from piienc.errors import ConnectError


@pytest.mark.parametrize("stops", [False, True])
def test_who_stops_is_told_of_no_further_attempt(stops, monkeypatch):
    """The connection that is lost then is lost through us."""
    monkeypatch.setattr(random, "uniform", lambda *_: 0)  # no pause
    told = []
    remote = SimpleNamespace(alive=True, close=lambda: None)
    way = SimpleNamespace(
        destination=SimpleNamespace(retries=1, connections=1), connect=lambda: remote
    )

    def action(_):
        if stops:
            pool.stop()
        lost = ConnectError("the connection was lost", hint="run it again")
        lost.transient = True
        raise lost

    with (
        ConnectionPool(way, lambda error, _: told.append(error)) as pool,
        pytest.raises(ConnectError),
    ):
        pool.again(action)
    assert len(told) == (not stops)
