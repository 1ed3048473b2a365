# The fast VAE-VIST on YouTube-VIS 2019.
_base_ = [
    '../_base_/models/vae-vist_mask-rcnn_r101_fpn_fast.py',
    '../_base_/datasets/youtube_vis_2019.py',
    '../_base_/schedules/adam_20e.py',
    '../_base_/default_runtime.py',
]
heads = dict(bbox_head=dict(num_classes=40), mask_head=dict(num_classes=40))
model = dict(
    detector=dict(roi_head=heads),
    augment_head=dict(roi_head=heads),
    # our choice: about one epoch, some 56,000 frames, 8 a step
    kl_loss=dict(warmup_iters=7000),
    # our choice: every fifth frame is annotated, objects move further between two
    tracker=dict(match_iou_thr=0.3),
)
