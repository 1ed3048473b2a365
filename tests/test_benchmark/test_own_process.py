"""Work in a process of its own, and what it says."""

import multiprocessing
import os
import signal
import time

import pytest

from mmvist.benchmark.own_process import Send, sent_by
from mmvist.engine.errors import UserError

NAME = 'MMVIST_TEST_OF_OWN_PROCESS'


def _count(last: int, send: Send) -> None:
    for number in range(last):
        send((number, os.getpid(), os.environ.get(NAME)))


def _count_and_fall(last: int, send: Send) -> None:
    _count(last, send)
    raise SystemExit(3)


def _stay(send: Send) -> None:
    send(os.getpid())
    time.sleep(600)


def test_all_is_heard_of_one_other_process() -> None:
    heard = list(sent_by(_count, 3, environment={NAME: 'here'}))
    assert [number for number, _, _ in heard] == [0, 1, 2]
    assert {variable for _, _, variable in heard} == {'here'}
    processes = {process for _, process, _ in heard}
    assert len(processes) == 1 and os.getpid() not in processes
    assert NAME not in os.environ


def test_what_was_sent_before_the_end_is_heard_and_the_end_told() -> None:
    heard = sent_by(_count_and_fall, 1)
    assert next(heard)[0] == 0
    with pytest.raises(UserError, match=r'_count_and_fall ended with exit code 3'):
        next(heard)


def test_who_stops_listening_stops_the_process() -> None:
    heard = sent_by(_stay)
    process = next(heard)
    [child] = [p for p in multiprocessing.active_children() if p.pid == process]
    heard.close()
    child.join(60)
    assert child.exitcode == -signal.SIGTERM
