"""`[general]`: folders, portal, models, frames and output."""

from typing import Annotated, Literal

from msgspec import Meta

from zmhook.settings.section import BASE, Colour, Secret, Section, about


class General(Section, frozen=True, kw_only=True):
    """Files and folders, ZoneMinder, models, frames, and output."""

    secrets: Annotated[
        str,
        about(
            "File with a [secrets] section, in which !TOKEN is looked up. A relative path "
            "starts at the folder of this configuration."
        ),
    ] = ""
    base_data_path: Annotated[
        str, about("Folder of zmhook's data; other values may use {{base_data_path}}.")
    ] = "/var/lib/zmeventnotification"
    base_zm_conf_path: Annotated[
        str,
        about("Folder of ZoneMinder's zm.conf; zmhook finds ZoneMinder's log settings through it."),
    ] = "/etc/zm"
    log_path: Annotated[str, about("Folder of the log on a machine without ZoneMinder.")] = (
        f"{BASE}/logs"
    )

    time_zone: Annotated[
        str,
        about(
            "Time zone of the schedule and of all times that are shown, such as "
            "Europe/Berlin. Empty: this machine's (/etc/localtime).",
            form="zone",
        ),
    ] = ""

    portal: Annotated[
        str,
        about(
            "Address of ZoneMinder's web page, such as https://zm.example.org/zm. Empty: "
            "frames come only from the event's folder.",
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
        str, about("User for HTTP basic authentication, if the web server asks for it.")
    ] = ""
    basic_password: Annotated[Secret, about("Password for HTTP basic authentication.")] = Secret()
    allow_self_signed: Annotated[
        bool, about("Accept a certificate of the portal that cannot be verified.")
    ] = True

    models: Annotated[
        tuple[str, ...],
        about("The chain: the models that run on a frame, in this order.", min_length=1),
    ] = ("yolo",)
    detection_mode: Annotated[
        Literal["all", "first", "most", "most_unique", "most_models"],
        about(
            "all: every model runs. first: the chain ends with the first model that finds "
            "something. The other values are those of frame_strategy, with every model."
        ),
    ] = "all"
    frame_strategy: Annotated[
        Literal["first", "first_new", "most", "most_unique", "most_models"],
        about(
            "Which of several frames the result is taken from. first: the first with a kept"
            " detection; later frames are not analysed. first_new: the same, since past "
            "detections do not count. most: the one with the most detections. most_unique: "
            "with the most different labels. most_models: in which the most models found "
            "something."
        ),
    ] = "first"
    detect_pattern: Annotated[
        str,
        about(
            "Regular expression that an object's label must match from its beginning.",
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
            "What to answer when no decision is possible. silence: nothing, and exit code "
            "2. alarm: an alarm whose detection string says so."
        ),
    ] = "silence"
    event_deadline: Annotated[
        float, about("Maximum number of seconds for one event.", gt=0, le=3600)
    ] = 30.0

    frame_id: Annotated[
        tuple[str, ...],
        about(
            "Which frames to analyse: snapshot, alarm, a frame's number, a position in the "
            "event (20%), all (as start_frame, frame_skip and max_frames say), bestmatch "
            "(alarm and snapshot), or a list of them.",
            min_length=1,
            form="frames",
        ),
    ] = ("bestmatch",)
    bestmatch_order: Annotated[
        tuple[Literal["a", "s"], ...],
        about("Which frame of bestmatch comes first: a is alarm, s is snapshot.", min_length=1),
    ] = ("a", "s")
    start_frame: Annotated[int, about("The first frame of all.", ge=1, le=1_000_000_000)] = 1
    frame_skip: Annotated[
        int, about("Number of frames that all skips between two.", ge=0, le=100_000)
    ] = 9
    max_frames: Annotated[int, about("Maximum number of frames of one event.", ge=1, le=1000)] = 20
    prefer_event_folder: Annotated[
        bool,
        about(
            "Read frames from the event's folder if it is readable; only frames that are "
            "not there are requested from the portal."
        ),
    ] = True
    wait: Annotated[
        float, about("Seconds to wait before the first frame is fetched.", ge=0, le=300)
    ] = 0.0
    max_attempts: Annotated[int, about("How often one frame is requested.", ge=1, le=100)] = 5
    sleep_between_attempts: Annotated[
        float, about("Seconds between two attempts.", ge=0, le=60)
    ] = 1.0
    portal_timeout: Annotated[
        float, about("Maximum number of seconds for one request to the portal.", gt=0, le=120)
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
            "Reduce wider pictures to this width in pixels before the models run. Boxes "
            "always refer to the original.",
        ),
    ] = None
    reduced_decoding: Annotated[
        bool,
        about(
            "Decode a large JPEG at half its size where the YOLO network gets the same pixels "
            "of it, such as 3840x2160 for an input of 640. Other models, crops and saved "
            "pictures use the full picture."
        ),
    ] = True
    image_path: Annotated[str, about("Folder for frames that are kept.")] = f"{BASE}/images"
    delete_after_analyze: Annotated[bool, about("no keeps each fetched frame in image_path.")] = (
        True
    )

    show_percent: Annotated[bool, about("Print person:97% instead of person.")] = True
    show_models: Annotated[bool, about("Print the model before the label: (yolo) person.")] = False
    show_frame_match_type: Annotated[
        bool,
        about(
            "Begin the detection string with [s] (snapshot), [a] (alarm) or [x] (another frame)."
        ),
    ] = True
    show_camera_frame: Annotated[
        bool,
        about(
            "Name a best snapshot [m] and track. no: [s] and snapshot, which notification "
            "servers and ZoneMinder know; otherwise fid=BESTMATCH finds no picture."
        ),
    ] = False
    json_format: Annotated[
        Literal["v6", "v5"],
        about(
            "Format of the JSON after --SPLIT-- and in objects.json. v6: an object of "
            "lists. v5: a list of objects."
        ),
    ] = "v6"

    write_image_to_zm: Annotated[
        bool, about("Write objdetect.jpg and objects.json into the event's folder.")
    ] = True
    write_image_width: Annotated[
        int,
        about(
            "Reduce objdetect.jpg to this width in pixels if it is wider; 0 keeps the size. Boxes "
            "in objects.json always refer to the original.",
            ge=0,
            le=20_000,
        ),
    ] = 0
    write_notes: Annotated[
        bool,
        about(
            "Write the detection into the event's notes. A notification server does that "
            "itself; use this when ZoneMinder calls zm_event_start.sh."
        ),
    ] = False
    tag_detected_objects: Annotated[
        bool, about("Tag the event with the labels. Needs ZoneMinder 1.37.44 or newer.")
    ] = False
    write_debug_image: Annotated[
        bool,
        about(
            "Write <eid>-<frame>-debug.jpg into image_path, with dropped detections and the"
            " reasons."
        ),
    ] = False
    poly_color: Annotated[
        Colour, about("Colour of zones in pictures: (blue,green,red), each 0 to 255.")
    ] = Colour(127, 140, 141)
    poly_thickness: Annotated[
        int, about("Line width of zones in pictures, in pixels.", ge=1, le=50)
    ] = 2
