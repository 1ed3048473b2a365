# Plumbing that all configs share.
default_scope = 'mmdet'
custom_imports = dict(imports=['mmvist'], allow_failed_imports=False)

default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(
        type='mmvist.CheckpointHook',
        interval=1,
        max_keep_ckpts=2,
        save_best='mots/sMOTSA',
        rule='greater',
    ),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    visualization=dict(type='mmdet.TrackVisualizationHook', draw=False),
)
# All random draws of an iteration come from seed, iteration and rank, so that
# a resumed run equals an uninterrupted one; and several processes are one model,
# running statistics included.
custom_hooks = [
    dict(type='mmvist.StepSeedHook'),
    dict(type='mmvist.BatchNormSyncHook'),
]
randomness = dict(seed=0)

env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'),
)
vis_backends = [dict(type='LocalVisBackend')]
visualizer = dict(
    type='mmdet.TrackLocalVisualizer', vis_backends=vis_backends, name='visualizer'
)
log_processor = dict(type='LogProcessor', window_size=50, by_epoch=True)
log_level = 'INFO'
load_from = None
resume = False
# A batch may leave a head without a RoI; DDP must not wait for its gradient.
find_unused_parameters = True
