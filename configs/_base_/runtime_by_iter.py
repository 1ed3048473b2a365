# For runs counted in iterations.
_base_ = './default_runtime.py'
default_hooks = dict(
    checkpoint=dict(by_epoch=False, interval=250), logger=dict(interval=20)
)
log_processor = dict(by_epoch=False)
