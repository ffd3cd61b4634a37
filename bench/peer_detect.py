"""Run pyzm's process for one event: import pyzm, load the model, detect in one file.

It runs in pyzm's own environment: `python peer_detect.py MODEL PHOTO`.
"""

import sys

from pyzm import Detector, DetectorConfig, ModelConfig

model = ModelConfig(name="yolo", weights=sys.argv[1], min_confidence=0.3)
print(Detector(config=DetectorConfig(models=[model])).detect(sys.argv[2]).summary)
