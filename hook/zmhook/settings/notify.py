"""`[notify]`: whom to tell beside ZoneMinder's own notification server."""

import re
from typing import Annotated

from zmhook.settings.section import Section, about
from zmhook.settings.values import Secret

_BETWEEN = re.compile(r"[\s,;]+(?=[A-Za-z][A-Za-z0-9+.-]{0,40}://)|\s+")


class Notify(Section, frozen=True, kw_only=True):
    """Whom to tell of an alarm beside ZoneMinder's notification server, in the background."""

    notify_mqtt: Annotated[
        bool, about("Publish to the broker of [mqtt]: the decision, a state and the picture.")
    ] = False
    notify_mqtt_prefix: Annotated[str, about("Beginning of the topics.")] = "zmhook"
    notify_mqtt_discovery: Annotated[
        str,
        about("Home Assistant's discovery prefix: monitors show up there by themselves. no: off."),
    ] = "homeassistant"
    notify_mqtt_hold: Annotated[
        float,
        about("Seconds after an alarm after which a monitor's state is off again.", ge=1, le=86400),
    ] = 60.0
    notify_webhook: Annotated[
        Secret,
        about("Address that an alarm is posted to. A secret, since such addresses often hold one."),
    ] = Secret()
    notify_webhook_template: Annotated[
        str,
        about(
            "File with the body to post; {line} {labels} {monitor} {monitor_id} {event} {cause} "
            "{time} {url} are put in, as JSON strings. Empty: our own JSON."
        ),
    ] = ""
    notify_webhook_secret: Annotated[
        Secret, about("Key by which the body is signed (HMAC-SHA256, header X-Zmhook-Signature).")
    ] = Secret()
    notify_apprise: Annotated[
        Secret,
        about(
            "Apprise addresses between spaces or commas, such as ntfy://my-topic: over a hundred "
            "services. A secret, since they hold keys."
        ),
    ] = Secret()
    notify_title: Annotated[
        str, about("Title of a message; the same words as in the template are put in.")
    ] = "{monitor}: {labels}"
    notify_picture: Annotated[bool, about("Send the picture along where that is possible.")] = True
    notify_picture_width: Annotated[
        int, about("Width in pixels that it is reduced to before.", ge=64, le=7680)
    ] = 1280
    notify_url: Annotated[
        str,
        about(
            "Address of the event to put into messages, with {event}, {monitor_id}. Never with a "
            "password in it. Empty: the portal's page of the event."
        ),
    ] = ""
    notify_timeout: Annotated[float, about("Seconds that one attempt may take.", gt=0, le=120)] = (
        10.0
    )
    notify_max_tries: Annotated[int, about("Attempts before giving up.", ge=1, le=20)] = 4
    notify_retry_sleep: Annotated[
        float, about("Seconds before the second attempt; doubled for each one after.", ge=0, le=300)
    ] = 2.0


def addresses_of(text: str) -> list[str]:
    """Return the addresses of `notify_apprise` in their order.

    A comma divides two of them where another address follows; others belong to an address, such
    as those between the recipients of a mail.
    """
    addresses = (part.strip(",;") for part in _BETWEEN.split(text))
    return [address for address in addresses if address]


def scheme_of(address: str) -> str:
    """Return the service of an address; `?` where it has none, as all of it may be a key then."""
    scheme, separator, _ = address.partition("://")
    return scheme if separator else "?"
