# MMDetection's MaskTrack R-CNN, its instances linked by the tracker of VAE-VIST.
_base_ = (
    'mmdet::masktrack_rcnn/masktrack-rcnn_mask-rcnn_r50_fpn_8xb1-12e_youtubevis2019.py'
)
custom_imports = dict(imports=['mmvist'], allow_failed_imports=False)

model = dict(
    # the whole detector comes from COCO; this would ask for torchvision's weights
    detector=dict(backbone=dict(init_cfg=None)),
    tracker=dict(_delete_=True, type='mmvist.IoUHungarianTracker', match_iou_thr=0.5),
)
