# MMDetection's ByteTrack, whose YOLOX trains in the same config, with the tracker
# of VAE-VIST in place of its own.
_base_ = (
    'mmdet::bytetrack/'
    'bytetrack_yolox_x_8xb4-80e_crowdhuman-mot17halftrain_test-mot17halfval.py'
)
custom_imports = dict(imports=['mmvist'], allow_failed_imports=False)

model = dict(
    tracker=dict(
        _delete_=True,
        type='mmvist.IoUHungarianTracker',
        # a weak box may carry an identity on, as in ByteTrack, and bear none
        match_score_thr=0.1,
        keep_score_thr=0.1,
        birth_score_thr=0.7,
        match_iou_thr=0.3,
        num_frames_retain=30,
    )
)
