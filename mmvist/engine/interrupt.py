"""Ctrl-C as a wish to end, not as an error."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
INTERRUPTED = 130
"""Exit code after Ctrl-C, as a shell has it."""


class Interrupts:
    """How often a program was asked to end."""

    count = 0


@contextmanager
def stop_on_interrupt(stop: Callable[[], None]) -> Iterator[Interrupts]:
    """Call ``stop`` at the first Ctrl-C or SIGTERM.

    The second does what it always does. In the main thread only, as
    :func:`signal.signal` is.

    Args:
        stop: Makes the work end by itself; called between two steps of Python.

    Yields:
        What counts the interrupts.
    """
    interrupts = Interrupts()
    before = {one: signal.getsignal(one) for one in SIGNALS}

    def restore() -> None:
        for one, handler in before.items():
            signal.signal(one, handler or signal.SIG_DFL)

    def handle(number: int, frame: FrameType | None) -> None:
        interrupts.count += 1
        restore()
        stop()

    for one in SIGNALS:
        signal.signal(one, handle)
    try:
        yield interrupts
    finally:
        restore()
