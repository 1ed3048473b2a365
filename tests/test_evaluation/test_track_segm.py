import pytest

from mmvist.evaluation import build_evaluator
from mmvist.registry import METRICS


def test_track_segm_is_ap_and_mots(tmp_path):
    configs = build_evaluator(['track_segm'], 'val.json', str(tmp_path / 'out'))
    assert configs == [
        dict(
            type='mmvist.VISMetric',
            ann_file='val.json',
            outfile_prefix=str(tmp_path / 'out.youtube_vis'),
            format_only=False,
        ),
        dict(
            type='mmvist.MOTSMetric',
            ann_file='val.json',
            outfile_prefix=str(tmp_path / 'out.mots'),
            format_only=False,
        ),
    ]
    assert [METRICS.build(cfg).prefix for cfg in configs] == ['youtube_vis', 'mots']


def test_several_names_share_a_metric():
    configs = build_evaluator(['mots', 'track_segm'], 'val.json', backend_args={})
    assert [cfg['type'] for cfg in configs] == ['mmvist.MOTSMetric', 'mmvist.VISMetric']
    assert all(cfg['backend_args'] == {} for cfg in configs)
    assert all(cfg['outfile_prefix'] is None for cfg in configs)
    assert build_evaluator('mots', 'val.json') == build_evaluator(['mots'], 'val.json')


def test_formats_of_mots_files():
    configs = build_evaluator('track_segm', 'val.json', 'out', mots_formats=['png'])
    assert [cfg.get('outfile_formats') for cfg in configs] == [None, ['png']]
    assert METRICS.build(configs[1]).outfile_formats == ('png',)


@pytest.mark.parametrize('names', [['bbox'], ['track_segm', 'bbox'], []])
def test_unknown_names_list_the_known(names):
    with pytest.raises(ValueError, match='known are track_segm, youtube_vis, mots'):
        build_evaluator(names, 'val.json')


def test_mask_ap_has_no_file_format():
    (config,) = build_evaluator('segm', ann_file='val.json')
    assert config == dict(type='mmvist.SegmMetric', ann_file='val.json')
    with pytest.raises(ValueError, match='SegmMetric has no file format to write'):
        build_evaluator('segm', ann_file='val.json', format_only=True)
