from __future__ import annotations

import pytest

from zmhook.settings.notify import addresses_of

A, B = "json://h/a", "ntfy://b"


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("", []),
        (A, [A]),
        (f"{A} {B}", [A, B]),
        (f"{A},{B}", [A, B]),
        (f"{A}, {B}", [A, B]),
        (f"{A} , {B},", [A, B]),
        (f"{A};{B}", [A, B]),
        (f"{A}\n  {B}\t{A}", [A, B, A]),
        (f",{A},,{B}", [A, B]),
        ("mailto://u:p,w@h?to=a@b.c,d@e.f", ["mailto://u:p,w@h?to=a@b.c,d@e.f"]),
        (f"mailto://u@h?to=a@b.c,d@e.f,{A}", ["mailto://u@h?to=a@b.c,d@e.f", A]),
        ("json://h/?x=1,http%3A//y", ["json://h/?x=1,http%3A//y"]),
        ("signal-x+1://a/b,tgram://c/-1,2", ["signal-x+1://a/b", "tgram://c/-1,2"]),
        ("nonsense json://h", ["nonsense", "json://h"]),
    ],
)
def test_a_comma_divides_where_an_address_follows(text: str, addresses: list[str]) -> None:
    assert addresses_of(text) == addresses
