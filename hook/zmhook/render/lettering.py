"""Draw text of any script into a small picture.

OpenCV's own letters are quick and need nothing, but they are ASCII only. A person's name in
another script is drawn by Pillow with a font of the system that has its characters; where there
is neither, the name is written without its accents, and what is left unknown as question marks.
"""

from __future__ import annotations

import subprocess
import textwrap
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from zmhook.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from zmhook.settings.section import Colour

    Picture = npt.NDArray[np.uint8]

FACE = cv2.FONT_HERSHEY_SIMPLEX
MOST_LINES = 3
LONGEST = 200  # characters; more could not be read anyway
_FONT_TIMEOUT = 3  # seconds
_FONTS = (
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf",
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/freefont/FreeSans.ttf",
    "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf",
)
_EM = 1.35  # a font's size, when its capitals are 1 high
_MORE = ".."
_NO_CHARACTER = "\U0010ffff"


def lettered(text: str, height: int, width: int, ink: Colour, paper: Colour) -> Picture:
    """Return the text as BGR `uint8` of shape `(h, w, 3)`, letters about `height` pixels high.

    It is at most `width` pixels wide: longer text goes on in another line, up to three.
    """
    words = one_line(text, LONGEST)
    line = _line(words, height, ink, paper)
    if line.shape[1] > width:
        characters = int(len(words) * width / line.shape[1])
        lines = _wrapped(words, characters)
        line = _stacked([_line(line_text, height, ink, paper) for line_text in lines], paper)
    return line[:, :width]


def _wrapped(words: str, characters: int) -> list[str]:
    if characters <= len(_MORE):
        return [words[: max(1, characters)]]
    return textwrap.wrap(words, characters, max_lines=MOST_LINES, placeholder=_MORE)


def _stacked(lines: list[Picture], paper: Colour) -> Picture:
    width = max(line.shape[1] for line in lines)
    return np.vstack([_widened(line, width, paper) for line in lines])


def _widened(line: Picture, width: int, paper: Colour) -> Picture:
    wider = _sheet(line.shape[0], width, paper)
    wider[:, : line.shape[1]] = line
    return wider


def _line(text: str, height: int, ink: Colour, paper: Colour) -> Picture:
    if not text.isascii():
        font, text = _font(text, height)
        if font is not None:
            return _drawn_by_pillow(text, font, height, ink, paper)
    return _drawn_by_opencv(text, height, ink, paper)


def plain(text: str) -> str:
    """Return the text in ASCII: without accents, and ? for what has no letter near to it."""
    apart = unicodedata.normalize("NFKD", text)
    kept = "".join(char for char in apart if not unicodedata.combining(char))
    return kept.encode("ascii", "replace").decode()


def _drawn_by_opencv(text: str, height: int, ink: Colour, paper: Colour) -> Picture:
    thickness = max(1, round(height / 12))
    scale = cv2.getFontScaleFromHeight(FACE, height, thickness)
    (width, _), below = cv2.getTextSize(text, FACE, scale, thickness)
    margin = _margin(height)
    sheet = _sheet(height + below + 2 * margin, width + 2 * margin, paper)
    colour = (ink.blue, ink.green, ink.red)
    foot = (margin, margin + height)
    cv2.putText(sheet, text, foot, FACE, scale, colour, thickness, cv2.LINE_AA)
    return sheet


def _drawn_by_pillow(text: str, font: Any, height: int, ink: Colour, paper: Colour) -> Picture:
    from PIL import Image, ImageDraw

    left, top, right, bottom = font.getbbox(text)
    margin = _margin(height)
    size = (round(right - left) + 2 * margin, round(bottom - top) + 2 * margin)
    # Pillow is told blue for red, and so writes what OpenCV reads.
    sheet = Image.new("RGB", size, (paper.blue, paper.green, paper.red))
    origin = (margin - left, margin - top)
    ImageDraw.Draw(sheet).text(origin, text, (ink.blue, ink.green, ink.red), font)
    return np.array(sheet)


def _sheet(height: int, width: int, paper: Colour) -> Picture:
    return np.full((height, width, 3), (paper.blue, paper.green, paper.red), np.uint8)


def _margin(height: int) -> int:
    return max(1, height // 4)


@lru_cache(maxsize=256)
def _font(text: str, height: int) -> tuple[Any, str]:
    """Return the Pillow font that has most of the text's characters (or None), and the text in it.

    What the font lacks is in plain letters.
    """
    best, lacking = None, {char for char in text if not char.isascii()}
    for font in _fonts(frozenset(lacking), height):
        lacked = {char for char in lacking if not _has(font, char)}
        if len(lacked) < len(lacking):
            best, lacking = font, lacked
        if not lacking:
            break
    return best, "".join(plain(char) if char in lacking else char for char in text)


def _fonts(characters: frozenset[str], height: int) -> Iterator[Any]:
    try:
        from PIL import ImageFont
    except ImportError:
        return
    for path in _font_files(characters):
        try:
            yield ImageFont.truetype(path, round(height * _EM))
        except OSError:  # not there, or a font of pictures in fixed sizes
            continue


def _font_files(characters: frozenset[str]) -> Iterator[str]:
    yield from _FONTS
    yield from _fonts_of_system(characters)


def _fonts_of_system(characters: frozenset[str]) -> list[str]:
    codes = " ".join(f"{ord(char):x}" for char in sorted(characters) if not char.isspace())
    command = ["fc-list", "-f", "%{file}\n", f":charset={codes}"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_FONT_TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return sorted(done.stdout.splitlines())


def _has(font: Any, char: str) -> bool:
    return bytes(font.getmask(char)) != bytes(font.getmask(_NO_CHARACTER))
