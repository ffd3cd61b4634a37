"""Faces: found in a picture, encoded, and told apart by the nearest known person.

`detector` is what the chain runs. `finders` find faces, `encoder` turns one into 128 numbers,
`known` compares those with the known people's. `pictures` lists the pictures of known people,
`training` encodes them, `store` keeps the result, `freshness` trains when pictures have changed.
"""

from zmhook.detectors.face.detector import FaceDetector

__all__ = ["FaceDetector"]
