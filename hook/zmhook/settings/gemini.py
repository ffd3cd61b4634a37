"""`[gemini]`: a model in the cloud, or a large one at home, that describes what is seen."""

from typing import Annotated, Literal

from zmhook.settings.section import Section, about
from zmhook.settings.values import Secret


class Gemini(Section, frozen=True, kw_only=True):
    """A model that describes what is seen: Google's Gemini, or one that you run yourself."""

    gemini_backend: Annotated[
        Literal["gemini", "openai"],
        about(
            "gemini: Google's service. openai: anything that speaks the OpenAI API, such as "
            "Ollama, llama.cpp or vLLM at gemini_url: pictures stay where that runs."
        ),
    ] = "gemini"
    gemini_key: Annotated[
        Secret,
        about(
            "API key. Empty: the environment's GEMINI_API_KEY; openai may need none.", form="key"
        ),
    ] = Secret()
    gemini_model: Annotated[str, about("Name of the model.")] = "gemini-3.5-flash-lite"
    gemini_url: Annotated[
        str,
        about(
            "Address to ask instead of Google's; for openai its base, such as "
            "http://127.0.0.1:11434/v1.",
            form="address",
        ),
    ] = ""
    gemini_api_version: Annotated[
        str, about("Version of Gemini's API, such as v1 or v1beta. Empty: the library's own.")
    ] = ""
    gemini_timeout: Annotated[
        float,
        about(
            "Seconds that one question may take. Google refuses to be given less than 10, so it is "
            "told 10 and not waited for that long.",
            ge=1,
            le=600,
        ),
    ] = 20.0
    gemini_after: Annotated[
        tuple[str, ...],
        about(
            "As one of models: it is asked only when one of these labels was found. any: when "
            "anything was; always: about every picture.",
            min_length=1,
            form="labels",
        ),
    ] = ("any",)
    gemini_look_at: Annotated[
        Literal["crops", "frame"],
        about("crops: what was found, each cut out of the picture. frame: the whole picture."),
    ] = "crops"
    gemini_max_crops: Annotated[
        int, about("How many crops of one picture it is asked about.", ge=1, le=20)
    ] = 3
    gemini_gates: Annotated[
        Literal["no", "confirm", "veto"],
        about(
            "no: it only describes. veto: what it calls no alarm is dropped. confirm: only what "
            "it calls an alarm is kept. What it could not be asked about is kept."
        ),
    ] = "no"
    gemini_prompt: Annotated[
        str,
        about(
            "What is asked about labels for which neither [gemini-prompts] nor zmhook has a "
            "question. {label} {monitor} {camera} {colours} and {time} are put in. The label of a "
            "whole picture is scene."
        ),
    ] = "Describe this {label} in one short sentence: what it looks like, what it does."
    gemini_context: Annotated[
        str,
        about("Added to every question, such as: The camera looks at our drive from above."),
    ] = ""
    gemini_per_minute: Annotated[
        int, about("Questions that may be asked in a minute. 0: any number.", ge=0, le=10_000)
    ] = 10
    gemini_per_day: Annotated[
        int,
        about("Questions that may be asked in a day (24 hours). 0: any number.", ge=0),
    ] = 200
    gemini_store: Annotated[
        bool, about("Let Google keep the questions in your project's logs.")
    ] = False
    gemini_blur_faces: Annotated[
        bool, about("Blur faces before a picture leaves this machine. Needs YuNet's model file.")
    ] = False
    gemini_max_size: Annotated[
        int,
        about("Longest side in pixels that a picture is reduced to before.", ge=64, le=8192),
    ] = 1024


class Prompt(Section, frozen=True, kw_only=True):
    """One question of `[gemini-prompts]`, and the labels that it is asked about."""

    labels: tuple[str, ...]
    text: str
