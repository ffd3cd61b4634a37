"""`[alpr]`: number plates."""

from typing import Annotated, Literal

from zmhook.settings.section import BASE, Fraction, Secret, Section, about


class Alpr(Section, frozen=True, kw_only=True):
    """Number plates, read on this machine, by a program, or by a service."""

    alpr_service: Annotated[
        Literal["local", "plate_recognizer", "open_alpr", "open_alpr_cmdline"],
        about(
            "The plate reader. local: models on this machine (part alpr). plate_recognizer,"
            " open_alpr: the services of these names. open_alpr_cmdline: a program."
        ),
    ] = "local"
    alpr_url: Annotated[
        str,
        about("Address of the service. Empty: its cloud.", form="address"),
    ] = ""
    alpr_key: Annotated[Secret, about("Token or key of the service.", form="key")] = Secret()
    alpr_api_type: Annotated[
        Literal["cloud", "local"],
        about("plate_recognizer: its cloud, or its SDK on your own machine (alpr_url)."),
    ] = "cloud"
    alpr_timeout: Annotated[
        float,
        about("Maximum number of seconds for one request to a service or program.", gt=0, le=300),
    ] = 10.0
    alpr_per_month: Annotated[
        int,
        about(
            "Maximum number of requests to a service in a calendar month. 0: no limit. "
            "Plate Recognizer has 2500 free look-ups.",
            ge=0,
        ),
    ] = 2500
    alpr_use_after_detection_only: Annotated[
        bool,
        about("Run only when a label of alpr_pre_existing_labels was found. no: on every frame."),
    ] = True
    alpr_pre_existing_labels: Annotated[
        tuple[str, ...],
        about("Labels of objects that have plates.", min_length=1, form="labels"),
    ] = ("car", "motorcycle", "motorbike", "bus", "truck", "boat", "van")
    alpr_input: Annotated[
        Literal["crops", "frame"],
        about("crops: each vehicle, cropped. frame: the whole picture, once."),
    ] = "crops"
    alpr_max_crops: Annotated[
        int, about("Maximum number of vehicles to read in one picture.", ge=1, le=50)
    ] = 4
    alpr_max_size: Annotated[
        int,
        about(
            "Reduce the longest side of a picture to this many pixels for a service.",
            ge=200,
            le=8192,
        ),
    ] = 1600

    platerec_regions: Annotated[
        tuple[str, ...],
        about("Plate Recognizer: expected regions, such as de, us-ca.", form="labels"),
    ] = ()
    platerec_stats: Annotated[
        bool, about("Plate Recognizer: log the remaining look-ups at each start.")
    ] = False
    platerec_min_dscore: Annotated[
        Fraction, about("Plate Recognizer: minimum confidence that there is a plate.")
    ] = 0.3
    platerec_min_score: Annotated[
        Fraction, about("Plate Recognizer: minimum confidence of the text.")
    ] = 0.5
    platerec_payload: Annotated[
        str,
        about("Plate Recognizer: further fields of the request, as a JSON object.", form="json"),
    ] = ""
    platerec_config: Annotated[
        str, about("Plate Recognizer: its engine configuration, as a JSON object.", form="json")
    ] = ""

    openalpr_recognize_vehicle: Annotated[
        bool, about("OpenALPR: also request make, model and colour.")
    ] = False
    openalpr_country: Annotated[str, about("OpenALPR: country of the plates.")] = "us"
    openalpr_state: Annotated[str, about("OpenALPR: state or region of the plates.")] = ""
    openalpr_min_confidence: Annotated[
        Fraction, about("OpenALPR: minimum confidence of a plate.")
    ] = 0.3

    openalpr_cmdline_binary: Annotated[str, about("open_alpr_cmdline: the program.")] = "alpr"
    openalpr_cmdline_params: Annotated[
        str, about("Its arguments; the picture's file comes last. No shell reads them.")
    ] = "-j"
    openalpr_cmdline_min_confidence: Annotated[
        Fraction, about("open_alpr_cmdline: minimum confidence of a plate.")
    ] = 0.3

    plate_detector: Annotated[
        str,
        about(
            "local: ONNX file that finds plates. Empty: the lower half of each vehicle is searched."
        ),
    ] = f"{BASE}/models/plate_detector/plate_detector.onnx"
    plate_ocr: Annotated[str, about("local: ONNX file that reads plates.")] = (
        f"{BASE}/models/plate_ocr/plate_ocr.onnx"
    )
    plate_min_confidence: Annotated[Fraction, about("local: minimum confidence of a plate.")] = 0.6

    plate_formats: Annotated[
        tuple[str, ...],
        about(
            "Allowed formats of a plate's text, as regular expressions separated by "
            "semicolons, such as [A-Z]{1,3}[A-Z]{1,2}[0-9]{1,4}. Other plates are dropped. "
            "Empty: all.",
            form="patterns",
        ),
    ] = ()
    plate_off_by_one: Annotated[
        bool,
        about(
            "A plate that differs by one character from one of [known-plates] counts as that plate."
        ),
    ] = False
