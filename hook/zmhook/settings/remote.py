"""`[remote]`: remote inference servers."""

from typing import Annotated, Literal

from zmhook.settings.section import Secret, Section, about


class Remote(Section, frozen=True, kw_only=True):
    """Models on a remote server: zmhook, mlapi or pyzm.serve. Everything else stays here."""

    ml_gateway: Annotated[
        tuple[str, ...],
        about(
            "Addresses of remote servers, such as http://gpu.lan:5000/api/v1, separated by "
            "commas. The least busy one that is reachable is used, and the next when it "
            "fails. Empty: none.",
            form="addresses",
        ),
    ] = ()
    ml_user: Annotated[str, about("User there.")] = ""
    ml_password: Annotated[Secret, about("Password of that user.")] = Secret()
    ml_timeout: Annotated[
        float, about("Maximum number of seconds for one request.", gt=0, le=300)
    ] = 15.0
    ml_fallback_local: Annotated[bool, about("Run the models here when no server answers.")] = False
    ml_gateway_mode: Annotated[
        Literal["image", "url"],
        about(
            "image: send the picture. url: send its address at the portal; the server "
            "fetches it (it must be able to)."
        ),
    ] = "image"
    ml_verify: Annotated[bool, about("Verify the certificates of https addresses.")] = True
