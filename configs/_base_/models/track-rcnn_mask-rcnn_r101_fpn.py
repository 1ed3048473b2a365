# TrackR-CNN with the detector of VAE-VIST at the size of the paper.
_base_ = './vae-vist_mask-rcnn_r101_fpn.py'

detector = _base_.model.detector
detector.roi_head.update(
    type='mmvist.AssociationRoIHead',
    association_head=dict(type='mmvist.AssociationHead', in_channels=1024),
)
model = dict(
    _delete_=True,
    type='mmvist.TrackRCNN',
    data_preprocessor=_base_.model.data_preprocessor,
    detector=detector,
    temporal_convs=dict(
        type='mmvist.TemporalConvs', levels=(2, 3), channels=(1024, 2048)
    ),
    # car, pedestrian: those of the released code, found by random search for its own
    # detector and data
    tracker=dict(
        type='mmvist.AssociationTracker',
        score_thr=(0.847, 0.937),
        max_distance=(8.0, 9.09),
        num_frames_retain=(4, 6),
    ),
)
