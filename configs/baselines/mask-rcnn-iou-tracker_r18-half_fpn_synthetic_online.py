# The IoU tracker strictly online: a track is shown from the frame on in which it
# passes, none is taken back. Weights of the offline config fit.
_base_ = './mask-rcnn-iou-tracker_r18-half_fpn_synthetic.py'
model = dict(tracker=dict(offline=False))
