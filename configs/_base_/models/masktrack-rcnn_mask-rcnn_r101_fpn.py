# MMDetection's MaskTrack R-CNN with the detector of VAE-VIST at the size of the paper.
_base_ = './vae-vist_mask-rcnn_r101_fpn.py'

detector = _base_.model.detector
# Its own 0.01 is meant for AP, which ranks; sMOTSA counts every false positive.
detector.test_cfg.rcnn.score_thr = 0.5

model = dict(
    _delete_=True,
    type='mmdet.MaskTrackRCNN',
    data_preprocessor=_base_.model.data_preprocessor,
    detector=detector,
    track_head=dict(
        type='mmdet.RoITrackHead',
        roi_extractor=dict(
            type='mmdet.SingleRoIExtractor',
            roi_layer=dict(type='RoIAlign', output_size=7, sampling_ratio=0),
            out_channels=256,
            featmap_strides=[4, 8, 16, 32],
        ),
        embed_head=dict(
            type='mmdet.RoIEmbedHead',
            num_fcs=2,
            roi_feat_size=7,
            in_channels=256,
            fc_out_channels=1024,
        ),
        train_cfg=dict(
            assigner=dict(
                type='mmdet.MaxIoUAssigner',
                pos_iou_thr=0.5,
                neg_iou_thr=0.5,
                min_pos_iou=0.5,
                match_low_quality=True,
                ignore_iof_thr=-1,
            ),
            sampler=dict(
                type='mmdet.RandomSampler',
                num=128,
                pos_fraction=0.25,
                neg_pos_ub=-1,
                add_gt_as_proposals=True,
            ),
            pos_weight=-1,
            debug=False,
        ),
    ),
    tracker=dict(
        type='mmdet.MaskTrackRCNNTracker',
        match_weights=dict(det_score=1.0, iou=2.0, det_label=10.0),
        num_frames_retain=20,
    ),
)
