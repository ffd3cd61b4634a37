"""Secrets are taken out of text, in whatever form a server repeats them."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import settings as checks
from hypothesis import strategies as st

from zmhook.settings import General, Settings
from zmhook.settings.model import secrets_of, without_secrets
from zmhook.settings.section import Secret
from zmhook.text.redact import HIDDEN, know, masked, may_be_secret, of_process, quoted

SECRET = "p&ß w\"ör'd</+=%\\\\é🙂"

FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "percent-encoded": lambda text: quote(text, safe=""),
    "percent-encoded, small letters": lambda text: re.sub(
        "%..", lambda found: found[0].lower(), quote(text, safe="")
    ),
    "percent-encoded, slashes left": quote,
    "percent-encoded twice": lambda text: quote(quote(text, safe=""), safe=""),
    "every byte percent-encoded": lambda text: "".join(f"%{one:02X}" for one in text.encode()),
    "in a form": quote_plus,
    "in JSON": lambda text: json.dumps(text)[1:-1],
    "in JSON, UTF-8": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "in PHP's JSON": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "in JSON within JSON": lambda text: json.dumps(json.dumps(text))[3:-3],
    "in HTML": html.escape,
    "in HTML, by numbers": lambda text: "".join(f"&#{ord(one)};" for one in text),
    "in HTML, by numbers in hexadecimal": lambda text: "".join(f"&#X{ord(one):X};" for one in text),
    "in HTML twice": lambda text: html.escape(html.escape(text)),
    "in Python's own way": ascii,
    "as bytes in Python's own way": lambda text: repr(text.encode()),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("secret", [SECRET, "hunter2!", "a b&c", "100%25", "\\\\srv\\x", "Zé+é"])
def test_each_form_is_masked(form: Callable[[str], str], secret: str) -> None:
    shown = masked(f"user=me&pass={form(secret)}&go=1", [secret])
    assert shown.replace("'", "").replace("=b*", "=*") == "user=me&pass=***&go=1"


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("user", ["a", "ab", "abc", "admin"])
@pytest.mark.parametrize("secret", ["hunter2", "äö?ü>~", "secret-12"])
def test_basic_authentication_is_masked(encode, user: str, secret: str) -> None:
    word = encode(f"{user}:{secret}".encode()).decode()
    assert masked(f"Authorization: Basic {word}, x", [secret]) == "Authorization: Basic ***, x"


def test_a_secret_within_another_leaves_nothing_of_it() -> None:
    assert masked("x abcdef y abcd", ["abcd", "abcdef"]) == "x *** y ***"


def test_what_is_no_secret_stays() -> None:
    text = "50% of 3 & 4: C:\\temp, a+b = https://x/y?z=%41%42"
    assert masked(text, ["hunter2", "", "AC"]) == text


@given(st.text(min_size=4, max_size=30), st.text(max_size=200))
@checks(max_examples=200, deadline=None)
def test_whatever_the_secret_is(secret: str, text: str) -> None:
    assert secret not in masked(text + secret + text, [secret]) or secret in "******"


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("unit", ["A", "\\", "\\'", "\\x", " ", "&", "%25", "+", "é", "🙂", '"/'])
def test_what_is_almost_a_secret_is_refused_in_time(form: Callable[[str], str], unit: str) -> None:
    """A pattern that matches in several ways would take years for this."""
    secret = f"{unit * 30}y"
    assert masked(f"{form(unit * 300)}x", [secret])


def own(**fields: object) -> Settings:
    return Settings(general=General(**fields))


def test_secrets_of_the_settings() -> None:
    settings = own(password=Secret("p&ss word"), basic_password=Secret("abc"))
    assert {"p&ss word", "p&ss", "word", "abc"} <= {*secrets_of(settings)}
    shown = without_secrets(urlencode({"pass": "p&ss word", "x": "abc"}), [settings])
    assert shown == "pass=***&x=abc"  # too short a word


def test_of_the_process_are_those_read_last() -> None:
    assert of_process("hunter2") == "hunter2"
    know(lambda: secrets_of(own(password=Secret("hunter2"))))
    assert of_process("a hunter2, hunter%32") == "a ***, ***"
    know(lambda: secrets_of(own(password=Secret("other"))))
    assert of_process("hunter2") == "hunter2"


# -- what may be a secret --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["hunter22", "snapshot, hunter22", "p@ssword", "correcthorsebatterystaple", "c2VjcmV0cw=="],
)
def test_a_value_that_may_be_a_secret_is_not_quoted(text: str):
    assert may_be_secret(text)
    assert quoted(text) == HIDDEN


@pytest.mark.parametrize(
    "text",
    ["maybe", "1,5", "300.1", "zm.example.org", "0,0 640,0 640,480", "car, truck", "(person|dog",
     "* 22-23,0-5 * *", "Europe/Berln", "snapshot, alarm", "{who}/track", "sometimes"],
)  # fmt: skip
def test_other_values_are_quoted(text: str):
    assert quoted(text) == f"'{text}'"
