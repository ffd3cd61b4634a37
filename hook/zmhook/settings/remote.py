"""`[remote]`: models on another machine."""

from typing import Annotated, Literal

from zmhook.settings.section import Section, about
from zmhook.settings.values import Secret


class Remote(Section, frozen=True, kw_only=True):
    """Models on another machine: zmhook there, mlapi or pyzm.serve. All else stays here."""

    ml_gateway: Annotated[
        tuple[str, ...],
        about(
            "Addresses of the machines, such as http://gpu.lan:5000/api/v1; commas between them. "
            "The least busy that is well is asked, and the next when it fails. Empty: none.",
            form="addresses",
        ),
    ] = ()
    ml_user: Annotated[str, about("User there.")] = ""
    ml_password: Annotated[Secret, about("Password of that user.")] = Secret()
    ml_timeout: Annotated[float, about("Seconds that one question may take.", gt=0, le=300)] = 15.0
    ml_fallback_local: Annotated[bool, about("Look here when no other machine answers.")] = False
    ml_gateway_mode: Annotated[
        Literal["image", "url"],
        about(
            "image: the picture is sent. url: its address at the portal is, and the other machine "
            "fetches it (it must be able to)."
        ),
    ] = "image"
    ml_verify: Annotated[bool, about("Check the certificates of https addresses.")] = True
