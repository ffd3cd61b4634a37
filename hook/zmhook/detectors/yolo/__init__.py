"""Objects, by a YOLO network.

`detector` is what the chain sees. Behind it `files` and `labels` read what the settings name,
an engine (`engines`) runs the network, a head (`heads`) knows how that network wants its picture
and what its numbers mean, `letterbox` is the geometry, and `model` ties them
together. Importing this package imports neither numpy, OpenCV nor an inference engine.
"""

from zmhook.detectors.yolo.detector import YoloDetector

__all__ = ["YoloDetector"]
