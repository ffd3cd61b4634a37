"""`[notify]`: notifications by MQTT, webhook and Apprise."""

import re
from typing import Annotated

from zmhook.settings.section import Secret, Section, about

_BETWEEN = re.compile(r"[\s,;]+(?=[A-Za-z][A-Za-z0-9+.-]{0,40}://)|\s+")


class Notify(Section, frozen=True, kw_only=True):
    """Notifications without ZoneMinder's notification server, sent in the background."""

    notify_mqtt: Annotated[
        bool, about("Publish to the broker of [mqtt]: the decision, a state and the picture.")
    ] = False
    notify_mqtt_prefix: Annotated[str, about("Beginning of the topics.")] = "zmhook"
    notify_mqtt_discovery: Annotated[
        str,
        about("Home Assistant's discovery prefix, under which it discovers monitors. no: off."),
    ] = "homeassistant"
    notify_mqtt_hold: Annotated[
        float,
        about("Seconds after an alarm after which a monitor's state goes off.", ge=1, le=86400),
    ] = 60.0
    notify_webhook: Annotated[
        Secret,
        about(
            "Address to which alarms are posted. A secret, since such addresses often contain one."
        ),
    ] = Secret()
    notify_webhook_template: Annotated[
        str,
        about(
            "File with the body to post; {line} {labels} {monitor} {monitor_id} {event} "
            "{cause} {time} {url} are replaced by JSON strings. Empty: zmhook's own JSON."
        ),
    ] = ""
    notify_webhook_secret: Annotated[
        Secret, about("Key that signs the body (HMAC-SHA256, header X-Zmhook-Signature).")
    ] = Secret()
    notify_apprise: Annotated[
        Secret,
        about(
            "Apprise addresses separated by spaces or commas, such as ntfy://my-topic: over"
            " a hundred services. A secret, since they contain keys."
        ),
    ] = Secret()
    notify_title: Annotated[
        str, about("Title of a message, with the same placeholders as the template.")
    ] = "{monitor}: {labels}"
    notify_picture: Annotated[bool, about("Send the picture if the channel allows it.")] = True
    notify_picture_width: Annotated[
        int, about("Reduce the picture to this width in pixels before it is sent.", ge=64, le=7680)
    ] = 1280
    notify_url: Annotated[
        str,
        about(
            "Address of the event in messages, with {event}, {monitor_id}. Passwords in it "
            "are removed. Empty: the portal's page of the event."
        ),
    ] = ""
    notify_timeout: Annotated[
        float, about("Maximum number of seconds for one attempt.", gt=0, le=120)
    ] = 10.0
    notify_max_tries: Annotated[int, about("Maximum number of attempts.", ge=1, le=20)] = 4
    notify_retry_sleep: Annotated[
        float, about("Seconds before the second attempt; doubled after each.", ge=0, le=300)
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
