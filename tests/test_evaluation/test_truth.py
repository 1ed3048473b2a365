import json

import pytest

from mmvist.evaluation.truth import load_truth


@pytest.fixture
def data(toy, tmp_path):
    mask = toy.box(0, 0, 4, 10)
    frames = [toy.Frame(truth=[(1, 3, mask)]) for _ in range(3)]
    path = toy.write_truth(tmp_path / 'truth.json', [frames], ['car'])
    with open(path) as f:
        return json.load(f)


def load(data, tmp_path):
    (tmp_path / 'changed.json').write_text(json.dumps(data))
    return load_truth(str(tmp_path / 'changed.json'))


def test_order_regions_and_kinds_of_mask(toy, tmp_path, data):
    data['images'] = data['images'][::-1]  # frame_id decides, not the place
    data['images'].append(dict(data['images'][0], id=7, frame_id=3))
    first, second, third = data['annotations']
    second.update(iscrowd=1)
    third['segmentation'] = [[0, 0, 10, 0, 10, 4, 0, 4]]
    empty = dict(first, id=8, instance_id=4)
    data['annotations'].append(
        dict(empty, segmentation=toy.encode(toy.box(0, 0, 0, 0)))
    )
    truth = load(data, tmp_path)
    (video,) = truth.videos
    assert [frame.img_id for frame in video.frames] == [1, 2, 3, 7]
    assert [frame.instance_ids for frame in video.frames] == [[3], [], [3], []]
    assert [len(frame.ignored) for frame in video.frames] == [0, 1, 0, 0]
    assert video.frames[0].rles == video.frames[2].rles
    assert truth.frames[7] is video.frames[3]
    assert truth.category_ids(['dog', 'car', 'cow']) == [2, 1, 4]


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda d: d.pop('videos'), 'not a CocoVID-style .* no videos'),
        (lambda d: d['annotations'][0].pop('image_id'), 'CocoVID json first'),
        (lambda d: d['annotations'][0].pop('instance_id'), 'no instance_id'),
        (lambda d: d['annotations'][0].pop('segmentation'), 'no segmentation'),
        (
            lambda d: d['annotations'][1].update(image_id=1),
            '3 appears twice in image 1',
        ),
        (lambda d: d['images'][0].update(width=99), r'its frame \[24, 99\]'),
    ],
)
def test_broken_files(tmp_path, data, change, message):
    change(data)
    with pytest.raises(ValueError, match=message):
        load(data, tmp_path)
