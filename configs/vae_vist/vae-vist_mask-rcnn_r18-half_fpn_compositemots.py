# The demo's model on clips with real texture and motion.
_base_ = [
    '../_base_/models/vae-vist_mask-rcnn_r18-half_fpn.py',
    '../_base_/datasets/composite_mots.py',
    '../_base_/schedules/demo.py',
    '../_base_/runtime_by_iter.py',
]
max_iters = 8000
train_cfg = dict(max_iters=max_iters, val_interval=1000)
param_scheduler = _base_.param_scheduler
param_scheduler[1].update(T_max=max_iters - 100, end=max_iters)
# D_pro learns from boxes as old as the tracker keeps them.
train_pipeline = _base_.train_pipeline
train_pipeline[0].max_age = _base_.model.tracker.num_frames_retain
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
# Sixty clips are learnt by heart: what the detector still proposes, right or wrong, is
# what D_aug learns to tell apart, as many boxes as the detector's own heads see. And a
# past that is true to a pixel is believed blindly: here it is as poor as in testing.
model = dict(
    train_cfg=dict(
        start_iters=max_iters,
        num_start_boxes=512,
        drop_prob=0.3,
        mask_shift=0.15,
        mask_scale=0.2,
        mask_rotate=15.0,
        ghost_prob=0.5,
    ),
    augment_head=dict(train_cfg=dict(sampler=dict(num=64, pos_fraction=0.25))),
    fuse_heads=True,
)
