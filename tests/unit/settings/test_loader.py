from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zmhook.errors import SettingsError
from zmhook.settings import Secret, Zone, load
from zmhook.settings.general import General
from zmhook.settings.model import Settings
from zmhook.settings.section import Colour


def test_nothing_said_is_all_defaults(read) -> None:
    config = read("")
    base = "/var/lib/zmeventnotification"
    assert config.general.general.image_path == f"{base}/images"
    assert config.general.yolo.weights == f"{base}/models/yolox_s/yolox_s.onnx"
    assert config.general.zones == ()
    assert config.warnings == []
    assert config.for_monitor(7) is config.general
    assert config.for_monitor(None) is config.general


def test_each_kind_of_value(read) -> None:
    config = read(
        """
[general]
password = p%a=s:s#"w'ö
models = Yolo, face
frame_id = snapshot,12
resize = 800
wait = 1.5
poly_color = (1,2,3)
detection_mode = MOST
delete_after_analyze = no
[hog]
stride = (8,16)
[face]
unknown_face_name = somebody, perhaps  # not known
"""
    ).general
    assert config.general == General(
        base_data_path="/var/lib/zmeventnotification",
        log_path="/var/lib/zmeventnotification/logs",
        image_path="/var/lib/zmeventnotification/images",
        password=Secret("p%a=s:s#\"w'ö"),
        models=("yolo", "face"),
        frame_id=("snapshot", "12"),
        resize=800,
        wait=1.5,
        poly_color=Colour(1, 2, 3),
        detection_mode="most",
        delete_after_analyze=False,
    )
    assert config.hog.stride == (8, 16)
    assert config.face.unknown_face_name == "somebody, perhaps"


def test_empty_value_is_the_default(read) -> None:
    config = read("[general]\nwait =\nresize=\nimage_path=\nmodels=\n[yolo]\nlabels=\n")
    assert config.general == read("").general


def test_empty_value_of_a_monitor_is_the_default(read) -> None:
    config = read("[yolo]\nconfig = /a.cfg\n[monitor-2]\nconfig =\n")
    assert config.general.yolo.config == "/a.cfg"
    assert config.for_monitor(2).yolo.config == ""


def test_empty_secret_is_the_default(read) -> None:
    text = "[general]\nsecrets=secrets.ini\nportal=!ZM_PORTAL\nwait=!WAIT\n"
    general = read(text, secrets="[secrets]\nZM_PORTAL=\nWAIT=\n").general.general
    assert (general.portal, general.wait) == ("", 0.0)


def test_everything_wrong_is_told_at_once(problems) -> None:
    found = problems(
        """
[general]
portal = zm.example.org
password = hunter2
wait = nan
detect_pattern = (person
frame_id = snapshot, 0
resize = 3
poly_color = 1,2,300
bestmatch_order = x
usr = bob
yolo_type = tiny
event_deadline = 0
max_attempts = 2.5
models = ,
detection_mode = best
[yollo]
[hog]
stride = 0,4
[monitor-3]
drive = 0,0 1,1
show_percent = maybe
"""
    )
    assert sorted(found) == sorted(
        f"objectconfig.ini: {text}"
        for text in [
            "[general] usr: unknown key; did you mean 'user'?",
            "[general] yolo_type: belongs in [yolo]",
            "[yollo]: unknown section; did you mean 'yolo'?",
            (
                "[general] portal: 'zm.example.org': expected an address such as "
                "https://zm.example.org/zm"
            ),
            "[general] wait: 'nan': expected a number from 0 to 300",
            (
                "[general] detect_pattern: '(person': expected a regular expression "
                "(missing ), unterminated subpattern at position 0)"
            ),
            (
                "[general] frame_id: 'snapshot, 0': expected snapshot, alarm, bestmatch, all, a "
                "frame's number (1 or more), a position in the event (20%), or a list of them"
            ),
            "[general] resize: '3': expected a whole number from 32 to 20000, or no",
            (
                "[general] poly_color: '1,2,300': expected three numbers from 0 to 255 "
                "(blue, green, red), such as (255,255,255)"
            ),
            "[general] bestmatch_order: 'x': expected one or more of a, s, between commas",
            "[general] event_deadline: '0': expected a number above 0, at most 3600",
            "[general] max_attempts: '2.5': expected a whole number from 1 to 100",
            "[general] models: ',': expected one or more words between commas",
            (
                "[general] detection_mode: 'best': expected one of all, first, most, "
                "most_unique, most_models"
            ),
            "[hog] stride: '0,4': expected two whole numbers, each from 1 to 64, such as (8,8)",
            (
                "[monitor-3] drive: '0,0 1,1': expected at least three different points, such as "
                "0,0 640,0 640,480"
            ),
            "[monitor-3] show_percent: 'maybe': expected yes or no",
        ]
    )


