"""The limit on bytes in a second."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piienc.errors import ConfigError
from piienc.remote import Limiter


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        """Return the time."""
        return self.now

    def sleep(self, seconds):
        """Move on."""
        self.now += seconds


@given(st.integers(1, 10**9), st.lists(st.integers(0, 10**7), max_size=50))
def test_limiter_keeps_to_its_rate(rate, counts):
    """After any takings, no more has passed than the rate allows, and no time is lost."""
    clock = Clock()
    limiter = Limiter(rate, clock=clock, sleep=clock.sleep)
    for count in counts:
        limiter.take(count)
    taken = sum(counts[:-1]) / rate  # the last may go at once, and is paid for by the next
    assert clock.now - 100 == pytest.approx(taken, abs=1e-3)


def test_limiter_does_not_save_up_for_later():
    """Behind a pause the flow is no faster."""
    clock = Clock()
    limiter = Limiter(1000, clock=clock, sleep=clock.sleep)
    clock.now += 60
    limiter.take(1000)
    limiter.take(1000)
    limiter.take(1000)
    assert clock.now == pytest.approx(162)


def test_limiter_is_shared_by_threads():
    """All of them together keep to the rate."""
    slept = []
    limiter = Limiter(1_000_000, clock=lambda: 0.0, sleep=slept.append)
    threads = [threading.Thread(target=limiter.take, args=(1000,)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(slept) == pytest.approx([n / 1000 for n in range(1, 20)])


def test_limiter_has_pieces_that_flow_evenly():
    """A slow line gets small pieces."""
    assert Limiter(1).piece == 4096
    assert Limiter(10**6).piece == 250_000


@pytest.mark.parametrize("rate", [0, -1])
def test_limiter_without_a_rate_raises(rate):
    """Nothing at all is no limit that is meant."""
    with pytest.raises(ConfigError):
        Limiter(rate)
