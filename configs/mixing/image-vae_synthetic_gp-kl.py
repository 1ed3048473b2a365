# A model of plain MMEngine with the KL of VAE-VIST, on the frames of the clips of
# tools/dataset_converters/make_synthetic.py. Model, data set and metric: image_vae.py.
default_scope = 'mmengine'
custom_imports = dict(imports=['mmvist', 'image_vae'], allow_failed_imports=False)

model = dict(
    type='ImageVAE',
    latent_channels=8,
    # learned: neighbours of a picture are alike, and the prior may say so
    kl_loss=dict(
        type='mmvist.GPKLLoss', prior_rho='learned', loss_weight=0.01, warmup_iters=200
    ),
    data_preprocessor=dict(
        type='ImgDataPreprocessor', mean=[127.5], std=[127.5], pad_size_divisor=8
    ),
)

frames = dict(
    type='FrameFolder',
    data_root='data/synthetic/',
    data_prefix=dict(img_path='training/image_02'),
)
train_dataloader = dict(
    batch_size=8,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(frames, ann_file='splits/train.txt'),
)
test_dataloader = dict(
    batch_size=8,
    num_workers=1,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(frames, ann_file='splits/val.txt'),
)
test_evaluator = dict(type='ReconstructionError')

train_cfg = dict(type='IterBasedTrainLoop', max_iters=1000)
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(optimizer=dict(type='Adam', lr=1e-3))
default_hooks = dict(
    checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=500),
    logger=dict(type='LoggerHook', interval=20),
)
log_processor = dict(by_epoch=False)
