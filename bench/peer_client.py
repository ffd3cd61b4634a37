"""Run pyzm's client of its server for one event: `peer_client.py MODEL PHOTO URL`."""

import sys

from pyzm import Detector, DetectorConfig, ModelConfig

model = ModelConfig(name="yolo", weights=sys.argv[1], min_confidence=0.3)
detector = Detector(config=DetectorConfig(models=[model]), gateway=sys.argv[3])
print(detector.detect(sys.argv[2]).summary)
