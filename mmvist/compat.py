"""What mmvist stands on, checked before anything of it is imported.

An OpenMMLab environment holds one of several distributions of the same modules
(``onedl-mmcv``, ``mmcv``, ``mmcv-lite`` all import as ``mmcv``), and a wrong one
fails deep inside a dependency. :func:`check_stack` looks first, and says in one
sentence what is wrong and which command mends it.
"""

import contextlib
import io
import re
import warnings
from dataclasses import dataclass
from importlib import import_module, metadata, util
from importlib.machinery import PathFinder
from pathlib import Path


@dataclass(frozen=True)
class Requirement:
    """A module mmvist imports: its names on the registry and its bounds.

    Versions fit where ``lowest <= version < below``; ``below`` None is no bound, nor
    is a ``lowest`` of '0'. ``purpose`` says what needs the module, where it
    is not mmvist as a whole.
    """

    module: str
    distributions: tuple[str, ...]
    lowest: str
    below: str | None
    remedy: str
    purpose: str = ''

    @property
    def bounds(self) -> str:
        """The bounds as pip writes them."""
        lowest = '' if self.lowest == '0' else f'>={self.lowest}'
        return lowest + (f',<{self.below}' if self.below else '')


BUILD_OPS = (
    'MMCV_WITH_OPS=1 pip install --no-build-isolation --no-deps --force-reinstall '
    '--no-cache-dir onedl-mmcv==2.3.6'
)
STACK = (
    Requirement('torch', ('torch',), '2.4', None, 'pip install torch==2.13.0'),
    Requirement(
        'mmengine',
        ('onedl-mmengine', 'mmengine'),
        '0.10.0',
        '1.0',
        'pip install onedl-mmengine==0.10.12',
    ),
    Requirement('mmcv', ('onedl-mmcv', 'mmcv', 'mmcv-lite'), '2.1.0', '2.4', BUILD_OPS),
    Requirement(
        'mmdet',
        ('onedl-mmdetection', 'mmdet'),
        '3.3.0',
        '3.6',
        'pip install --no-build-isolation onedl-mmdetection==3.5.1',
    ),
)
# what pip installs with mmvist (requirements/runtime.txt), and extras
BESIDE = (
    Requirement('numpy', ('numpy',), '0', None, 'pip install numpy'),
    Requirement('scipy', ('scipy',), '0', None, 'pip install scipy'),
    Requirement('pycocotools', ('pycocotools',), '0', None, 'pip install pycocotools'),
    Requirement('rich', ('rich',), '0', None, 'pip install rich'),
    Requirement('av', ('av',), '0', None, 'pip install av'),
    Requirement(
        'trackeval',
        ('trackeval',),
        '1.3.0',
        '1.4',
        'pip install trackeval==1.3.0',
        'the metrics (--eval track_segm) need',
    ),
    Requirement(
        'mmtrack',
        ('mmtrack',),
        '1.0.0',
        '1.1',
        'pip install --no-deps mmtrack==1.0.0rc1',
        'configs of MMTracking (docs/mmtracking.md) need',
    ),
    Requirement(
        'tensorboard',
        ('tensorboard',),
        '0',
        None,
        'pip install tensorboard',
        'TensorboardVisBackend needs',
    ),
)


def check_stack() -> None:
    """Raise where torch, mmengine, mmcv or mmdet do not fit.

    Raises:
        ImportError: One sentence that names the trouble and ends in the command
            that mends it. A module is missing, too old or too new, mmcv has no
            compiled ops or ops that do not load, or mmdet refuses this mmcv.
    """
    message = find_misfit()
    if message is not None:
        raise ImportError(message) from None


def import_host() -> None:
    """Import of mmdet what mmvist needs, without what it says of absent extras.

    Its optional data sets and metrics print or warn at the first import, in every
    process, about packages that nothing here uses.
    """
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter('ignore')
        import_module('mmdet.datasets')
        import_module('mmdet.evaluation')


def find_misfit() -> str | None:
    """The first reason why mmvist cannot be imported here, None without one."""
    versions = {}
    for requirement in STACK:
        version, misfit = judge(requirement)
        if misfit is not None:
            return misfit
        versions[requirement.module] = version
    return find_conflict(versions) or find_unloadable()


def judge(requirement: Requirement) -> tuple[str | None, str | None]:
    """Version of a module that is there, and why it does not fit, None where it does.

    The module is not imported.
    """
    folder = _folder_of(requirement.module)
    if folder is None:
        return None, _sentence(f'{requirement.module} is not installed', requirement)
    version = _version_of(requirement, folder)
    if not _fits(version, requirement):
        trouble = f'{requirement.module} {version} is installed'
        return version, _sentence(trouble, requirement)
    return version, None


def find_conflict(versions: dict[str, str]) -> str | None:
    """Why modules that each fit do not fit each other, None where they do."""
    if _numbers(versions['mmdet']) < (3, 4) and _numbers(versions['mmcv']) >= (2, 2):
        return (
            f'mmdet {versions["mmdet"]} refuses mmcv {versions["mmcv"]} (it wants mmcv '
            'below 2.2.0): run `pip install --no-build-isolation '
            'onedl-mmdetection==3.5.1`.'
        )
    return None


def find_unloadable() -> str | None:
    """What of the binary parts is missing or does not load, None where all do."""
    try:
        import_module('cv2')
    except ImportError as error:
        return (
            f'OpenCV does not load ({error}): run `pip install --force-reinstall '
            '--no-deps opencv-python-headless==4.11.0.86`.'
        )
    folder = _folder_of('mmcv')
    if PathFinder.find_spec('_ext', [str(folder)]) is None:
        return (
            'mmcv is installed without its compiled ops (mmcv-lite, or a build '
            f'without MMCV_WITH_OPS=1): run `{BUILD_OPS}`.'
        )
    try:
        import_module('mmcv._ext')
    except ImportError as error:
        return (
            "mmcv's compiled ops do not load, they were built for another torch or "
            f'Python ({first_line(error)}): run `{BUILD_OPS}`.'
        )
    return None


def _sentence(trouble: str, requirement: Requirement) -> str:
    need = requirement.purpose or 'mmvist needs'
    return (
        f'{trouble}, but {need} {requirement.module}{requirement.bounds}: '
        f'run `{requirement.remedy}`.'
    )


def _folder_of(module: str) -> Path | None:
    """Where a package would be imported from, without importing it."""
    spec = util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def _version_of(requirement: Requirement, folder: Path) -> str:
    """Version of the files in ``folder``; '0' where nothing tells it.

    The module's own ``version.py`` comes first: two distributions of one module
    can both be on record while the files are those of the later one.
    """
    path = folder / 'version.py'
    if path.is_file():
        found = re.search(
            r"^__version__\s*(?::\s*\w+\s*)?=\s*['\"]([^'\"]+)['\"]",
            path.read_text(encoding='utf-8'),
            re.MULTILINE,
        )
        if found:
            return found[1]
    for name in requirement.distributions:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return '0'


def _fits(version: str, requirement: Requirement) -> bool:
    number = _numbers(version)
    return number >= _numbers(requirement.lowest) and (
        requirement.below is None or number < _numbers(requirement.below)
    )


def _numbers(version: str) -> tuple[int, ...]:
    """The release numbers of a version: '2.13.0+cpu' -> (2, 13, 0)."""
    release = re.match(r'\d+(\.\d+)*', version)
    return tuple(int(part) for part in release[0].split('.')) if release else (0,)


def first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
