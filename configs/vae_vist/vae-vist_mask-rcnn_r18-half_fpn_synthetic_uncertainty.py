# The demo that says how sure it is: four draws of z for a frame, and D_pro learns how
# far its boxes may be from where the object is.
_base_ = './vae-vist_mask-rcnn_r18-half_fpn_synthetic.py'
model = dict(num_samples=4, proposal_head=dict(with_variance=True))
