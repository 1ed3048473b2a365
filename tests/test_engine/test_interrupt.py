"""Ctrl-C and SIGTERM as a wish to end."""

import os
import signal
from collections.abc import Iterator

import pytest

from mmvist.engine.interrupt import stop_on_interrupt


@pytest.fixture(autouse=True)
def python_handles_ctrl_c() -> Iterator[None]:
    """A shell that starts tests in the background lets them ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_the_first_is_a_wish_the_second_an_order(number: int) -> None:
    calls = []
    before = signal.getsignal(number)
    with stop_on_interrupt(lambda: calls.append('stop')) as interrupts:
        assert interrupts.count == 0
        os.kill(os.getpid(), number)
        assert (calls, interrupts.count) == (['stop'], 1)
        assert signal.getsignal(number) is before
        if number == signal.SIGINT:
            with pytest.raises(KeyboardInterrupt):
                os.kill(os.getpid(), number)
    assert calls == ['stop']


def test_handlers_are_given_back() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with pytest.raises(ValueError), stop_on_interrupt(lambda: None):
        raise ValueError
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
