"""`[animation]`: a short film of the event, made after the answer."""

from typing import Annotated, Literal

from zmhook.settings.section import Section, about


class Animation(Section, frozen=True, kw_only=True):
    """A short animation of the event, made in the background after the answer."""

    create_animation: Annotated[
        bool, about("Write objdetect.mp4 and objdetect.gif into the event's folder.")
    ] = False
    animation_types: Annotated[
        tuple[Literal["mp4", "gif"], ...], about("Which of the two.", min_length=1)
    ] = ("mp4",)
    animation_width: Annotated[int, about("Width in pixels.", ge=32, le=3840)] = 640
    animation_retry_sleep: Annotated[
        float, about("Seconds between two attempts to get the event's frames.", ge=0, le=300)
    ] = 15.0
    animation_max_tries: Annotated[int, about("Maximum number of attempts.", ge=1, le=100)] = 3
    fast_gif: Annotated[bool, about("Let the GIF run at twice the speed.")] = False
