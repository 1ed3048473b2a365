"""The toy video on the disk."""

from pathlib import Path

import pytest

from mmvist.testing import write_toy_mots


@pytest.fixture(scope='session')
def toy_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in KITTI MOTS layout, to read only."""
    root = tmp_path_factory.mktemp('toy')
    write_toy_mots(root)
    return root
