"""`[service]`: the process that keeps the models loaded."""

from typing import Annotated

from zmhook.settings.section import Section, about
from zmhook.settings.values import Secret


class Service(Section, frozen=True, kw_only=True):
    """The service that keeps the models loaded between events. A hook starts it when needed."""

    use_service: Annotated[
        bool,
        about(
            "Ask the service, and start it when it does not run. no: every event loads its models."
        ),
    ] = True
    service_idle_exit: Annotated[
        float,
        about("Seconds without an event after which the service ends. 0: never.", ge=0),
    ] = 600.0
    service_workers: Annotated[
        int,
        about("Processes that look at pictures at the same time. 0: one per core.", ge=0, le=64),
    ] = 0
    service_threads: Annotated[
        int,
        about(
            "Threads for one event where yolo_threads is 0. 0: an event that comes alone has one "
            "per core (at most 4), one among many has one.",
            ge=0,
            le=64,
        ),
    ] = 0
    service_queue: Annotated[
        int,
        about(
            "Events that may wait. Above it the newest of the busiest monitor is refused.",
            ge=1,
            le=100_000,
        ),
    ] = 500
    worker_max_rss: Annotated[
        float,
        about("Megabytes of memory above which a worker is replaced, between events.", ge=100),
    ] = 2000.0
    model_idle_unload: Annotated[
        float,
        about(
            "Seconds without an event after which a worker gives its memory back. 0: never.", ge=0
        ),
    ] = 300.0
    service_environment: Annotated[
        Secret,
        about(
            "Variables for the environment of the service and of what works on after an answer, "
            "such as HTTPS_PROXY=http://proxy.lan:3128, between commas. Of the environment of a "
            "hook they get nothing. A change takes effect when the service starts.",
            form="variables",
        ),
    ] = Secret()
    listen: Annotated[
        str,
        about(
            "Address such as 0.0.0.0:5000 to answer other machines' hooks at: /infer, /detect and "
            "/login as their clients expect, /health and /metrics. Whoever asks for detections "
            "must log in. Empty: only the socket of this machine."
        ),
    ] = ""
    listen_user: Annotated[str, about("User that other machines log in as.")] = "zmhook"
    listen_password: Annotated[
        Secret,
        about(
            "Password of that user. Empty: one is made at the first start and kept in "
            "base_data_path/cache/listen_password."
        ),
    ] = Secret()
    listen_cert: Annotated[str, about("File of a certificate (chain): answers by https then.")] = ""
    listen_key: Annotated[str, about("File of that certificate's key.")] = ""
    listen_max_upload: Annotated[
        float, about("Megabytes that one request may have.", gt=0, le=1024)
    ] = 20.0
    listen_connections: Annotated[
        int,
        about(
            "Connections that other machines may have at the same time. Who is not logged in makes "
            "room for newcomers.",
            ge=8,
            le=10_000,
        ),
    ] = 512
    listen_connections_each: Annotated[
        int,
        about(
            "Connections of one address at the same time. Raise it where many machines come by one "
            "address (NAT).",
            ge=4,
            le=10_000,
        ),
    ] = 128
    listen_proxies: Annotated[
        tuple[str, ...],
        about(
            "Addresses of reverse proxies of yours. What they say in X-Forwarded-For is believed, "
            "and they have as many connections as there may be in all.",
            form="networks",
        ),
    ] = ()
    listen_model_names: Annotated[
        tuple[str, ...],
        about(
            "What clients of pyzm.serve call the models here, such as YOLOv11 ONNX=yolo. The only "
            "model of a type answers to any name.",
            form="names",
        ),
    ] = ()
    listen_faces: Annotated[bool, about("Let the names of faces leave this machine.")] = False
    listen_plates: Annotated[bool, about("Let number plates leave this machine.")] = False
    allowed_portals: Annotated[
        tuple[str, ...],
        about(
            "Hosts that a picture's address may name, when a client sends one in place of the "
            "picture. Empty: none.",
            form="hosts",
        ),
    ] = ()
