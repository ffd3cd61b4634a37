"""`zmhook camera`: set an Axis camera up for snapshots over MQTT, or stand in for one."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from zmhook.cli import where
from zmhook.cli.arguments import Parser

if TYPE_CHECKING:
    from collections.abc import Sequence

SECONDS = 10.0
WAIT = 30.0


def main(argv: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    if args.action == "simulate":
        from zmhook.cli import camera_simulate

        return camera_simulate.main(args)
    from zmhook.cli import camera_setup

    actions = {
        "setup": camera_setup.setup,
        "status": camera_setup.status,
        "undo": camera_setup.undo,
    }
    return actions[args.action](args)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="zmhook camera",
        description="Have an Axis camera send its snapshots over MQTT, or stand in for one.",
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def action(name: str, what: str) -> argparse.ArgumentParser:
        # No short forms: --password is not to be taken for --password-file.
        return actions.add_parser(name, help=what, allow_abbrev=False)

    _add_setup(action("setup", "broker, snapshots and publisher of a camera"))
    _add_camera(action("status", "what a camera sends where, and whether it can"))
    undo = action("undo", "put back what setup changed")
    _add_camera(undo)
    _add_dry_run(undo)
    _add_simulate(action("simulate", "send what cameras send, with real photos"))
    return parser


def _add_setup(parser: argparse.ArgumentParser) -> None:
    _add_camera(parser)
    _add_broker(parser, "as the camera reaches it; default: [mqtt], or this machine")
    parser.add_argument(
        "--transport",
        choices=("tcp", "ssl", "ws", "wss"),
        help="ssl and wss are encrypted, ws and wss websockets (default: as [mqtt] says)",
    )
    parser.add_argument("--path", help="path of the websocket (default: [mqtt] mqtt_path)")
    parser.add_argument(
        "--broker-ca",
        default="",
        metavar="ID",
        help="check the broker's certificate against this one of the camera's; else it is not",
    )
    parser.add_argument("--topic", help="default: axis/SERIAL/track")
    parser.add_argument(
        "--format",
        choices=("consolidated_track", "object_track", "object_snapshot"),
        default="",
        help="default: object_track, or consolidated_track where the camera has no other",
    )
    parser.add_argument("--channel", type=_at_least_one, default=1, help="of a camera with several")
    parser.add_argument("--monitor", type=_at_least_one, help="ZoneMinder's monitor of this camera")
    parser.add_argument(
        "--wait",
        type=_seconds,
        default=WAIT,
        metavar="SECONDS",
        help="how long the camera may take to find its broker (default: %(default)s)",
    )
    _add_dry_run(parser)


def _add_camera(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", required=True, help="the camera's name or address, or HOST:PORT")
    parser.add_argument("--user", required=True, help="one of the camera's administrators")
    parser.add_argument(
        "--password-file",
        metavar="FILE",
        help="its first line; else $ZMHOOK_CAMERA_PASSWORD, else it is asked for",
    )
    parser.add_argument("--https", action="store_true", help="ask the camera by https")
    parser.add_argument(
        "--insecure", action="store_true", help="accept a certificate that cannot be verified"
    )
    parser.add_argument(
        "--basic", action="store_true", help="allow a login that sends the password readable"
    )
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=SECONDS,
        metavar="SECONDS",
        help="for each answer of the camera (default: %(default)s)",
    )
    where.add_config(parser)


def _add_broker(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("--broker", metavar="HOST[:PORT]", help=what)
    parser.add_argument("--broker-user", metavar="USER", help="default: [mqtt] mqtt_user")
    parser.add_argument(
        "--broker-password-file",
        metavar="FILE",
        help="its first line; else $ZMHOOK_BROKER_PASSWORD, else [mqtt]'s for the same user",
    )


def _add_dry_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dry-run", action="store_true", help="only read, and print the calls that would be made"
    )


def _add_simulate(parser: argparse.ArgumentParser) -> None:
    where.add_config(parser)
    _add_broker(parser, "default: [mqtt] mqtt_host")
    parser.add_argument(
        "--format",
        default="all",
        choices=(
            *("all", "consolidated_track", "object_track", "object_snapshot"),
            *("scene_description", "frame", "frigate", "raw"),
        ),
        help="what is sent; all: each in turn (default: %(default)s)",
    )
    parser.add_argument(
        "--photos", nargs="+", required=True, metavar="PATH", help="pictures, or folders of them"
    )
    parser.add_argument("--topic", help="default: the first that [mqtt] or [mqtt-topic-…] names")
    parser.add_argument("--count", type=_at_least_one, default=10, help="tracks (default: 10)")
    parser.add_argument(
        "--rate", type=_rate, default=1.0, help="tracks a second, 0: all at once (default: 1)"
    )
    parser.add_argument("--monitor", type=_at_least_one, help="stands for {monitor} in the topic")
    parser.add_argument(
        "--camera", default="simulated", help="stands for {camera} (default: %(default)s)"
    )
    parser.add_argument("--label", help="the class of all, such as Human (default: invented)")
    parser.add_argument(
        "--box",
        type=_box,
        metavar="LEFT,TOP,RIGHT,BOTTOM",
        help="where in the photos the object is, 0 to 1 each (default: invented)",
    )
    parser.add_argument("--seed", type=int, help="the same seed sends the same tracks again")


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"'{text}': expected a whole number from 1")
    return int(text)


def _seconds(text: str) -> float:
    return _within(text, 0.1, 600)


def _rate(text: str) -> float:
    return _within(text, 0, 10_000)


def _within(text: str, least: float, most: float) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not least <= number <= most:
        raise argparse.ArgumentTypeError(f"'{text}': expected a number from {least} to {most}")
    return number


def _box(text: str) -> tuple[float, ...]:
    try:
        left, top, right, bottom = edges = tuple(map(float, text.split(",")))
    except ValueError:
        left = right = top = bottom = 0.0
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise argparse.ArgumentTypeError(
            f"'{text}': expected left,top,right,bottom from 0 to 1, such as 0.2,0.3,0.5,0.9"
        )
    return edges
