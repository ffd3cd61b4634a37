from __future__ import annotations

from zmhook.describe.schema import ALARMS, FORM, SCHEMA


def test_the_words_say_what_the_schema_says() -> None:
    for field in SCHEMA["properties"]:
        assert f'"{field}":' in FORM
    for word in ALARMS:
        assert f'"{word}"' in FORM


def test_it_is_one_that_openai_calls_strict() -> None:
    def check(schema: dict) -> None:
        if schema["type"] == "object":
            assert schema["additionalProperties"] is False
            assert schema["required"] == list(schema["properties"])
        for inner in [*schema.get("properties", {}).values(), *filter(None, [schema.get("items")])]:
            check(inner)

    check(SCHEMA)
