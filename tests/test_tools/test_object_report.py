"""``tools/analysis_tools/object_report.py`` on predictions known by heart."""

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
from pycocotools import mask as mask_utils

from mmvist.evaluation.truth import load_truth
from mmvist.testing import write_toy_mots

TOOL = Path(__file__).parents[2] / 'tools/analysis_tools/object_report.py'


def test_recall_and_identity_of_each_object(tmp_path: Path) -> None:
    ann_file = write_toy_mots(tmp_path)
    truth = load_truth(str(ann_file))
    records = []
    for t, frame in enumerate(truth.videos[0].frames):
        # the first car is found in four frames, first as 7 and then as 8
        first = frame.rles[frame.instance_ids.index(1)]
        nothing = mask_utils.encode(np.zeros((64, 96), np.uint8, order='F'))
        masks = [first, nothing] if t < 4 else [nothing, nothing]
        ids = np.array([7 if t < 3 else 8, 9])
        records.append(dict(img_id=frame.img_id, masks=masks, instances_id=ids))
    tracks = tmp_path / 'tracks.pkl'
    tracks.write_bytes(pickle.dumps(records))
    done = subprocess.run(
        [sys.executable, str(TOOL), str(tracks), str(ann_file), '--split', '1'],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    rows = [line.replace('│', ' ').split() for line in done.stdout.splitlines()]
    found = {tuple(row[1:3]): row[5:] for row in rows if row[:1] == ['0000']}
    # frames, recall, IoU, share of the main identity, switches
    assert found['car', '1'] == ['6', '0.67', '1.00', '0.75', '1']
    assert found['pedestrian', '2'] == ['4', '0.00', '-', '0.00', '0']


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(TOOL), str(tmp_path / 'no.pkl'), 'no.json'],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2 and 'no such file' in done.stderr
    assert 'Traceback' not in done.stderr