@pytest.mark.parametrize("number", ["-1", "300.1", "inf", "-inf", "nan", "1e400", "three", "1,5"])
def test_numbers_out_of_range(problems, number: str) -> None:
    (found,) = problems(f"[general]\nwait = {number}\n")
    assert found == (
        f"objectconfig.ini: [general] wait: '{number}': expected a number from 0 to 300"
    )


@pytest.mark.parametrize(
    "key", ["wait", "write_notes", "frame_id", "on_failure", "portal", "time_zone", "models"]
)
def test_a_secret_in_the_place_of_another_value_is_not_shown(problems, key: str) -> None:
    (found,) = problems(f"[general]\n{key} = hunter22(secret\n")
    assert found.startswith(f"objectconfig.ini: [general] {key}: the value (not shown, it may be")
    assert "hunter22" not in found


def test_a_secret_in_the_place_of_times_is_not_shown(problems) -> None:
    (found,) = problems("[gate]\nquiet_times = hunter22secret\n")
    assert "hunter22" not in found


def test_what_could_be_read_comes_with_the_error(write) -> None:
    path = write("[general]\non_failure=alarm\nwait=x\nimage_path={{no}}\n[monitor-2]\nwait=3\n")
    with pytest.raises(SettingsError) as caught:
        load(path)
    config = caught.value.config
    assert config is not None
    assert config.general.general.on_failure == "alarm"
    assert config.general.general.wait == 0.0
    assert config.general.general.image_path == "/var/lib/zmeventnotification/images"
    assert config.for_monitor(2).general.wait == 3.0


def test_defaults_come_with_the_error_of_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path / "gone.ini")
    assert str(caught.value).startswith(f"{tmp_path}/gone.ini: there is no such file: install.sh")
    assert caught.value.config is not None
    assert "{{" not in repr(caught.value.config.general)


# -- monitors ----------------------------------------------------------------------------------


def test_monitor_overrides_any_key_and_has_zones(read) -> None:
    config = read(
        """
[general]
wait = 1
portal = https://zm
[monitor-3]
wait = 2
yolo_type = tiny
face_model = cnn
stride = 8,8
poly_color = 1,2,3
drive = 0,0 10,0 10,10
Gate = 0,0 20,0 20,20 0,20
[monitor-12]
"""
    )
    third = config.for_monitor(3)
    assert (third.general.wait, third.general.portal) == (2.0, "https://zm")
    assert (third.yolo.yolo_type, third.face.face_model) == ("tiny", "cnn")
    assert (third.hog.stride, third.general.poly_color) == ((8, 8), Colour(1, 2, 3))
    assert third.zones == (
        Zone("drive", ((0, 0), (10, 0), (10, 10))),
        Zone("gate", ((0, 0), (20, 0), (20, 20), (0, 20))),
    )
    assert config.general.general.wait == 1.0
    assert config.for_monitor(12) == config.general
    assert sorted(config.monitors) == [3, 12]


def test_substitution_sees_what_the_monitor_overrides(read) -> None:
    config = read("[monitor-3]\nbase_data_path = /m3\n")
    assert config.for_monitor(3).general.image_path == "/m3/images"
    assert config.general.general.image_path == "/var/lib/zmeventnotification/images"


@pytest.mark.parametrize("name", ["monitor-0", "monitor-abc", "monitor", "monitor_3", "Monitor-3"])
def test_not_a_monitor(problems, name: str) -> None:
    (found,) = problems(f"[{name}]\nwait=1\n")
    assert found == (
        f"objectconfig.ini: [{name}]: expected monitor- and the number that ZoneMinder gave it, "
        "such as [monitor-3]"
    )


def test_one_monitor_twice(problems) -> None:
    (found,) = problems("[monitor-3]\n[monitor-03]\n")
    assert found == "objectconfig.ini: [monitor-03]: monitor 3 has another section: join the two"


@pytest.mark.parametrize("name", ["model", "models", "wait", "alpr_url", "version"])
def test_zone_with_the_name_of_a_setting(problems, name: str) -> None:
    (found,) = problems(f"[monitor-3]\n{name} = 0,0 10,10 20,0\n")
    assert found.endswith(
        f"[monitor-3] {name}: is the name of a setting, so a zone needs another name"
    )


