"""`[general]`: where things are, which models run, what the answer looks like."""

from typing import Annotated, Literal

from msgspec import Meta

from zmhook.settings.section import BASE, Section, about
from zmhook.settings.values import Colour, Secret


class General(Section, frozen=True, kw_only=True):
    """Where things are, which models run and when, and what the answer looks like."""

    secrets: Annotated[
        str,
        about(
            "File with a [secrets] section, in which a value !TOKEN is looked up. A relative path "
            "starts at the folder of this configuration."
        ),
    ] = ""
    base_data_path: Annotated[
        str, about("Folder of everything we store; other values may say {{base_data_path}}.")
    ] = "/var/lib/zmeventnotification"
    base_zm_conf_path: Annotated[
        str, about("Folder of ZoneMinder's own zm.conf; its log settings are found through it.")
    ] = "/etc/zm"
    log_path: Annotated[
        str, about("Folder of our log where there is no ZoneMinder to log through.")
    ] = f"{BASE}/logs"

    time_zone: Annotated[
        str,
        about(
            "Zone of all local times, such as Europe/Berlin: of quiet_times and active_times, and "
            "of what is shown. Empty: this machine's (/etc/localtime).",
            form="zone",
        ),
    ] = ""

    portal: Annotated[
        str,
        about(
            "Address of ZoneMinder's web page, such as https://zm.example.org/zm. Empty: no "
            "portal, pictures come from the event's folder.",
            form="address",
        ),
    ] = ""
    api_portal: Annotated[
        str, about("Address of ZoneMinder's API. Empty: the portal's, with /api.", form="address")
    ] = ""
    user: Annotated[
        str, about("ZoneMinder user. Empty when ZoneMinder runs without authentication.")
    ] = ""
    password: Annotated[Secret, about("Password of that user.")] = Secret()
    basic_user: Annotated[
        str, about("User of an HTTP basic authentication in front of ZoneMinder, if any.")
    ] = ""
    basic_password: Annotated[Secret, about("Password of that HTTP basic authentication.")] = (
        Secret()
    )
    allow_self_signed: Annotated[
        bool, about("Accept a portal certificate that cannot be verified.")
    ] = True

    models: Annotated[
        tuple[str, ...],
        about("The chain: the models that look at a picture, in this order.", min_length=1),
    ] = ("yolo",)
    detection_mode: Annotated[
        Literal["all", "first", "most", "most_unique", "most_models"],
        about(
            "all: every model looks. first: the chain stops at the first model that keeps "
            "something. The others are those of frame_strategy, with every model."
        ),
    ] = "all"
    frame_strategy: Annotated[
        Literal["first", "first_new", "most", "most_unique", "most_models"],
        about(
            "Which of several pictures answers. first: the first in which something counts; the "
            "rest is not looked at. first_new: the same, since what was there before does not "
            "count. most: the one with the most detections. most_unique: with the most different "
            "labels. most_models: in which the most models found something."
        ),
    ] = "first"
    detect_pattern: Annotated[
        str,
        about(
            "Regular expression that an object's label must match, from its beginning.",
            form="pattern",
        ),
    ] = ".*"
    face_detection_pattern: Annotated[
        str, about("The same for the names of faces.", form="pattern")
    ] = ".*"
    alpr_pattern: Annotated[str, about("The same for number plates.", form="pattern")] = ".*"
    on_failure: Annotated[
        Literal["silence", "alarm"],
        about(
            "What to answer when no decision could be made. silence: nothing, and exit code 2. "
            "alarm: an alarm whose line says so."
        ),
    ] = "silence"
    event_deadline: Annotated[
        float, about("Seconds that one event may take in all.", gt=0, le=3600)
    ] = 30.0

    frame_id: Annotated[
        tuple[str, ...],
        about(
            "Which pictures are looked at: snapshot, alarm, a frame's number, a place in the event "
            "(20%), all (every frame, as start_frame, frame_skip and max_frames say), bestmatch "
            "(alarm and snapshot), or a list of them.",
            min_length=1,
            form="frames",
        ),
    ] = ("bestmatch",)
    bestmatch_order: Annotated[
        tuple[Literal["a", "s"], ...],
        about("Which picture bestmatch looks at first: a is alarm, s is snapshot.", min_length=1),
    ] = ("a", "s")
    start_frame: Annotated[
        int, about("The frame that all begins with.", ge=1, le=1_000_000_000)
    ] = 1
    frame_skip: Annotated[
        int, about("Frames that all leaves out between two.", ge=0, le=100_000)
    ] = 9
    max_frames: Annotated[
        int, about("How many pictures of one event are looked at.", ge=1, le=1000)
    ] = 20
    prefer_event_folder: Annotated[
        bool,
        about(
            "Read pictures straight from the event's folder where that can be read; the portal "
            "is asked only for what is not there."
        ),
    ] = True
    wait: Annotated[
        float, about("Seconds to wait before the first picture is fetched.", ge=0, le=300)
    ] = 0.0
    max_attempts: Annotated[
        int, about("How often one picture is asked for before giving up.", ge=1, le=100)
    ] = 5
    sleep_between_attempts: Annotated[
        float, about("Seconds between two attempts.", ge=0, le=60)
    ] = 1.0
    portal_timeout: Annotated[
        float, about("Seconds that one request to the portal may take.", gt=0, le=120)
    ] = 10.0
    max_picture_pixels: Annotated[
        int,
        about(
            "A picture with more pixels is refused before it is decoded.", ge=1, le=1_000_000_000
        ),
    ] = 50_000_000
    resize: Annotated[
        Annotated[int, Meta(ge=32, le=20_000)] | None,
        about(
            "Width in pixels that a wider picture is reduced to before the models see it. Boxes "
            "always speak of the original.",
        ),
    ] = None
    image_path: Annotated[str, about("Folder of the pictures that are kept.")] = f"{BASE}/images"
    delete_after_analyze: Annotated[bool, about("no keeps each fetched picture in image_path.")] = (
        True
    )

    show_percent: Annotated[bool, about("Write person:97% rather than person.")] = True
    show_models: Annotated[bool, about("Write the model before the label: (yolo) person.")] = False
    show_frame_match_type: Annotated[
        bool,
        about("Begin the line with [s] (snapshot), [a] (alarm) or [x] (another frame)."),
    ] = True
    show_camera_frame: Annotated[
        bool,
        about(
            "Call the camera's own picture [m] and track. no: [s] and snapshot, which notification "
            "servers and ZoneMinder know; with fid=BESTMATCH they would ask for no picture else."
        ),
    ] = False
    json_format: Annotated[
        Literal["v6", "v5"],
        about(
            "Form of the JSON after --SPLIT-- and in objects.json. v6: an object of lists. "
            "v5: a list of objects."
        ),
    ] = "v6"

    write_image_to_zm: Annotated[
        bool, about("Write objdetect.jpg and objects.json into the event's folder.")
    ] = True
    write_notes: Annotated[
        bool,
        about(
            "Write the text into the event's notes ourselves. A notification server does that; "
            "set it where ZoneMinder calls zm_event_start.sh without one."
        ),
    ] = False
    tag_detected_objects: Annotated[
        bool, about("Tag the event with the labels. Needs ZoneMinder 1.37.44 or newer.")
    ] = False
    write_debug_image: Annotated[
        bool,
        about("Write <eid>-<frame>-debug.jpg into image_path; it shows what was dropped, and why."),
    ] = False
    poly_color: Annotated[
        Colour, about("Colour of zones in pictures: (blue,green,red), each 0 to 255.")
    ] = Colour(127, 140, 141)
    poly_thickness: Annotated[
        int, about("Line width of zones in pictures, in pixels.", ge=1, le=50)
    ] = 2
