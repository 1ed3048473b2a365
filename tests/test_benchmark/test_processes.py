"""Clips of unlike length, and the clocks of processes that test them."""

import json
from types import SimpleNamespace

from mmvist.benchmark.processes import RankClockHook, stretched


def test_clips_are_played_forth_and_back() -> None:
    images = [
        dict(id=10 * v + f, video_id=v, frame_id=f, file_name=f'{v}/{f}')
        for v in (1, 2)
        for f in (2, 0, 1)
    ]
    annotations = [dict(id=i, image_id=12, video_id=1) for i in (5, 6)]
    given = dict(
        videos=[dict(id=1, name='a', length=3), dict(id=2, name='b', length=3)],
        images=images,
        annotations=annotations,
        categories=[dict(id=1, name='car')],
    )
    found = stretched(given, [8, 2, 1])
    assert [(v['id'], v['name']) for v in found['videos']] == [
        (1, '0000'),
        (2, '0001'),
        (3, '0002'),
    ]
    assert [v['length'] for v in found['videos']] == [8, 2, 1]
    shown = {
        v: [i['file_name'] for i in found['images'] if i['video_id'] == v]
        for v in (1, 2, 3)
    }
    assert shown[1] == [f'1/{f}' for f in (0, 1, 2, 2, 1, 0, 0, 1)]
    assert shown[2] == ['2/0', '2/1'] and shown[3] == ['1/0']
    assert [i['frame_id'] for i in found['images']] == [*range(8), 0, 1, 0]
    assert len({i['id'] for i in found['images']}) == 11
    # frame 2 of the first clip holds two objects, and is shown twice
    assert [a['image_id'] for a in found['annotations']] == [3, 3, 4, 4]
    assert len({a['id'] for a in found['annotations']}) == 4
    assert found['categories'] == given['categories']


def test_a_clock_tells_frames_and_when_they_were_done(tmp_path) -> None:
    hook, runner = RankClockHook(), SimpleNamespace(work_dir=tmp_path)
    hook.before_test_epoch(runner)
    for _ in range(3):
        hook.after_test_iter(runner, 0, None, None)
    hook.after_test_epoch(runner, metrics={})
    found = json.loads((tmp_path / 'rank0.json').read_text())
    assert found['frames'] == 3 and found['begun'] <= found['done']
