# MaskTrack R-CNN as it was published, where MMDetection's port departs from it. Only
# show_score_thr is not of the original: AP, its measure, ranks and needs none.
_base_ = './masktrack-rcnn_mask-rcnn_r18-half_fpn.py'

model = dict(
    type='mmvist.MaskTrackRCNN',
    class_free_rpn=True,
    show_score_thr=0.5,
    detector=dict(test_cfg=dict(rcnn=dict(score_thr=0.05, max_per_img=10))),
    track_head=dict(
        embed_head=dict(
            type='mmvist.RoIEmbedHead',
            last_relu=False,
            normalizer='positives',
            init_cfg=dict(type='Normal', layer='Linear', std=0.01),
        )
    ),
    tracker=dict(
        type='mmvist.MaskTrackRCNNTracker',
        num_frames_retain=None,
        clear_losers=True,
        update_labels=False,
    ),
)
