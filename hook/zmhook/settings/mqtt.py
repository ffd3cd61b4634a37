"""`[mqtt]` and `[mqtt-topic-NAME]`: the broker that cameras send their best snapshots to."""

from typing import Annotated, Literal

from zmhook.settings.section import Secret, Section, about


class Mqtt(Section, frozen=True, kw_only=True):
    """The broker for best snapshots of cameras (zm_snapshots.py) and for notifications."""

    mqtt_host: Annotated[
        str, about("The broker's host name or address, or the path of its unix socket.")
    ] = "127.0.0.1"
    mqtt_port: Annotated[
        int,
        about(
            "Its port. 0: the default: 1883, with TLS 8883; websockets 9001, with TLS 443.",
            ge=0,
            le=65535,
        ),
    ] = 0
    mqtt_transport: Annotated[
        Literal["tcp", "websockets", "unix"], about("How to connect to the broker.")
    ] = "tcp"
    mqtt_path: Annotated[str, about("Path of the websocket.")] = "/mqtt"
    mqtt_user: Annotated[str, about("User at the broker. Empty: anonymous.")] = ""
    mqtt_password: Annotated[Secret, about("Password of that user.")] = Secret()
    mqtt_tls: Annotated[bool, about("Encrypt the connection.")] = False
    mqtt_ca: Annotated[
        str, about("File of the certificate authority. Empty: those that this machine trusts.")
    ] = ""
    mqtt_cert: Annotated[
        str, about("File of zmhook's own certificate, if the broker asks for one.")
    ] = ""
    mqtt_cert_key: Annotated[str, about("File of that certificate's key.")] = ""
    mqtt_verify: Annotated[bool, about("Verify the broker's certificate and its host name.")] = True
    mqtt_version: Annotated[Literal["3.1.1", "5"], about("Version of the MQTT protocol.")] = "3.1.1"
    mqtt_client_id: Annotated[
        str,
        about("Client id, for which the broker keeps messages. Each collector needs its own."),
    ] = "zmhook-snapshots"
    mqtt_session_expiry: Annotated[
        int,
        about(
            "Seconds for which a broker of version 5 keeps messages while zmhook is disconnected.",
            ge=0,
            le=0xFFFFFFFE,
        ),
    ] = 7 * 86400
    mqtt_keepalive: Annotated[int, about("Keep-alive in seconds.", ge=5, le=3600)] = 60
    mqtt_topic: Annotated[
        tuple[str, ...],
        about(
            "Topics to subscribe to. + and # are wildcards; {monitor} stands for a "
            "monitor's number and {camera} for a camera's name, such as "
            "axis/{camera}/track. A section [mqtt-topic-NAME] has settings for one topic.",
            form="topics",
        ),
    ] = ("track_topic",)
    mqtt_max_message: Annotated[
        float, about("Maximum size of a message in megabytes.", gt=0, le=256)
    ] = 16.0
    mqtt_queue: Annotated[
        int, about("Maximum number of messages that wait in memory to be stored.", ge=1, le=10_000)
    ] = 200


class Topic(Section, frozen=True, kw_only=True):
    """One topic, and the camera and monitor of its messages."""

    name: str = ""
    topic: Annotated[
        str,
        about(
            "The topic; + and # are wildcards, {monitor} stands for a monitor's number, "
            "{camera} for a camera's name.",
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
            "Only messages of this channel of the camera (channel_id); each channel may "
            "have its own section with the same topic. -1: any.",
            ge=-1,
        ),
    ] = -1
    clock_offset: Annotated[
        float,
        about(
            "Seconds by which this camera's clock is ahead of this machine's. 0: "
            "snapshot_clock_offset.",
            ge=-86400,
            le=86400,
        ),
    ] = 0.0
