"""`[mqtt]` and `[mqtt-topic-NAME]`: the broker that cameras send their best snapshots to."""

from typing import Annotated, Literal

from zmhook.settings.section import Section, about
from zmhook.settings.values import Secret


class Mqtt(Section, frozen=True, kw_only=True):
    """The broker that cameras publish tracks and snapshots to; zm_snapshots.py listens there."""

    mqtt_host: Annotated[
        str, about("The broker's host name or address, or the path of its unix socket.")
    ] = "127.0.0.1"
    mqtt_port: Annotated[
        int,
        about(
            "Its port. 0: the usual one: 1883, with TLS 8883; websockets 9001, with TLS 443.",
            ge=0,
            le=65535,
        ),
    ] = 0
    mqtt_transport: Annotated[
        Literal["tcp", "websockets", "unix"], about("How the broker is reached.")
    ] = "tcp"
    mqtt_path: Annotated[str, about("Path of the websocket.")] = "/mqtt"
    mqtt_user: Annotated[str, about("User at the broker. Empty: anonymous.")] = ""
    mqtt_password: Annotated[Secret, about("Password of that user.")] = Secret()
    mqtt_tls: Annotated[bool, about("Encrypt the connection.")] = False
    mqtt_ca: Annotated[
        str, about("File of the certificate authority. Empty: those that this machine trusts.")
    ] = ""
    mqtt_cert: Annotated[str, about("File of our own certificate, where the broker asks.")] = ""
    mqtt_cert_key: Annotated[str, about("File of that certificate's key.")] = ""
    mqtt_verify: Annotated[
        bool, about("Check the broker's certificate and that it is this host's.")
    ] = True
    mqtt_version: Annotated[Literal["3.1.1", "5"], about("Version of the MQTT protocol.")] = "3.1.1"
    mqtt_client_id: Annotated[
        str,
        about("Our name at the broker, which keeps messages for it. One for each collector."),
    ] = "zmhook-snapshots"
    mqtt_session_expiry: Annotated[
        int,
        about(
            "Seconds that a broker of version 5 keeps messages for us while we are away.",
            ge=0,
            le=0xFFFFFFFE,
        ),
    ] = 7 * 86400
    mqtt_keepalive: Annotated[
        int, about("Seconds between signs of life to the broker.", ge=5, le=3600)
    ] = 60
    mqtt_topic: Annotated[
        tuple[str, ...],
        about(
            "Topics to listen to. + and # stand for any; {monitor} for a monitor's number and "
            "{camera} for a camera's name, such as axis/{camera}/track. A section "
            "[mqtt-topic-NAME] says more about one.",
            form="topics",
        ),
    ] = ("track_topic",)
    mqtt_max_message: Annotated[
        float, about("Megabytes above which a message is not read.", gt=0, le=256)
    ] = 16.0
    mqtt_queue: Annotated[
        int, about("Messages that may wait in memory to be stored.", ge=1, le=10_000)
    ] = 200


class Topic(Section, frozen=True, kw_only=True):
    """One topic: whose messages come there."""

    name: str = ""
    topic: Annotated[
        str,
        about(
            "The topic; + and # stand for any part, {monitor} for a monitor's number, {camera} "
            "for a camera's name.",
            form="topic",
        ),
    ] = ""
    monitor: Annotated[
        int,
        about("Number of the ZoneMinder monitor that shows this camera. 0: none.", ge=0),
    ] = 0
    camera: Annotated[str, about("The camera's name. Empty: the section's NAME.")] = ""
    channel: Annotated[
        int,
        about(
            "Only messages of this channel of the camera (channel_id); each may have its own "
            "section with the same topic. -1: of any.",
            ge=-1,
        ),
    ] = -1
    clock_offset: Annotated[
        float,
        about(
            "Seconds that this camera's clock is ahead of ours. 0: snapshot_clock_offset.",
            ge=-86400,
            le=86400,
        ),
    ] = 0.0
