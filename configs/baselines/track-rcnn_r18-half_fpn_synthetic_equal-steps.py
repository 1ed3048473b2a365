# The same number of supervised frames as VAE-VIST in each step, too: 1,000 steps, two
# frames of a clip in each, the other six as context. About four times the time.
_base_ = './track-rcnn_r18-half_fpn_synthetic.py'

model = dict(supervised_frames=2)
max_iters = 1000
train_cfg = dict(max_iters=max_iters, val_interval=max_iters)
param_scheduler = _base_.param_scheduler
param_scheduler[0].end = 100
param_scheduler[1].update(T_max=max_iters - 100, begin=100, end=max_iters)
