"""Check ZoneMinder's portal: whether it is one, its login, its API, and its clock."""

from __future__ import annotations

import tempfile
import time
from contextlib import closing, contextmanager
from email.utils import parsedate_to_datetime
from functools import partial
from typing import TYPE_CHECKING

from msgspec import structs

from zmhook.doctor import certificates
from zmhook.doctor.finding import Check, Finding, fault, ok, single, unchecked, warning
from zmhook.errors import LoginError, PortalError
from zmhook.net.http import HttpClient
from zmhook.net.http_problem import HttpProblem, proxy_of
from zmhook.zoneminder.api import Portal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zmhook.doctor.patient import Patient
    from zmhook.settings import General

GROUP = "ZoneMinder"
LONGEST = 8.0
"""Seconds that one request may take, whatever the settings say."""
CLOCK_SECONDS = 5.0
"""Seconds that two clocks may differ."""
_PAGE = 1 << 20
USERS = "ZoneMinder's page Options, Users"


def checks(patient: Patient) -> list[Check]:
    planned = []
    for where, settings in patient.distinct(lambda each: _identity(each.general)):
        general = settings.general
        if not general.portal and patient.is_broken:  # it may be what is wrong, and is reported
            continue
        planned.append(Check(GROUP, "portal", partial(_portal, patient, general, where)))
        server = certificates.server_of(general.portal)
        if server and not proxy_of(general.portal):
            planned.append(Check(GROUP, "certificate", partial(single, _certificate, server)))
    return planned


def _identity(general: General) -> object:
    return (general.portal, general.api_portal, general.user, general.basic_user)


def _certificate(server: certificates.Server) -> Finding:
    cure = (
        f"renew it on {server.host}, such as: sudo certbot renew && sudo systemctl reload apache2"
    )
    return certificates.check(server, cure)


@contextmanager
def visiting(general: General) -> Iterator[General]:
    """Yield settings with which a login is made anew, and left nowhere."""
    with tempfile.TemporaryDirectory(prefix="zmhook-") as folder:
        timeout = min(LONGEST, general.portal_timeout)
        yield structs.replace(general, base_data_path=folder, portal_timeout=timeout)


def _portal(patient: Patient, general: General, where: str) -> Iterator[Finding]:
    if not general.portal:
        text = "[general] portal is not set: frames come only from event folders on this machine"
        cure = f"set ZM_PORTAL in the secrets file of {patient.path}"
        yield unchecked(f"portal{where}", text, cure)
        return
    answers = _answers(patient, general, f"portal{where}")
    yield answers
    if answers.state == "fault":
        return
    yield from _login(patient, general, f"login{where}")
    yield from _clock(general, f"clock{where}")


# -- is it ZoneMinder ------------------------------------------------------------------------------


def _answers(patient: Patient, general: General, name: str) -> Finding:
    """Ask for the version without a login: only ZoneMinder says what it says then."""
    anonymous = structs.replace(general, user="")
    try:
        with visiting(anonymous) as visitor, closing(Portal(visitor)) as portal:
            version = portal.json("host/getVersion.json", "its version").get("version", "")
    except LoginError as error:
        if "WWW-Authenticate" in str(error) or "basic_user" in str(error):
            return fault(name, str(error), _edit(patient, "basic_user and basic_password"))
        return ok(name, f"{general.portal} is ZoneMinder, and asks for a login")
    except PortalError as error:
        if error.status is None:
            return fault(name, str(error), f"try it: curl -kI {general.portal}")
        text = f"what answers at {general.portal} is not ZoneMinder's API: {error}"
        return fault(name, text, _edit(patient, "portal, such as http://127.0.0.1/zm"))
    return ok(name, f"{general.portal} is ZoneMinder {version}, without a login")


def _edit(patient: Patient, what: str) -> str:
    return f"set {what} (in {patient.path}, or its secrets file)"


# -- login -----------------------------------------------------------------------------------------


def _login(patient: Patient, general: General, name: str) -> Iterator[Finding]:
    if not general.user:
        yield from _without_user(patient, general, name)
        return
    try:
        with visiting(general) as visitor, closing(Portal(visitor)) as portal:
            version = portal.json("host/getVersion.json", "its version").get("version", "?")
    except LoginError as error:
        yield fault(name, str(error), _login_cure(patient, str(error)))
    else:
        yield ok(name, f"user {general.user} is logged in; the API of ZoneMinder {version} works")


def _login_cure(patient: Patient, text: str) -> str:
    if "API disabled" in text:
        return f"{USERS}: set API Enabled for this user"
    if "API Disabled" in text:
        return "ZoneMinder's page Options, System: switch OPT_USE_API on"
    return _edit(patient, "user and password") + f", or a new password on {USERS}"


def _without_user(patient: Patient, general: General, name: str) -> Iterator[Finding]:
    try:
        with visiting(general) as visitor, closing(Portal(visitor)) as portal:
            portal.json("host/getVersion.json", "its version")
    except LoginError:
        text = "ZoneMinder asks for a login, and [general] user is empty"
        yield fault(name, text, _edit(patient, "user and password"))
    else:
        yield ok(name, "ZoneMinder runs without authentication")


# -- clock -----------------------------------------------------------------------------------------


def _clock(general: General, name: str) -> Iterator[Finding]:
    """Compare this machine's clock with that of ZoneMinder's web server."""
    verify = not general.allow_self_signed
    try:
        with HttpClient(limit=_PAGE, verify=verify, compressed=True) as client:
            response = client.request("GET", general.portal, min(LONGEST, general.portal_timeout))
        header = response.headers.get("Date", "")
        ahead = time.time() - parsedate_to_datetime(header).timestamp()
    except (HttpProblem, TypeError, ValueError):
        yield unchecked(name, "ZoneMinder's web server does not tell its time")
        return
    if abs(ahead) > CLOCK_SECONDS:
        direction = "ahead of" if ahead > 0 else "behind"
        text = f"this machine's clock is {abs(ahead):.0f} s {direction} ZoneMinder's"
        yield warning(name, text, "sudo timedatectl set-ntp true (on both machines)")
    else:
        yield ok(name, "this machine's clock and that of ZoneMinder's web server agree")
