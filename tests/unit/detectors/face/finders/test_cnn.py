"""The bound on what cnn is given: its memory grows with the pixels."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from zmhook.detectors.face.finders.cnn import MAX_PIXELS, CnnFinder
from zmhook.settings import Face

GIGABYTE = 1_000_000

FOUR_K = """
import resource, sys
import cv2
from zmhook.detectors.face.finders.cnn import CnnFinder
from zmhook.settings import Face
picture = cv2.resize(cv2.imread(sys.argv[1]), (3840, 2160))
faces = CnnFinder(Face(face_max_size=8000, face_upsample_times=1)).find(picture)
print(len(faces), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.parametrize("size", [(3840, 2160), (1920, 1080), (1280, 720), (9000, 300)])
@pytest.mark.parametrize("upsample", [0, 1, 3])
def test_no_picture_is_given_to_it_with_more_pixels_than_its_memory_allows(size, upsample):
    seen = []
    finder = CnnFinder(Face(face_max_size=8000, face_upsample_times=upsample))
    finder._detector = lambda picture, times: seen.append((picture.shape, times)) or []
    finder.find(np.zeros((size[1], size[0], 3), np.uint8))
    ((shape, times),) = seen
    assert shape[0] * shape[1] <= MAX_PIXELS
    assert times == 0


@pytest.mark.integration
def test_a_4k_picture_with_upsampling_stays_below_a_gigabyte(root, photo):
    done = subprocess.run(
        [sys.executable, "-c", FOUR_K, str(photo("two_people.jpg"))],
        env={"PYTHONPATH": str(root / "hook"), "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    faces, kilobytes = map(int, done.stdout.split())
    assert faces == 2
    assert kilobytes < GIGABYTE
