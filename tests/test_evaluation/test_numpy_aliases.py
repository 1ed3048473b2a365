"""Old code of the hosts, run with the NumPy it was written for."""

import types

import numpy as np
import pytest
from mmdet.evaluation.functional import YTVISeval

from mmvist.evaluation.numpy_aliases import with_numpy_aliases
from mmvist.evaluation.vis_metric import CrowdYTVISeval

OLD = """
import numpy as np

def half(x=3):
    'Half.'
    return np.float(x) / 2, np.bool
"""


def old_module():
    module = types.ModuleType('old')
    exec(OLD, module.__dict__)
    return module


def test_np_float_works_in_the_copy_alone():
    module = old_module()
    copy = with_numpy_aliases(module.half)
    assert copy() == (1.5, bool) and copy(5) == (2.5, bool)
    assert (copy.__name__, copy.__doc__) == ('half', 'Half.')
    assert module.np is np and not hasattr(np, 'float')
    with pytest.raises(AttributeError, match='float'):
        module.half()


def test_the_hosts_evaluator_is_left_alone():
    assert CrowdYTVISeval.accumulate is not YTVISeval.accumulate
    assert YTVISeval.accumulate.__globals__['np'] is np
