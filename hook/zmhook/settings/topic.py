"""`[mqtt-topic-NAME]`: what is known about the messages of one topic."""

from typing import Annotated

from zmhook.settings.section import Section, about


class Topic(Section, frozen=True, kw_only=True):
    """One topic: whose messages come there."""

    name: str = ""
    topic: Annotated[
        str,
        about(
            "The topic; + and # stand for any part, {monitor} for a monitor's number, {camera} "
            "for a camera's name.",
            form="topic",
        ),
    ] = ""
    monitor: Annotated[
        int,
        about("Number of the ZoneMinder monitor that shows this camera. 0: none.", ge=0),
    ] = 0
    camera: Annotated[str, about("The camera's name. Empty: the section's NAME.")] = ""
    channel: Annotated[
        int,
        about(
            "Only messages of this channel of the camera (channel_id); each may have its own "
            "section with the same topic. -1: of any.",
            ge=-1,
        ),
    ] = -1
    clock_offset: Annotated[
        float,
        about(
            "Seconds that this camera's clock is ahead of ours. 0: snapshot_clock_offset.",
            ge=-86400,
            le=86400,
        ),
    ] = 0.0


class Prompt(Section, frozen=True, kw_only=True):
    """One question of `[gemini-prompts]`, and the labels that it is asked about."""

    labels: tuple[str, ...]
    text: str
