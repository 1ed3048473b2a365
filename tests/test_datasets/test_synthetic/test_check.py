"""The two linkers on videos whose switches can be counted by hand."""

import pytest

from mmvist.datasets.synthetic import LinkReport, count_switches, link_report

SIZE = (100, 200)
Box = tuple[float, float, float, float]


def path(*lefts: float | None, width: float = 20, label: int = 1) -> list:
    """(label, box) a frame; None where the object is away."""
    return [None if x is None else (label, (x, 10.0, x + width, 40.0)) for x in lefts]


def video(*paths: list) -> list[dict]:
    return [
        {name: p[t] for name, p in enumerate(paths) if p[t] is not None}
        for t in range(len(paths[0]))
    ]


@pytest.mark.parametrize(
    ('lefts', 'plain', 'oracle'),
    [
        # 6 of 20 pixels: IoU 14/26; 7 pixels: 13/27 is below the gate
        ((0, 6, 12, 18), 0, 0),
        ((0, 7, 14, 21), 3, 0),
        ((0, 0, 10, 10), 1, 0),
        # away for 5 frames at the same place: still known, for 6: forgotten
        ((9, *[None] * 5, 9), 0, 0),
        ((9, *[None] * 6, 9), 1, 1),
        # moving on while away: only who keeps moving finds it
        ((0, 5, None, None, 20, 25), 1, 0),
        # comes back elsewhere
        ((0, 0, None, 60), 1, 1),
    ],
)
def test_one_object(lefts: tuple, plain: int, oracle: int) -> None:
    frames = video(path(*lefts))
    assert count_switches(frames) == plain
    assert count_switches(frames, oracle_size=SIZE) == oracle


def test_gate_and_keep_can_be_set() -> None:
    assert count_switches(video(path(0, 7)), gate=0.4) == 0
    assert count_switches(video(path(9, None, 9)), keep=0) == 1


def test_iou_at_the_gate_is_a_pair() -> None:
    # 10 of 20 wide in height 30, cut to a half: IoU exactly 0.5
    frames = [{0: (1, (0.0, 0.0, 20.0, 30.0))}, {0: (1, (0.0, 0.0, 10.0, 30.0))}]
    assert count_switches(frames) == 0


def test_two_alike_that_swap_places_both_switch() -> None:
    frames = video(path(0, 20), path(20, 0))
    assert count_switches(frames) == 2
    assert count_switches(frames, oracle_size=SIZE) == 0


def test_classes_never_pair() -> None:
    frames = video(path(0, 20), path(20, 0, label=2))
    assert count_switches(frames) == 2
    swapped = [{0: (1, (0.0, 0.0, 9.0, 9.0))}, {0: (2, (0.0, 0.0, 9.0, 9.0))}]
    assert count_switches(swapped) == 1


def test_the_best_pairing_in_total_wins() -> None:
    # alone, the first track prefers the second box; together they shift by 5
    frames = video(path(0, 5), path(10, 15))
    assert count_switches(frames) == 0


def test_oracle_clips_to_the_frame() -> None:
    # leaves to the left, visible 20, 11, 5 pixels: the shifted box reaches outside
    boxes: list[Box] = [(0, 10, 20, 40), (0, 10, 11, 40), (0, 10, 5, 40)]
    frames = [{0: (1, box)} for box in boxes]
    assert count_switches(frames) == 1
    assert count_switches(frames, oracle_size=SIZE) == 0


def test_report_counts_boxes_and_long_absences() -> None:
    report = link_report(video(path(9, *[None] * 6, 9), path(*[50] * 8)), SIZE)
    assert report == LinkReport(10, 1, 1, 1)
    assert report.rate == report.oracle_rate == report.long_absence_rate == 0.1
    total = report + link_report(video(path(0, 7)), SIZE)
    assert total == LinkReport(12, 2, 1, 1)
    assert '12 boxes; identity switches of IoU linking 16.67%' in str(total)


def test_empty_video() -> None:
    assert link_report([{}, {}], SIZE).rate == 0
