"""`[gemini]`: descriptions by a large model."""

from typing import Annotated, Literal

from zmhook.settings.section import Secret, Section, about


class Gemini(Section, frozen=True, kw_only=True):
    """A large model that describes detections: Google's Gemini, or one that you run yourself."""

    gemini_backend: Annotated[
        Literal["gemini", "openai"],
        about(
            "gemini: Google's service. openai: any server with the OpenAI API at "
            "gemini_url, such as Ollama, llama.cpp or vLLM; pictures stay where it runs."
        ),
    ] = "gemini"
    gemini_key: Annotated[
        Secret,
        about(
            "API key. Empty: GEMINI_API_KEY of the environment; openai may need none.", form="key"
        ),
    ] = Secret()
    gemini_model: Annotated[str, about("Name of the model.")] = "gemini-3.5-flash-lite"
    gemini_url: Annotated[
        str,
        about(
            "Address instead of Google's; for openai the base address, such as "
            "http://127.0.0.1:11434/v1.",
            form="address",
        ),
    ] = ""
    gemini_api_version: Annotated[
        str, about("Version of Gemini's API, such as v1 or v1beta. Empty: the library's default.")
    ] = ""
    gemini_timeout: Annotated[
        float,
        about(
            "Maximum number of seconds for one request. Google accepts no time-out below "
            "10: zmhook then sends 10, but waits no longer than this.",
            ge=1,
            le=600,
        ),
    ] = 20.0
    gemini_after: Annotated[
        tuple[str, ...],
        about(
            "Ask only when one of these labels was found. any: any detection; always: every"
            " frame, even without detections.",
            min_length=1,
            form="labels",
        ),
    ] = ("any",)
    gemini_input: Annotated[
        Literal["crops", "frame"],
        about("crops: each detection, cropped. frame: the whole picture."),
    ] = "crops"
    gemini_max_crops: Annotated[
        int, about("Maximum number of crops of one picture to ask about.", ge=1, le=20)
    ] = 3
    gemini_gates: Annotated[
        Literal["no", "confirm", "veto"],
        about(
            "no: the model only describes. veto: drop what it calls no alarm. confirm: keep"
            " only what it calls an alarm. Detections without an answer are kept."
        ),
    ] = "no"
    gemini_prompt: Annotated[
        str,
        about(
            "The prompt for labels that have none in [gemini-prompts] or in zmhook. {label}"
            " {monitor} {camera} {colours} and {time} are replaced. The label of a whole "
            "picture is scene."
        ),
    ] = "Describe this {label} in one short sentence: what it looks like, what it does."
    gemini_context: Annotated[
        str,
        about("Added to every prompt, such as: The camera looks at our drive from above."),
    ] = ""
    gemini_per_minute: Annotated[
        int, about("Maximum number of requests in a minute. 0: no limit.", ge=0, le=10_000)
    ] = 10
    gemini_per_day: Annotated[
        int,
        about("Maximum number of requests in 24 hours. 0: no limit.", ge=0),
    ] = 200
    gemini_store: Annotated[bool, about("Let Google keep the requests in your project's logs.")] = (
        False
    )
    gemini_blur_faces: Annotated[
        bool, about("Blur faces before a picture leaves this machine. Needs YuNet's model file.")
    ] = False
    gemini_max_size: Annotated[
        int,
        about(
            "Reduce the longest side of a picture to this many pixels before it is sent.",
            ge=64,
            le=8192,
        ),
    ] = 1024


class Prompt(Section, frozen=True, kw_only=True):
    """One prompt of `[gemini-prompts]`, and its labels."""

    labels: tuple[str, ...]
    text: str
