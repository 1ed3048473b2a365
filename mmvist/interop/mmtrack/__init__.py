"""mmvist inside MMTracking itself: the package ``mmtrack==1.0.0rc1``.

``custom_imports = dict(imports=['mmvist.interop.mmtrack'])`` in a config of
``default_scope = 'mmtrack'`` makes mmtrack importable on the current mmcv and
mmdet (:mod:`.bridge`) and registers :class:`AdjacentYouTubeVISDataset`. VAE-VIST,
its heads, ``GPKLLoss`` and ``IoUHungarianTracker`` take MMTracking's batches as
they take MMDetection's; ``docs/mmtracking.md`` shows the lines.
"""

from .bridge import open_mmtrack

open_mmtrack()

from .adjacent_frames import AdjacentYouTubeVISDataset

__all__ = ['AdjacentYouTubeVISDataset', 'open_mmtrack']
