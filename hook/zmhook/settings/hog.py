"""`[hog]`: people, by OpenCV's built-in detector."""

from typing import Annotated

from msgspec import Meta

from zmhook.settings.section import Fraction, Section, about

Step = Annotated[int, Meta(ge=1, le=64)]
Margin = Annotated[int, Meta(ge=0, le=64)]


class Hog(Section, frozen=True, kw_only=True):
    """People, found by OpenCV's built-in detector, which needs no model file."""

    stride: Annotated[tuple[Step, Step], about("Step of the search window in pixels: (x,y).")] = (
        4,
        4,
    )
    padding: Annotated[
        tuple[Margin, Margin], about("Padding around the window in pixels: (x,y).")
    ] = (8, 8)
    scale: Annotated[float, about("Factor between two search sizes.", ge=1.01, le=2)] = 1.05
    mean_shift: Annotated[
        int, about("1 groups boxes by mean shift; 0 and -1 by overlap.", ge=-1, le=1)
    ] = -1
    hog_min_confidence: Annotated[Fraction, about("Minimum confidence of a person.")] = 0.6
    hog_nms_threshold: Annotated[
        Fraction,
        about(
            "Of two boxes that overlap more than this (IoU), the one with less confidence "
            "is removed."
        ),
    ] = 0.45
    hog_pre_existing_labels: Annotated[
        tuple[str, ...],
        about("Run only when one of these labels was kept before. Empty: always.", form="labels"),
    ] = ()
    hog_crop_to: Annotated[
        tuple[str, ...],
        about(
            "Run only on the crops of these labels. Empty: on the whole picture.",
            form="labels",
        ),
    ] = ()
