"""MMTracking is an extra: without it these tests are skipped, and say so."""

from collections.abc import Iterator
from importlib import util
from pathlib import Path

import pytest
from host_kit import kept_scope
from mmengine.registry import DefaultScope
from ytvis_kit import write_youtube_vis


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if util.find_spec('mmtrack') is None:
        here = Path(__file__).parent
        reason = 'mmtrack is not installed: pip install --no-deps mmtrack==1.0.0rc1'
        for item in items:
            if here in item.path.parents:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def mmtrack_scope() -> Iterator[None]:
    """MMTracking's default scope, and afterwards whatever was before."""
    import mmvist.interop.mmtrack  # noqa: F401

    with kept_scope():
        DefaultScope.get_instance('interop-tests', scope_name='mmtrack')
        yield


@pytest.fixture(scope='session')
def youtube_vis(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which a user keeps ``data/youtube_vis_2019``."""
    folder = tmp_path_factory.mktemp('ytvis')
    write_youtube_vis(folder)
    return folder
