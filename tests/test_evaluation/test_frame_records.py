"""Several processes, by real processes over gloo."""

import os
import pickle
import subprocess
import sys

import pytest

from mmvist.evaluation import MOTSMetric, VISMetric

CLASSES = ['car', 'pedestrian']
WORKER = """
import pickle, sys
import torch.distributed as dist
from mmvist.evaluation import MOTSMetric, VISMetric

rank, folder = int(sys.argv[1]), sys.argv[2]
dist.init_process_group(
    'gloo', init_method=f'file://{folder}/store', rank=rank, world_size=2
)
out = []
for case in range(2):
    for kind in (MOTSMetric, VISMetric):
        metric = kind(f'{folder}/truth.json')
        metric.dataset_meta = dict(classes=['car', 'pedestrian'])
        with open(f'{folder}/{kind.__name__}_{case}_{rank}.pkl', 'rb') as f:
            metric.results = pickle.load(f)
        out.append(metric.evaluate())
with open(f'{folder}/out_{rank}.pkl', 'wb') as f:
    pickle.dump(out, f)
dist.barrier()  # gloo aborts where the other side is gone before the group is
dist.destroy_process_group()
"""


def test_two_processes_equal_one(toy, tmp_path):
    """Videos shared out in another order; and one process without any."""
    videos = toy.random_videos(4)
    truth = toy.write_truth(tmp_path / 'truth.json', videos, CLASSES)
    expected = []
    for case, shares in enumerate([([2, 0], [1]), ([], [0, 1, 2])]):
        for kind in (MOTSMetric, VISMetric):
            metric = kind(truth)
            expected.append(toy.evaluate(metric, videos, CLASSES))
            for rank, share in enumerate(shares):
                toy.feed(metric, videos, only=share)
                with open(tmp_path / f'{kind.__name__}_{case}_{rank}.pkl', 'wb') as f:
                    pickle.dump(metric.results, f)
                metric.results.clear()
    (tmp_path / 'worker.py').write_text(WORKER)
    workers = [
        subprocess.Popen(
            [sys.executable, 'worker.py', str(rank), str(tmp_path)],
            cwd=tmp_path,
            env=dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        logs = [worker.communicate(timeout=120)[0] for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
    assert [worker.returncode for worker in workers] == [0, 0], '\n'.join(logs)
    for rank in range(2):
        with open(tmp_path / f'out_{rank}.pkl', 'rb') as f:
            assert pickle.load(f) == expected
    # only the main process prints; nothing is written into the working directory
    assert 'sMOTSA' in logs[0] and 'sMOTSA' not in logs[1]
    assert not (tmp_path / '.dist_test').exists()


def test_a_wrong_path_fails_with_the_first_frame(toy, tmp_path):
    """Not after hours, when everything has been tested."""
    metric = MOTSMetric(str(tmp_path / 'nowhere.json'))
    metric.dataset_meta = dict(classes=CLASSES)
    with pytest.raises(FileNotFoundError, match='nowhere.json'):
        metric.record(toy.data_sample(1, []))
