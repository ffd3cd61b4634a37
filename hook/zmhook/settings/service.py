"""`[service]`: the background service, and the server for other machines."""

from typing import Annotated

from zmhook.settings.section import Secret, Section, about


class Service(Section, frozen=True, kw_only=True):
    """The background service, which keeps the models loaded between events; hooks start it."""

    use_service: Annotated[
        bool,
        about(
            "Use the background service, and start it when it does not run. no: every event"
            " loads its models itself."
        ),
    ] = True
    service_idle_exit: Annotated[
        float,
        about("Seconds without an event after which the service ends. 0: never.", ge=0),
    ] = 600.0
    service_workers: Annotated[
        int,
        about("Number of worker processes. 0: one per core.", ge=0, le=64),
    ] = 0
    service_threads: Annotated[
        int,
        about(
            "Threads for one event if yolo_threads is 0. 0: a single event has one per core"
            " (at most 4), one of many has one.",
            ge=0,
            le=64,
        ),
    ] = 0
    service_queue: Annotated[
        int,
        about(
            "Maximum number of waiting events. Beyond it the newest of the busiest monitor "
            "is refused.",
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
        about("Seconds without an event after which a worker frees its memory. 0: never.", ge=0),
    ] = 300.0
    service_environment: Annotated[
        Secret,
        about(
            "Environment variables of the service and of the background jobs, such as "
            "HTTPS_PROXY=http://proxy.lan:3128, separated by commas. They inherit nothing "
            "from a hook's environment. A change takes effect when the service starts.",
            form="variables",
        ),
    ] = Secret()
    listen: Annotated[
        str,
        about(
            "Address such as 0.0.0.0:5000 at which zmhook is a remote server: /infer, "
            "/detect and /login as clients expect, /health and /metrics. Clients must log "
            "in for detections. Empty: only the socket of this machine."
        ),
    ] = ""
    listen_user: Annotated[str, about("User as which clients log in.")] = "zmhook"
    listen_password: Annotated[
        Secret,
        about(
            "Password of that user. Empty: one is created at the first start in "
            "base_data_path/cache/listen_password."
        ),
    ] = Secret()
    listen_cert: Annotated[str, about("File of a certificate (chain), for https.")] = ""
    listen_key: Annotated[str, about("File of that certificate's key.")] = ""
    listen_max_upload: Annotated[
        float, about("Maximum size of one request in megabytes.", gt=0, le=1024)
    ] = 20.0
    listen_connections: Annotated[
        int,
        about(
            "Maximum number of connections of clients. Those without a login are closed for"
            " new ones.",
            ge=8,
            le=10_000,
        ),
    ] = 512
    listen_connections_each: Annotated[
        int,
        about(
            "Maximum number of connections from one address. Raise it if many clients share"
            " one address (NAT).",
            ge=4,
            le=10_000,
        ),
    ] = 128
    listen_proxies: Annotated[
        tuple[str, ...],
        about(
            "Addresses of your own reverse proxies. Their X-Forwarded-For is trusted, and "
            "they may have as many connections as there may be in all.",
            form="networks",
        ),
    ] = ()
    listen_model_names: Annotated[
        tuple[str, ...],
        about(
            "Names that clients of pyzm.serve use for models, such as YOLOv11 ONNX=yolo. "
            "The only model of a type answers to any name.",
            form="names",
        ),
    ] = ()
    listen_faces: Annotated[bool, about("Let names of faces leave this machine.")] = False
    listen_plates: Annotated[bool, about("Let number plates leave this machine.")] = False
    allowed_portals: Annotated[
        tuple[str, ...],
        about(
            "Hosts from which the server may fetch a picture, when a client sends its "
            "address instead of the picture. Empty: none.",
            form="hosts",
        ),
    ] = ()
