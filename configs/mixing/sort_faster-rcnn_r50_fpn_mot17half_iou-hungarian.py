# MMDetection's SORT on MOT17, boxes only, linked by the tracker of VAE-VIST. For
# testing, as SORT itself: the detector comes from the checkpoint of the base.
_base_ = (
    'mmdet::sort/sort_faster-rcnn_r50_fpn_8xb2-4e_mot17halftrain_test-mot17halfval.py'
)
custom_imports = dict(imports=['mmvist'], allow_failed_imports=False)

model = dict(
    detector=dict(backbone=dict(init_cfg=None)),
    tracker=dict(
        _delete_=True,
        type='mmvist.IoUHungarianTracker',
        match_score_thr=0.5,
        match_iou_thr=0.5,
        num_frames_retain=30,
    ),
)
