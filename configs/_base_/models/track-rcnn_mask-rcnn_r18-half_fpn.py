# TrackR-CNN on the detector of the demo.
_base_ = './mask-rcnn_r18-half_fpn.py'

detector = _base_.detector
detector.roi_head.update(
    type='mmvist.AssociationRoIHead',
    association_head=dict(type='mmvist.AssociationHead', in_channels=256),
)
model = dict(
    type='mmvist.TrackRCNN',
    data_preprocessor={{_base_.data_preprocessor}},
    detector=detector,
    temporal_convs=dict(
        type='mmvist.TemporalConvs', levels=(2, 3), channels=(128, 256)
    ),
    tracker=dict(type='mmvist.AssociationTracker'),
)
