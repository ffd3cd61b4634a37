"""`[alpr]`: number plates."""

from typing import Annotated, Literal

from zmhook.settings.section import BASE, Fraction, Section, about
from zmhook.settings.values import Secret


class Alpr(Section, frozen=True, kw_only=True):
    """Number plates: read on this machine, by a program, or by a service that is asked."""

    alpr_service: Annotated[
        Literal["local", "plate_recognizer", "open_alpr", "open_alpr_cmdline"],
        about(
            "Who reads. local: models on this machine (zmhook[alpr]). plate_recognizer, open_alpr: "
            "the services of these names. open_alpr_cmdline: a program."
        ),
    ] = "local"
    alpr_url: Annotated[
        str,
        about("Address of the service. Empty: its own in the cloud.", form="address"),
    ] = ""
    alpr_key: Annotated[Secret, about("Token or key of the service.", form="key")] = Secret()
    alpr_api_type: Annotated[
        Literal["cloud", "local"],
        about("plate_recognizer: its cloud, or its SDK on a machine of yours (alpr_url)."),
    ] = "cloud"
    alpr_timeout: Annotated[
        float, about("Seconds that one question to a service or program may take.", gt=0, le=300)
    ] = 10.0
    alpr_per_month: Annotated[
        int,
        about(
            "Questions that a service may be asked in a calendar month. 0: any number. Plate "
            "Recognizer gives 2500 for nothing.",
            ge=0,
        ),
    ] = 2500
    alpr_use_after_detection_only: Annotated[
        bool,
        about("Look only where one of alpr_pre_existing_labels was found. no: at every picture."),
    ] = True
    alpr_pre_existing_labels: Annotated[
        tuple[str, ...],
        about("Labels of what has plates.", min_length=1, form="labels"),
    ] = ("car", "motorcycle", "motorbike", "bus", "truck", "boat", "van")
    alpr_look_at: Annotated[
        Literal["crops", "frame"],
        about("crops: each vehicle, cut out of the picture. frame: the whole picture, once."),
    ] = "crops"
    alpr_max_crops: Annotated[
        int, about("How many vehicles of one picture are looked at.", ge=1, le=50)
    ] = 4
    alpr_max_size: Annotated[
        int,
        about(
            "Longest side in pixels that a picture is reduced to for a service.", ge=200, le=8192
        ),
    ] = 1600

    platerec_regions: Annotated[
        tuple[str, ...],
        about("Plate Recognizer: regions to expect, such as de, us-ca.", form="labels"),
    ] = ()
    platerec_stats: Annotated[
        bool, about("Plate Recognizer: log how many look-ups are left, at each start.")
    ] = False
    platerec_min_dscore: Annotated[
        Fraction, about("Plate Recognizer: a plate found with less confidence is dropped.")
    ] = 0.3
    platerec_min_score: Annotated[
        Fraction, about("Plate Recognizer: a text read with less confidence is dropped.")
    ] = 0.5
    platerec_payload: Annotated[
        str,
        about("Plate Recognizer: further fields of the request, as a JSON object.", form="json"),
    ] = ""
    platerec_config: Annotated[
        str, about("Plate Recognizer: its engine configuration, as a JSON object.", form="json")
    ] = ""

    openalpr_recognize_vehicle: Annotated[
        bool, about("OpenALPR: ask for make, model and colour too.")
    ] = False
    openalpr_country: Annotated[str, about("OpenALPR: country of the plates.")] = "us"
    openalpr_state: Annotated[str, about("OpenALPR: state or region of the plates.")] = ""
    openalpr_min_confidence: Annotated[
        Fraction, about("OpenALPR: a plate read with less confidence is dropped.")
    ] = 0.3

    openalpr_cmdline_binary: Annotated[str, about("The program that reads.")] = "alpr"
    openalpr_cmdline_params: Annotated[
        str, about("Its arguments; the picture's file comes last. No shell reads them.")
    ] = "-j"
    openalpr_cmdline_min_confidence: Annotated[
        Fraction, about("A plate that it read with less confidence is dropped.")
    ] = 0.3

    plate_detector: Annotated[
        str,
        about("local: ONNX file that finds plates. Empty: the lower half of a vehicle is read."),
    ] = f"{BASE}/models/plate_detector/plate_detector.onnx"
    plate_ocr: Annotated[str, about("local: ONNX file that reads them.")] = (
        f"{BASE}/models/plate_ocr/plate_ocr.onnx"
    )
    plate_min_confidence: Annotated[
        Fraction, about("local: a plate read with less confidence is dropped.")
    ] = 0.6

    plate_formats: Annotated[
        tuple[str, ...],
        about(
            "Forms that a plate's text may have, as regular expressions with semicolons between "
            "them, such as [A-Z]{1,3}[A-Z]{1,2}[0-9]{1,4}. Others are dropped. Empty: any.",
            form="patterns",
        ),
    ] = ()
    plate_off_by_one: Annotated[
        bool, about("Take a plate that differs by one character from one of [known-plates] for it.")
    ] = False
