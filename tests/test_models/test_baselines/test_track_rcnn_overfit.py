"""Two clips learned by heart: detection, masks and association together."""

from dataclasses import replace

import torch
from mmengine.optim import OptimWrapper
from tiny_track_rcnn import clip_data, tiny_track_rcnn, tracked
from tiny_vist import toy_video

LENGTH, ITERATIONS = 4, 80


def videos():
    """Two objects of one class in each."""
    labels = torch.tensor([0, 0])
    return [
        replace(toy_video(LENGTH, seed=seed, step=step), labels=labels)
        for seed, step in ((0, 4), (1, -2))
    ]


def both_clips():
    first, second = (clip_data((0,), LENGTH, video) for video in videos())
    for sample in second['data_samples'][0]:
        sample.set_metainfo(dict(video_id=2))
    return {key: first[key] + second[key] for key in first}


def test_two_clips_by_heart():
    """About 15 seconds of one core."""
    # so few steps leave doubles of an object, of lower score
    model = tiny_track_rcnn(tracker=dict(score_thr=0.9)).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 4e-3, total_steps=ITERATIONS, pct_start=0.1
    )
    wrapper = OptimWrapper(optimizer, clip_grad=dict(max_norm=10.0))
    for _ in range(ITERATIONS):
        log = model.train_step(both_clips(), wrapper)
        schedule.step()
    # the margin of the triplets is kept, but for a few RoIs at the edge of an object
    assert log['loss_association'] < 0.005
    model.eval()
    for number, video in enumerate(videos()):
        owners = [None, None]
        found = tracked(
            model, video, range(LENGTH), video_id=number, ori_video_length=LENGTH
        )
        assert len(found) == LENGTH
        for t, instances in found:
            assert len(instances) == 2, f'video {number}, frame {t}'
            for row, truth in enumerate(video.masks[t]):
                both = (instances.masks & truth).flatten(1).sum(1)
                iou = both / (instances.masks | truth).flatten(1).sum(1)
                assert iou.max() > 0.7, f'video {number}, frame {t}'
                identity = int(instances.instances_id[iou.argmax()])
                owners[row] = owners[row] or identity
                assert owners[row] == identity, f'switch in frame {t}'
        assert owners[0] != owners[1]
