# Section 4.1 of the paper: Adam, learning rate 1.5e-4, 20 epochs, 8 images a
# step (4 GPUs with 2 each). The warm-up is our choice.
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=20, val_interval=1)
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='Adam', lr=1.5e-4),
    clip_grad=dict(max_norm=35.0),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=500)
]
# For tools/train.py --auto-scale-lr
auto_scale_lr = dict(enable=False, base_batch_size=8)
