"""Make the pictures that the demonstration and the guide show: two people at a door, and a cat.

`make pictures` calls it. The photographs are cut out of those that the packages scikit-image and
matplotlib contain, and put before a wall; docs/pictures/README.md names their origins.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.float32]
Area = tuple[int, int, int, int]
"""Left, top, right and bottom in a photograph's pixels."""

WIDTH, HEIGHT = 1280, 720
QUALITY = 82


class Missing(Exception):
    """A photograph is not there."""


class CutOut(NamedTuple):
    """A photograph, and how opaque each of its pixels is (0 to 1)."""

    picture: Picture
    opacity: Mask

    def mirrored(self) -> CutOut:
        return CutOut(np.flip(self.picture, 1), np.flip(self.opacity, 1))

    def above(self, row: int) -> CutOut:
        return CutOut(self.picture[:row], self.opacity[:row])


def front_door() -> Picture:
    """Return the scene with two people, who wear and hold other things than in their portraits."""
    scene = wall()
    paste(scene, grace_hopper().mirrored(), left=170, height=590)
    paste(scene, eileen_collins().above(440), left=700, height=470)
    return in_the_evening(scene)


def garden() -> Picture:
    """Return the scene with a cat."""
    scene = wall()
    paste(scene, cat(), left=440, height=330)
    return in_the_evening(scene)


def portrait(name: str) -> Picture:
    """Return head and shoulders: a good training picture shows one face and little else."""
    photograph = {"grace_hopper": _HOPPER, "eileen_collins": _COLLINS}[name]
    picture = read(*photograph)
    height, width = picture.shape[:2]
    return picture[: height * 5 // 8, width // 8 : width * 7 // 8]


# -- photographs -----------------------------------------------------------------------------------

_HOPPER = ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg")
_COLLINS = ("skimage", "data/astronaut.png")
_CAT = ("skimage", "data/chelsea.png")
_BRICKS = ("skimage", "data/brick.png")


def grace_hopper() -> CutOut:
    return cut_out(
        read(*_HOPPER),
        (0, 15, 512, 600),
        subject=[(160, 120, 330, 330), (60, 420, 460, 600), (200, 300, 300, 450)],
        background=[
            *((0, 0, 135, 300), (0, 0, 100, 340), (0, 0, 60, 390), (0, 0, 36, 470)),
            *((135, 0, 172, 70), (100, 180, 156, 350)),
            *((370, 0, 512, 300), (400, 0, 512, 340), (350, 120, 512, 280), (440, 0, 512, 390)),
        ],
    )


def eileen_collins() -> CutOut:
    return cut_out(
        read(*_COLLINS),
        (0, 5, 400, 512),
        subject=[
            *((190, 30, 260, 170), (175, 60, 270, 150)),
            *((60, 310, 330, 512), (160, 190, 290, 280)),
        ],
        background=[
            *((0, 0, 150, 180), (0, 0, 120, 230), (0, 0, 60, 270), (0, 0, 30, 512)),
            *((290, 0, 512, 170), (310, 0, 512, 210), (345, 0, 512, 330)),
        ],
    )


def cat() -> CutOut:
    """Return the head, round at its top, where the photograph ends."""
    subject: list[Area] = [(80, 30, 300, 240), (60, 200, 280, 299)]
    found = cut_out(read(*_CAT), (12, 0, 420, 300), subject=subject, background=[])
    head = np.zeros(found.opacity.shape, np.float32)
    cv2.ellipse(head, (225, 190), (205, 186), 0, 0, 360, 1, -1)
    return CutOut(found.picture, found.opacity * cv2.GaussianBlur(head, (0, 0), 4))


def wall() -> Picture:
    """Return a brick wall in the light of a lamp."""
    bricks = np.ascontiguousarray(np.rot90(read(*_BRICKS)))
    picture = cv2.resize(bricks, (WIDTH, WIDTH))[100 : 100 + HEIGHT].astype(np.float32)
    picture = (cv2.GaussianBlur(picture, (0, 0), 1.5) - 110) * 0.5 + 125
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    lamp = 1.05 - 0.5 * np.hypot((columns - 900) / WIDTH, (rows - 120) / HEIGHT)
    tint = np.array([140, 160, 190], np.float32) / 170
    return np.clip(picture * tint * lamp[..., None], 0, 255).astype(np.uint8)


# -- composition -----------------------------------------------------------------------------------


def read(package: str, path: str) -> Picture:
    """Read a photograph from an installed package, without importing the package."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise Missing(f"the package {package} is not installed: make pictures installs it")
    picture = cv2.imread(str(Path(spec.origin).parent / path))
    if picture is None:
        raise Missing(f"the package {package} has no {path} in this version: install another one")
    return np.asarray(picture, np.uint8)


def cut_out(
    picture: Picture, within: Area, *, subject: list[Area], background: list[Area]
) -> CutOut:
    """Separate a subject from its background, of which some areas are known."""
    marks = np.full(picture.shape[:2], cv2.GC_BGD, np.uint8)
    known = [(within, cv2.GC_PR_FGD), *((area, cv2.GC_FGD) for area in subject)]
    known += [(area, cv2.GC_BGD) for area in background]
    for (left, top, right, bottom), mark in known:
        marks[top:bottom, left:right] = mark
    cv2.setRNGSeed(1)  # the same picture each time
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(picture, marks, None, *models, 8, cv2.GC_INIT_WITH_MASK)
    opaque = np.isin(marks, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    outline = cv2.erode(_without_holes(opaque), np.ones((3, 3), np.uint8))
    soft = cv2.GaussianBlur(outline.astype(np.float32), (0, 0), 1.2)
    return CutOut(picture, np.asarray(soft, np.float32))


def _without_holes(opaque: Picture) -> Picture:
    outlines, _ = cv2.findContours(opaque, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    largest = max(outlines, key=cv2.contourArea)
    filled = np.zeros_like(opaque)
    cv2.drawContours(filled, [largest], -1, 1, -1)
    return filled


def paste(scene: Picture, piece: CutOut, left: int, height: int) -> None:
    """Place a cut-out at the lower edge of the scene."""
    width = round(piece.picture.shape[1] * height / piece.picture.shape[0])
    picture, opacity = (
        cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA) for part in piece
    )
    area = scene[-height:, left : left + width]
    opacity = opacity[..., None]
    area[:] = (picture * opacity + area * (1 - opacity)).astype(np.uint8)


def in_the_evening(scene: Picture) -> Picture:
    return np.asarray(cv2.convertScaleAbs(scene, alpha=0.9, beta=4), np.uint8)


def save(path: Path, picture: Picture) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