def test_unknown_key_of_a_monitor(problems) -> None:
    found = problems("[monitor-3]\nhedge = somewhere\nwhait = 3\nsecrets = /x\n")
    assert [text.partition("[monitor-3] ")[2] for text in found] == [
        "hedge: unknown key; a zone is written name = 0,0 640,0 640,480",
        "whait: unknown key; did you mean 'wait'?",
        "secrets: can only stand in [general]",
    ]


# -- other names and other versions ------------------------------------------------------------


def test_aliases(read) -> None:
    config = read(
        "[general]\nmodel=face\nobject_detection_pattern=cat\n"
        "[yolo]\nmodel_type=tiny\nobject_weights=/w\nobject_min_confidence=0.9\n"
    ).general
    assert config.general.models == ("face",)
    assert config.general.detect_pattern == "cat"
    assert (config.yolo.yolo_type, config.yolo.weights) == ("tiny", "/w")
    assert config.yolo.yolo_min_confidence == 0.9


def test_a_key_and_its_alias(problems) -> None:
    (found,) = problems("[general]\nmodel=face\nmodels=yolo\n")
    assert found.endswith(
        "[general] models: says the same as model in [general]: keep one of the two"
    )


def test_sections_of_version_5(read) -> None:
    config = read(
        "[ml]\nml_gateway=http://x:5000/api/v1\nuse_opencv_dnn_cuda=yes\n"
        "[alpr]\nalpr_service=plate_recognizer\nalpr_key=hunter2\n"
    )
    assert config.general.remote.ml_gateway == ("http://x:5000/api/v1",)
    assert config.general.alpr.alpr_key.reveal() == "hunter2"
    (warning,) = config.warnings
    assert "[ml] use_opencv_dnn_cuda: no longer used" in warning


def test_misspelt_key_of_a_section_without_effect(problems) -> None:
    assert problems("[alpr]\nalpr_kee=x\n") == [
        "objectconfig.ini: [alpr] alpr_kee: unknown key; did you mean 'alpr_key'?"
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[object]\na=1", "[object]: from a version 6 file; here its keys stand in [yolo]"),
        ("[general]\nml_sequence={}", "ml_sequence: from a version 6 file; here models, frame_id"),
        ("[general]\ncpu_max_processes=1", "cpu_max_processes: from a version 6 file; nothing"),
    ],
)
def test_version_6(problems, text: str, message: str) -> None:
    [*_, found] = problems(text)
    assert message in found


# -- overrides ---------------------------------------------------------------------------------

TEXT = "[general]\nwait=1\n[monitor-3]\nwait=2\nstart=0,0 1,0 1,1\n"


def test_override_beats_everything_everywhere(read) -> None:
    config = read(TEXT, "general.wait=3", "general.wait=4", "yolo.model_type = tiny ")
    assert config.general.general.wait == config.for_monitor(3).general.wait == 4.0
    assert config.general.yolo.yolo_type == "tiny"


def test_override_of_one_monitor(read) -> None:
    config = read(TEXT, "monitor-3.wait=5", "monitor-4.wait=6", "monitor-4.z=0,0 1,0 1,1")
    assert [config.for_monitor(n).general.wait for n in (None, 3, 4)] == [1.0, 5.0, 6.0]
    assert [zone.name for zone in config.for_monitor(4).zones] == ["z"]


def test_override_of_a_zone(read) -> None:
    (zone,) = read(TEXT, "monitor-3.start=0,0 9,0 9,9").for_monitor(3).zones
    assert zone.points[-1] == (9, 9)


def test_override_by_a_secret_and_a_variable(read) -> None:
    text = "[general]\nsecrets=secrets.ini\n"
    config = read(
        text, "general.password=!P", "general.log_path={{image_path}}/x", secrets="[secrets]\nP=p\n"
    )
    assert config.general.general.password.reveal() == "p"
    assert config.general.general.log_path == "/var/lib/zmeventnotification/images/x"


def test_wrong_overrides(problems) -> None:
    found = problems(
        "",
        "wait",
        "wait=1",
        "password=hunter2",
        "general.=1",
        "general.whait=1",
        "yolo.wait=1",
        "general.wait=-1",
        "nosuch.wait=1",
        "monitor-3.secrets=/x",
        "general.password.hunter2",
    )
    assert found == [
        "-O: wait: expected section.key=value",
        "-O: password: expected section.key=value",
        "-O: general: expected section.key=value",
        "-O: [general] whait: unknown key; did you mean 'wait'?",
        "-O: [yolo] wait: belongs in [general]",
        "-O: [nosuch]: unknown section; no package that is installed here brings it",
        "-O: [monitor-3] secrets: can only stand in [general]",
        "-O: general.password: expected section.key=value",
        "-O: [general] wait: '-1': expected a number from 0 to 300",
    ]


