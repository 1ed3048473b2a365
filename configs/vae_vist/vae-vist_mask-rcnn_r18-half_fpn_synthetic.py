# The demo: a small VAE-VIST, from scratch, on generated clips.
_base_ = [
    '../_base_/models/vae-vist_mask-rcnn_r18-half_fpn.py',
    '../_base_/datasets/synthetic.py',
    '../_base_/schedules/demo.py',
    '../_base_/runtime_by_iter.py',
]
# D_pro learns from boxes as old as the tracker keeps them.
train_pipeline = _base_.train_pipeline
train_pipeline[0].max_age = _base_.model.tracker.num_frames_retain
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
