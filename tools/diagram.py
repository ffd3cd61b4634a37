"""Draw the way of an event through zmhook: docs/pictures/event.svg.

The column is narrow enough to be read on a phone.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

TARGET = Path(__file__).resolve().parent.parent / "docs" / "pictures" / "event.svg"
WIDTH, MARGIN, GAP = 440, 16, 34
LINE, PADDING = 19, 13
STYLE = """
  text { font: 14px system-ui, sans-serif; fill: #1c2733; text-anchor: middle }
  .title { font-weight: 600; font-size: 15px }
  .note { font-size: 13px; fill: #4a5866 }
  .paper { fill: #fff }
  .box { stroke-width: 1.5 }
  .zm { fill: #e8edf2; stroke: #8394a5 }
  .ours { fill: #e3f0fb; stroke: #3d7ebf }
  .alarm { fill: #dff3e2; stroke: #3d9150 }
  .nothing { fill: #f3f0ea; stroke: #a3977f }
  .arrow { stroke: #5b6b7a; stroke-width: 1.6; fill: none; marker-end: url(#head) }
"""
HEAD = """<defs><marker id="head" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="7"
  markerHeight="7" orient="auto"><path d="M0 0 L8 4 L0 8 Z" fill="#5b6b7a"/></marker></defs>"""
ALT = (
    "ZoneMinder starts an event and calls zmhook, which fetches frames, runs models, applies rules"
    " and answers with an alarm or with nothing."
)


class Box(NamedTuple):
    """A rounded box with a title and lines of text below it."""

    kind: str
    title: str
    lines: tuple[str, ...]
    left: float = MARGIN
    width: float = WIDTH - 2 * MARGIN

    @property
    def height(self) -> float:
        return 2 * PADDING + LINE * (1 + len(self.lines))

    def drawn(self, top: float) -> list[str]:
        middle = self.left + self.width / 2
        first = top + PADDING + LINE * 0.75
        return [
            rectangle(f"box {self.kind}", self.left, top, self.width, self.height),
            text(self.title, middle, first, "title"),
            *(
                text(line, middle, first + LINE * number, "")
                for number, line in enumerate(self.lines, 1)
            ),
        ]


HALF = (WIDTH - 3 * MARGIN) / 2
ROWS: list[tuple[list[Box], str]] = [
    ([Box("zm", "ZoneMinder starts an event", ("something moved before a camera",))], "calls"),
    (
        [
            Box(
                "ours",
                "Frames",
                (
                    "from the event's folder or over HTTP,",
                    "or a picture that the camera sent by MQTT",
                ),
            )
        ],
        "",
    ),
    (
        [
            Box(
                "ours",
                "Models",
                ("objects, people, faces, number plates;", "here or on a remote server"),
            )
        ],
        "detections",
    ),
    (
        [
            Box(
                "ours",
                "Rules",
                ("labels, confidence, zones, sizes,", "parked cars, schedule, cool-down"),
            )
        ],
        "",
    ),
    (
        [
            Box("alarm", "Alarm", ("a line and exit code 0:", "the phone rings"), MARGIN, HALF),
            Box(
                "nothing",
                "Nothing",
                ("no line, exit code 1:", "silence"),
                2 * MARGIN + HALF,
                HALF,
            ),
        ],
        "",
    ),
    (
        [
            Box(
                "ours",
                "Afterwards",
                (
                    "history with every reason, annotated picture,",
                    "notes, messages, Home Assistant",
                ),
            )
        ],
        "",
    ),
]


def rectangle(kind: str, x: float, y: float, width: float, height: float) -> str:
    shape = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
    return f'<rect class="{kind}" {shape} rx="9"/>'


def text(words: str, x: float, y: float, kind: str, more: str = "") -> str:
    name = f' class="{kind}"' if kind else ""
    return f'<text{name} x="{x:g}" y="{y:g}"{more}>{escape(words)}</text>'


def arrow(x: float, top: float, bottom: float) -> str:
    return f'<path class="arrow" d="M{x:g} {top + 3:g} V{bottom - 4:g}"/>'


def diagram() -> str:
    """Return the SVG."""
    parts: list[str] = []
    top = float(MARGIN)
    for number, (boxes, label) in enumerate(ROWS):
        bottom = top + boxes[0].height
        for box in boxes:
            parts += box.drawn(top)
        if number + 1 < len(ROWS):
            ends = boxes if len(boxes) > 1 else ROWS[number + 1][0]
            parts += [arrow(box.left + box.width / 2, bottom, bottom + GAP) for box in ends]
        if label:
            more = ' style="text-anchor: start"'
            parts.append(text(label, WIDTH / 2 + 10, bottom + GAP / 2 + 4, "note", more))
        top = bottom + GAP
    height = top - GAP + MARGIN
    size = f'viewBox="0 0 {WIDTH} {height:g}" width="{WIDTH}" height="{height:g}"'
    frame = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
    head = [frame, f"<title>{escape(ALT)}</title>", f"<style>{STYLE}</style>", HEAD]
    return "\n".join([*head, rectangle("paper", 0, 0, WIDTH, height), *parts, "</svg>", ""])


if __name__ == "__main__":
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(diagram(), encoding="utf-8")
    print(TARGET)