# -- secrets -----------------------------------------------------------------------------------


def test_no_message_shows_a_secret(problems) -> None:
    found = problems(
        """
[general]
secrets = secrets.ini
portal = https://bob:hunter2@zm/zm
api_portal = !API
password = x
  hunter2
user = bob
  basic_password = hunter2
passwort = hunter2
wait = !WAIT
""",
        "password=hunter2",
        secrets="[secrets]\nAPI=hunter2\nWAIT=hunter2\n",
    )
    assert len(found) == 7
    assert "hunter2" not in "".join(found)


@pytest.mark.parametrize(
    ("section", "key", "right"),
    [
        ("general", "portal", "basic_user and basic_password"),
        ("remote", "ml_gateway", "ml_user and ml_password"),
        ("alpr", "alpr_url", "alpr_key"),
        ("gemini", "gemini_url", "gemini_key"),
    ],
)
def test_a_login_in_an_address_belongs_into_its_own_keys(problems, section, key, right) -> None:
    (found,) = problems(f"[{section}]\n{key} = http://bob:hunter2@gpu.lan:5000\n")
    assert found.endswith(f", without a user or password in it: set {right} instead")
    assert "hunter2" not in found


def test_line_that_was_indented_by_mistake(problems) -> None:
    (found,) = problems("[general]\nwait = 1\n  show_percent = no\n")
    assert found == (
        "objectconfig.ini: [general] wait: '1…': expected a number from 0 to 300 "
        "(on one line; a line that begins with a space continues the one above)"
    )


def test_lists_may_go_over_lines(read) -> None:
    config = read("[general]\nmodels = yolo,\n  face\n[monitor-1]\na = 0,0 1,0\n  1,1\n")
    assert config.general.general.models == ("yolo", "face")
    assert len(config.for_monitor(1).zones[0].points) == 3


def test_long_values_are_cut(problems) -> None:
    (found,) = problems(f"[general]\nwait = {'9x' * 500}\n")
    assert len(found) < 200


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(
                ["[general]", "[monitor-1]", "[yolo]", " x", "=", "wait=1", "a=0,0 1,1"]
            ),
            st.text(max_size=30),
        ),
        max_size=8,
    )
)
def test_any_text_is_read_or_refused(tmp_path: Path, lines: list[str]) -> None:
    path = tmp_path / "any.ini"
    path.write_bytes("\n".join(lines).encode("utf-8", "surrogatepass"))
    try:
        found = load(path).general
    except SettingsError as error:
        found = None
        problems = [str(problem) for problem in error.problems]
    assert isinstance(found, Settings) or (problems and not any("\n" in one for one in problems))


def test_reading_imports_nothing_that_it_can_do_without(write) -> None:
    """Every event pays for it; messages and the reference have their own imports."""
    path = write(
        "[general]\nsecrets=secrets.ini\nuser=!U\n[monitor-1]\na=0,0 1,0 1,1\n", "[secrets]\nU=x\n"
    )
    code = (
        "import sys\nfrom zmhook.settings import load\n"
        f"load({str(path)!r}).for_monitor(1)\n"
        "heavy = ('numpy', 'cv2', 'difflib', 'zmhook.settings.hints')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("section", "key", "value", "told"),
    [
        ("gemini", "gemini_key", "sk\u2013hidden", "character 3 is an en dash (U+2013), which no"),
        ("gemini", "gemini_key", '"sk-hidden"', "character 1 is a quotation mark (U+0022)"),
        ("alpr", "alpr_key", "hidden\u200b", "character 7 is a zero-width space (U+200B)"),
        ("general", "basic_password", "hidden\u200bx", "which nobody sees: is it meant?"),
    ],
)
def test_what_no_key_has_is_told_without_the_key(
    read, section: str, key: str, value: str, told: str
) -> None:
    config = read(f"[{section}]\n{key} = {value}\n")
    (warning,) = config.warnings
    assert f"[{section}] {key}: character" in warning
    assert told in warning
    assert "hidden" not in warning


def test_passwords_and_keys_that_may_be_right_are_not_told_of(read) -> None:
    text = '[general]\npassword = p\u00e4 \u2013 "ss\n[gemini]\ngemini_key = AIza-1_2\n'
    assert read(text).warnings == []
