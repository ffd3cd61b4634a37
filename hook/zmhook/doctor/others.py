"""Check what answers over the network: remote servers, large models, plate services, channels."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from zmhook.detectors.base import REMOTE
from zmhook.doctor import certificates, trials
from zmhook.doctor.finding import Check, Finding, fault, ok, single, unchecked, warning
from zmhook.errors import ZmhookError
from zmhook.net.http import HttpClient, authorization, bearer
from zmhook.net.http_problem import HttpProblem
from zmhook.net.urls import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zmhook.doctor.patient import Patient
    from zmhook.doctor.trials import Trial
    from zmhook.net.http import Auth
    from zmhook.settings import Alpr, Gemini

REMOTES, SERVICES, CHANNELS = "Remote servers", "Describing and plates", "Notifications"
SECONDS = 8.0
_LIMIT = 1 << 20
_OK, _REFUSED = 200, (401, 403)
GOOGLE = "https://generativelanguage.googleapis.com"


def checks(patient: Patient) -> list[Check]:
    return [*_remotes(patient), *_services(patient), *_channels(patient)]


# -- remote servers --------------------------------------------------------------------------------


def _remotes(patient: Patient) -> Iterator[Check]:
    for trial in _trials(patient, "gateway"):
        yield Check(REMOTES, trial.name, partial(single, _tried, trial, _remote_cure(patient)))
    addresses = {address for each in patient.everybody() for address in each.remote.ml_gateway}
    for address in sorted(addresses):
        if server := certificates.server_of(address):
            dates = partial(single, certificates.check, server, f"renew it on {server.host}")
            yield Check(REMOTES, "certificate", dates)


def _remote_cure(patient: Patient) -> str:
    models = ", ".join(sorted(REMOTE & {*patient.settings.general.models}))
    status = patient.command("remote status")
    if all(each.remote.ml_fallback_local for each in patient.everybody() if each.remote.ml_gateway):
        return f"{status}; meanwhile {models} run here (ml_fallback_local)"
    return f"{status}; meanwhile ml_fallback_local = yes runs {models} here"


def _trials(patient: Patient, kind: str) -> list[Trial]:
    every = trials.trials(patient.config, patient.overrides)
    return [trial for trial in every if trial.name.startswith(kind)]


def _tried(trial: Trial, cure: str) -> Finding:
    try:
        return ok(trial.name, trial.run())
    except ZmhookError as error:
        return fault(trial.name, str(error), cure)


# -- large models and plates -----------------------------------------------------------------------


def _services(patient: Patient) -> Iterator[Check]:
    everybody = patient.everybody()
    if any("gemini" in each.general.models for each in everybody):
        for where, settings in patient.distinct(lambda each: each.gemini):
            ask = partial(single, _large_model, settings.gemini, f"model{where}")
            yield Check(SERVICES, "model", ask)
    if any("alpr" in each.general.models for each in everybody):
        for where, settings in patient.distinct(lambda each: each.alpr):
            if settings.alpr.alpr_service != "local":
                ask = partial(single, _plates, settings.alpr, f"plates{where}")
                yield Check(SERVICES, "plates", ask)


def _large_model(gemini: Gemini, name: str) -> Finding:
    """Ask what the service knows of the model, which costs nothing."""
    from zmhook.describe.describer import flaw_of, key_for

    key = key_for(gemini)
    if flaw := flaw_of(gemini):
        return fault(name, flaw, "copy the key again, into the secrets file")
    if gemini.gemini_backend == "openai":
        address = f"{gemini.gemini_url.rstrip('/')}/models"
        return _asked(name, address, bearer(key), f"has {gemini.gemini_model}", gemini.gemini_model)
    if not key:
        return fault(name, "there is no key: [gemini] gemini_key is empty", "set gemini_key")
    base = gemini.gemini_url.rstrip("/") or GOOGLE
    version = gemini.gemini_api_version or "v1beta"
    address = f"{base}/{version}/models/{gemini.gemini_model}"
    return _asked(name, address, _google(key), f"knows {gemini.gemini_model}", gemini.gemini_model)


def _google(key: str) -> Auth:
    def sign(request):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202 - of requests
        request.headers["x-goog-api-key"] = key
        return request

    return sign


def _plates(alpr: Alpr, name: str) -> Finding:
    from zmhook.detectors.alpr.services.plate_recognizer import READER, reader_url

    if alpr.alpr_service == "plate_recognizer" and alpr.alpr_api_type != "local":
        token = authorization(f"Token {alpr.alpr_key.reveal()}")
        address = f"{reader_url(alpr).removesuffix(READER)}/statistics/"
        return _asked(name, address, token, "accepts the key", "")
    return unchecked(name, f"{alpr.alpr_service} has no question that is free", "--paid asks one")


def _asked(name: str, address: str, auth: Auth, good: str, word: str) -> Finding:
    try:
        with HttpClient(limit=_LIMIT) as client:
            response = client.request("GET", address, SECONDS, auth=auth)
    except HttpProblem as problem:
        return fault(name, str(problem), f"does it run? curl -I {shown(address)}")
    if response.status in _REFUSED:
        text = f"{response.address}: refuses the key (status {response.status})"
        return fault(name, text, "copy the key again, into the secrets file")
    if response.status != _OK:
        text = f"{response.address}: answers with status {response.status}"
        return fault(name, text, "check the address and the model's name")
    if word and word.encode() not in response.body:
        text = f"{response.address}: does not name the model {word}"
        return warning(name, text, f"check gemini_model, or fetch it there (ollama pull {word})")
    return ok(name, f"{response.address} {good}")


# -- notifications ---------------------------------------------------------------------------------


def _channels(patient: Patient) -> Iterator[Check]:
    for trial in _trials(patient, "apprise"):
        cure = "correct [notify] notify_apprise"
        yield Check(CHANNELS, trial.name, partial(single, _tried, trial, cure))
    for where, settings in patient.distinct(lambda each: each.notify.notify_webhook):
        address = settings.notify.notify_webhook.reveal()
        if address:
            yield Check(CHANNELS, "webhook", partial(single, _webhook, address, f"webhook{where}"))


def _webhook(address: str, name: str) -> Finding:
    """Connect and ask for nothing but the head: an alarm would be a POST."""
    try:
        with HttpClient(limit=None) as client:
            client.request("HEAD", address, SECONDS)
    except HttpProblem as problem:
        text = f"[notify] notify_webhook: {problem.with_advice({})}"
        return fault(name, text, "check the address, and whether the server runs")
    return ok(name, "its server answers; --send sends a test message")
