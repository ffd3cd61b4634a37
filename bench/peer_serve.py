"""Run pyzm's server with one model, in pyzm's own environment: `peer_serve.py MODEL PORT`."""

import sys

import uvicorn
from pyzm import DetectorConfig, ModelConfig
from pyzm.models.config import ServerConfig
from pyzm.serve.app import create_app

model = ModelConfig(name="yolo", weights=sys.argv[1], min_confidence=0.3)
config = ServerConfig(detector_config=DetectorConfig(models=[model]))
uvicorn.run(create_app(config), host="127.0.0.1", port=int(sys.argv[2]), log_level="warning")
