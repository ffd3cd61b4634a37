"""`zmhook camera`: set up an Axis camera for best snapshots over MQTT, or simulate one."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from zmhook.cli.arguments import Parser, add_config, add_monitor

if TYPE_CHECKING:
    from collections.abc import Sequence

SECONDS = 10.0
WAIT = 30.0


def main(argv: Sequence[str] | None = None) -> int:
    args = make_parser().parse_args(argv)
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


def make_parser() -> Parser:
    parser = Parser(
        prog="zmhook camera",
        description="Set up an Axis camera to send best snapshots over MQTT, or simulate such a"
        " camera.",
        examples=["zmhook camera setup --host 192.0.2.7 --user root --dry-run"],
    )
    # No abbreviations: --password must not be taken for --password-file.
    setup = parser.add_command(
        "setup",
        "configure the broker, best snapshots and a publisher on a camera",
        "What is changed is recorded, so that undo can restore it.",
        examples=[
            "zmhook camera setup --host 192.0.2.7 --user root --dry-run",
            "zmhook camera setup --host 192.0.2.7 --user root --broker 192.0.2.2 -m 5",
        ],
        allow_abbrev=False,
    )
    _add_setup(setup)
    status = parser.add_command(
        "status",
        "show a camera's MQTT client, publishers and data sources",
        examples=["zmhook camera status --host 192.0.2.7 --user root"],
        allow_abbrev=False,
    )
    _add_camera(status)
    undo = parser.add_command(
        "undo",
        "restore what setup changed",
        examples=["zmhook camera undo --host 192.0.2.7 --user root"],
        allow_abbrev=False,
    )
    _add_camera(undo)
    _add_dry_run(undo)
    simulate = parser.add_command(
        "simulate",
        "publish messages like a camera's, made from photos",
        examples=["zmhook camera simulate --photos photos/ --count 5 --format frigate"],
        allow_abbrev=False,
    )
    _add_simulate(simulate)
    return parser


def _add_setup(parser: Parser) -> None:
    _add_camera(parser)
    _add_broker(parser, "broker as the camera reaches it (default: [mqtt], or this machine)")
    add = parser.add_argument
    add(
        "--transport",
        choices=("tcp", "ssl", "ws", "wss"),
        help="ssl and wss are encrypted, ws and wss use websockets (default: as in [mqtt])",
    )
    add("--path", help="path of the websocket (default: [mqtt] mqtt_path)")
    add(
        "--broker-ca",
        default="",
        metavar="ID",
        help="id of the camera's CA certificate for the broker (default: do not verify the broker)",
    )
    add("--topic", help="topic to publish to (default: axis/SERIAL/track)")
    add(
        "--format",
        choices=("consolidated_track", "object_track", "object_snapshot"),
        default="",
        metavar="FORMAT",
        help="message format: %(choices)s (default: object_track, or else consolidated_track)",
    )
    add(
        "--channel",
        type=_positive,
        default=1,
        metavar="N",
        help="video channel of a multi-channel camera (default: %(default)s)",
    )
    add_monitor(parser, "ZoneMinder's monitor of this camera", type=_positive)
    add(
        "--wait",
        type=_seconds,
        default=WAIT,
        metavar="SECONDS",
        help="how long to wait until the camera is connected (default: %(default)s)",
    )
    _add_dry_run(parser)


def _add_camera(parser: Parser) -> None:
    add = parser.add_argument
    add("--host", required=True, metavar="HOST[:PORT]", help="name or address of the camera")
    add("--user", required=True, help="an administrator of the camera")
    add(
        "--password-file",
        metavar="FILE",
        help="read the password from the first line (default: $ZMHOOK_CAMERA_PASSWORD,"
        " or a prompt)",
    )
    add("--https", action="store_true", help="connect to the camera over HTTPS")
    add("--insecure", action="store_true", help="do not verify the camera's certificate")
    add("--basic", action="store_true", help="allow a login that sends the password unencrypted")
    add(
        "--timeout",
        type=_seconds,
        default=SECONDS,
        metavar="SECONDS",
        help="time-out of each request (default: %(default)s)",
    )
    add_config(parser)


def _add_broker(parser: Parser, text: str) -> None:
    add = parser.add_argument
    add("-b", "--broker", metavar="HOST[:PORT]", help=text)
    add("-u", "--broker-user", metavar="USER", help="default: [mqtt] mqtt_user")
    add(
        "--broker-password-file",
        metavar="FILE",
        help="read the password from the first line (default: $ZMHOOK_BROKER_PASSWORD, or that of"
        " [mqtt] for the same user)",
    )


def _add_dry_run(parser: Parser) -> None:
    parser.add_argument(
        "--dry-run", action="store_true", help="change nothing; print the requests instead"
    )


def _add_simulate(parser: Parser) -> None:
    add = parser.add_argument
    add(
        "--photos",
        nargs="+",
        required=True,
        metavar="PATH",
        help="picture files, or folders of them",
    )
    add(
        "--format",
        default="all",
        choices=(
            *("all", "consolidated_track", "object_track", "object_snapshot"),
            *("scene_description", "frame", "frigate", "raw"),
        ),
        metavar="FORMAT",
        help="message format: %(choices)s (default: %(default)s, which is each in turn)",
    )
    _add_broker(parser, "default: [mqtt] mqtt_host")
    add("-t", "--topic", help="topic (default: the first of [mqtt] or [mqtt-topic-NAME])")
    add(
        "--count",
        type=_positive,
        default=10,
        metavar="N",
        help="number of tracks (default: %(default)s)",
    )
    add(
        "--rate",
        type=_rate,
        default=1.0,
        metavar="N",
        help="tracks per second; 0: without a pause (default: %(default)g)",
    )
    add_monitor(parser, "replaces {monitor} in the topic", type=_positive)
    add(
        "--camera",
        default="simulated",
        metavar="NAME",
        help="replaces {camera} (default: %(default)s)",
    )
    add("--label", metavar="CLASS", help="class of all objects, such as Human (default: random)")
    add(
        "--box",
        type=_box,
        metavar="LEFT,TOP,RIGHT,BOTTOM",
        help="where the object is in the photos, 0 to 1 each (default: random)",
    )
    add("--seed", type=int, metavar="N", help="repeat the tracks of an earlier run")
    add_config(parser)


def _positive(text: str) -> int:
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
