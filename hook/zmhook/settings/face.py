"""`[face]`: face detection and recognition."""

from typing import Annotated, Literal

from zmhook.settings.section import BASE, Fraction, Section, about


class Face(Section, frozen=True, kw_only=True):
    """Faces, found and compared with those of known people."""

    face_model: Annotated[
        Literal["hog", "cnn", "yunet"],
        about(
            "How to find faces in a frame. hog: fast. cnn: thorough, and slow without a "
            "GPU. yunet: fast and thorough; needs its file (face_yunet_model)."
        ),
    ] = "hog"
    face_train_model: Annotated[
        Literal["hog", "cnn", "yunet"],
        about("How to find faces in the pictures of known people, for training."),
    ] = "hog"
    face_yunet_model: Annotated[str, about("YuNet's ONNX file.")] = (
        f"{BASE}/models/yunet/face_detection_yunet_2023mar.onnx"
    )
    face_min_confidence: Annotated[
        Fraction, about("yunet: minimum confidence that something is a face.")
    ] = 0.7
    face_upsample_times: Annotated[
        int,
        about(
            "hog and cnn: how often the picture is doubled in size to find small faces.", ge=0, le=3
        ),
    ] = 1
    face_num_jitters: Annotated[
        int,
        about(
            "Number of slightly changed copies of a face to encode and average. 0 and 1: "
            "only the face itself.",
            ge=0,
            le=100,
        ),
    ] = 0
    face_max_size: Annotated[
        int,
        about(
            "Reduce the longest side of a picture to this many pixels before the search. "
            "After doubling, another limit holds: 0.8 megapixels for cnn (0.9 GB of memory,"
            " 5 s on one core), 16 for hog, 6 for yunet.",
            ge=160,
            le=8000,
        ),
    ] = 1600
    face_recog_dist_threshold: Annotated[
        float,
        about(
            "Largest distance at which a face counts as a known person. Smaller is stricter.",
            gt=0,
            le=2,
        ),
    ] = 0.6
    face_recog_knn_algo: Annotated[
        str,
        about(
            "Accepted from older files without effect: every known face is compared "
            "exactly, in less time than the search trees took."
        ),
    ] = "ball_tree"
    known_images_path: Annotated[
        str, about("Folder with one folder of pictures for each known person.")
    ] = f"{BASE}/known_faces"
    unknown_images_path: Annotated[str, about("Folder of unknown faces.")] = f"{BASE}/unknown_faces"
    unknown_face_name: Annotated[str, about("Label of unknown faces.")] = "unknown face"
    save_unknown_faces: Annotated[bool, about("Save unknown faces in unknown_images_path.")] = True
    save_unknown_faces_leeway_pixels: Annotated[
        int, about("Margin in pixels around a saved face.", ge=0, le=10_000)
    ] = 50
    unknown_faces_max_files: Annotated[
        int, about("Maximum number of saved faces; the oldest are deleted.", ge=1, le=1_000_000)
    ] = 2000
    face_pre_existing_labels: Annotated[
        tuple[str, ...],
        about("Run only when one of these labels was kept before. Empty: always.", form="labels"),
    ] = ()
    face_crop_to: Annotated[
        tuple[str, ...],
        about(
            "Run only on the crops of these labels. Empty: on the whole picture.",
            form="labels",
        ),
    ] = ()
