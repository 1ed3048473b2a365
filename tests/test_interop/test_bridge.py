"""mmtrack on this stack: it imports, and leaves everything else alone."""

import subprocess
import sys
from importlib import metadata

import pytest

from mmvist.interop.mmtrack import bridge


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', code], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_no_other_module_is_changed():
    """Everything that was imported before looks the same afterwards.

    New submodules become attributes of their packages; nothing else may be new,
    gone or another object.
    """
    code = """
import sys
import mmvist, mmvist.interop, mmvist.engine, mmvist.apis
import mmdet.apis, mmdet.models, mmdet.utils, mmcv.ops, mmengine.runner
# what mmtrack needs and mmvist does not import; these change each other
import cv2, lap, motmetrics, pandas, seaborn, matplotlib.pyplot, tabulate, trackeval
import sklearn.gaussian_process, scipy.optimize, scipy.signal

def snapshot():
    modules = {n: m for n, m in sys.modules.items() if hasattr(m, '__dict__')}
    own = ('__main__', '__mp_main__')
    return {n: dict(vars(m)) for n, m in modules.items() if n not in own}

def allowed(module, name, value):
    return sys.modules.get(f'{module}.{name}') is value or name == '__warningregistry__'

before = snapshot()
import mmvist.interop.mmtrack
import mmtrack.models, mmtrack.apis
after = snapshot()
changed = [
    f'{module}.{name}'
    for module, names in before.items()
    for name in names.keys() | after.get(module, {}).keys()
    if names.get(name, after) is not after[module].get(name, before)
    and not allowed(module, name, after[module].get(name))
]
print('changed:', changed)
print('gone:', before.keys() - after.keys())
print('mmcls:', [name for name in sys.modules if name.startswith('mmcls')])
import mmcv, mmdet, numpy
print(hasattr(numpy, 'float'), hasattr(mmdet.models.layers, 'Transformer'))
"""
    lines = run(code).splitlines()[-4:]
    assert lines == ['changed: []', 'gone: set()', 'mmcls: []', 'False False']


def test_a_config_needs_only_the_line(tmp_path):
    """``custom_imports`` alone opens mmtrack, and a second import does nothing."""
    path = tmp_path / 'config.py'
    path.write_text("custom_imports = dict(imports=['mmvist.interop.mmtrack'])\n")
    code = f"""
from mmengine.config import Config
Config.fromfile({str(path)!r})
import mmtrack, mmtrack.models
from mmvist.interop.mmtrack import open_mmtrack
assert open_mmtrack() is mmtrack
print(mmtrack.__version__)
"""
    assert run(code).splitlines()[-1] == '1.0.0rc1'


@pytest.mark.parametrize(
    ('kind', 'reason'),
    [('StarkTransformer', 'STARK cannot be built'), ('BaseReID', 'mmcls 1.0.0rc')],
)
def test_what_the_stack_has_dropped_is_said_when_built(mmtrack_scope, kind, reason):
    from mmtrack.registry import MODELS

    with pytest.raises(ImportError, match=f'{kind} needs .*{reason}'):
        MODELS.build(dict(type=kind))


@pytest.mark.parametrize(
    ('version', 'sentence'),
    [
        (None, 'needs mmtrack, which is not installed: make setup, or pip install '),
        ('0.14.0', r'mmtrack 0\.14\.0 is installed, .* bridges 1\.0\.0rc1 alone'),
    ],
)
def test_another_mmtrack_is_refused_in_one_sentence(monkeypatch, version, sentence):
    def look_up(name):
        if version is None:
            raise metadata.PackageNotFoundError(name)
        return version

    monkeypatch.setattr(metadata, 'version', look_up)
    monkeypatch.delitem(sys.modules, 'mmtrack.apis', raising=False)
    with pytest.raises(ImportError, match=sentence):
        bridge.open_mmtrack()


def test_a_missing_package_is_named_and_half_an_import_forgotten():
    code = """
import sys
sys.modules['lap'] = None  # as if it were not installed
try:
    import mmvist.interop.mmtrack
except ImportError as error:
    print(error)
print([name for name in sys.modules if name.split('.')[0] in ('mmtrack', 'mmcls')])
import mmcv, mmdet
print(mmcv.__version__ > '2.0.0' and mmdet.__version__ > '3.0.0')
del sys.modules['lap']
import mmvist.interop.mmtrack
print(sys.modules['mmtrack'].__version__)
"""
    sentence, left, restored, again = run(code).splitlines()[-4:]
    assert sentence.startswith('mmtrack needs lap, which is not installed: pip install')
    assert (left, restored, again) == ('[]', 'True', '1.0.0rc1')


def test_an_installed_mmcls_is_left_alone(tmp_path):
    """It fits no current mmcv: importing it would end in an assertion."""
    (tmp_path / 'mmcls').mkdir()
    (tmp_path / 'mmcls/__init__.py').write_text("assert False, 'mmcv is too new'\n")
    code = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
import types
sys.modules['mmcls'] = own = types.ModuleType('mmcls')
import mmvist.interop.mmtrack
print(sys.modules['mmcls'] is own, [n for n in sys.modules if n.startswith('mmcls.')])
"""
    assert run(code).splitlines()[-1] == 'True []'


def test_np_bool_is_there_for_mmtrack_alone():
    """NumPy 1.24 to 1.26 have none."""
    code = """
import mmvist.interop.mmtrack, numpy
from mmtrack.datasets.transforms import LoadTrackAnnotations, loading
bool_of_numpy = numpy.bool
del numpy.bool
try:
    results = dict(instances=[dict(bbox=[0, 0, 4, 4], bbox_label=0, ignore_flag=1)])
    LoadTrackAnnotations()._load_bboxes(results)
finally:
    numpy.bool = bool_of_numpy
print(results['gt_ignore_flags'].dtype, loading.np is numpy)
"""
    assert run(code).splitlines()[-1] == 'bool False'


def test_pip_complains_of_frozen_pins_alone():
    """What ``make setup`` leaves broken on purpose, and nothing else."""
    done = subprocess.run(
        [sys.executable, '-m', 'pip', '--disable-pip-version-check', 'check'],
        capture_output=True,
        text=True,
    )
    complaints = sorted(line.split(', but')[0] for line in done.stdout.splitlines())
    assert complaints == [
        'mmtrack 1.0.0rc1 has requirement pandas<=1.3.5',
        'mmtrack 1.0.0rc1 has requirement scipy<=1.7.3',
        'mmtrack 1.0.0rc1 requires mmcls, which is not installed.',
    ]
