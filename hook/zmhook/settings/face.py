"""`[face]`: finding faces and telling whose they are."""

from typing import Annotated, Literal

from zmhook.settings.section import BASE, Fraction, Section, about


class Face(Section, frozen=True, kw_only=True):
    """Faces, found and compared with those of the people you know."""

    face_model: Annotated[
        Literal["hog", "cnn", "yunet"],
        about(
            "How faces are found in an event's picture. hog: fast. cnn: thorough, and slow "
            "without a GPU. yunet: fast and thorough, and needs its file (face_yunet_model)."
        ),
    ] = "hog"
    face_train_model: Annotated[
        Literal["hog", "cnn", "yunet"],
        about("How faces are found in the pictures of known people, when training."),
    ] = "hog"
    face_yunet_model: Annotated[str, about("YuNet's ONNX file.")] = (
        f"{BASE}/models/yunet/face_detection_yunet_2023mar.onnx"
    )
    face_min_confidence: Annotated[
        Fraction, about("With yunet, a face found with less confidence is not looked at.")
    ] = 0.7
    face_upsample_times: Annotated[
        int,
        about("hog and cnn: how often the picture is doubled to find small faces.", ge=0, le=3),
    ] = 1
    face_num_jitters: Annotated[
        int,
        about(
            "How many slightly changed copies of a face are encoded and averaged. 0 and 1: just "
            "the face.",
            ge=0,
            le=100,
        ),
    ] = 0
    face_max_size: Annotated[
        int,
        about(
            "Longest side in pixels that a picture is reduced to before faces are searched. What "
            "it is after doubling is bounded too, by what a model takes: 0.8 megapixels for cnn "
            "(0.9 GB of memory, 5 s on one core), 16 for hog, 6 for yunet.",
            ge=160,
            le=8000,
        ),
    ] = 1600
    face_recog_dist_threshold: Annotated[
        float,
        about(
            "A face at most this far from a known one is that person. Smaller is stricter.",
            gt=0,
            le=2,
        ),
    ] = 0.6
    face_recog_knn_algo: Annotated[
        str,
        about(
            "Accepted from older files, without effect: every known face is compared exactly, in "
            "less time than the search trees took."
        ),
    ] = "ball_tree"
    known_images_path: Annotated[
        str, about("Folder with one folder of pictures per known person.")
    ] = f"{BASE}/known_faces"
    unknown_images_path: Annotated[str, about("Folder where the faces of strangers are kept.")] = (
        f"{BASE}/unknown_faces"
    )
    unknown_face_name: Annotated[str, about("Label of a face that is near to nobody known.")] = (
        "unknown face"
    )
    save_unknown_faces: Annotated[
        bool, about("Keep the faces of strangers in unknown_images_path.")
    ] = True
    save_unknown_faces_leeway_pixels: Annotated[
        int, about("Pixels that are kept around such a face.", ge=0, le=10_000)
    ] = 50
    unknown_faces_max_files: Annotated[
        int, about("Above this number of kept faces the oldest are removed.", ge=1, le=1_000_000)
    ] = 2000
    face_pre_existing_labels: Annotated[
        tuple[str, ...],
        about(
            "It looks only when one of these labels counts already. Empty: always.", form="labels"
        ),
    ] = ()
    face_crop_to: Annotated[
        tuple[str, ...],
        about(
            "It looks only at what has one of these labels, cut out of the picture. Empty: at the "
            "whole picture.",
            form="labels",
        ),
    ] = ()
