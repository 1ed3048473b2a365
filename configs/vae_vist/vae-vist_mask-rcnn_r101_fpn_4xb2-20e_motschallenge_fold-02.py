# VAE-VIST on MOTSChallenge at the size of the paper, trained without sequence 02.
# tools/mots_challenge_folds.py runs the four folds and sums their counts.
_base_ = [
    '../_base_/models/vae-vist_mask-rcnn_r101_fpn.py',
    '../_base_/datasets/mots_challenge.py',
    '../_base_/schedules/adam_20e.py',
    '../_base_/default_runtime.py',
]
heads = dict(bbox_head=dict(num_classes=1), mask_head=dict(num_classes=1))
model = dict(
    detector=dict(roi_head=heads),
    augment_head=dict(roi_head=heads),
    # our choice: about one epoch, 1,962 to 2,337 frames, 8 a step
    kl_loss=dict(warmup_iters=270),
)
