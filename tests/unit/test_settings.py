"""What the operator is told arrives typed, checked and with a message that names what is wrong."""

import dataclasses
import re
from pathlib import Path

import pytest

from imageferry.settings import LogFormat, LogLevel, Settings


def test_the_defaults_hold_together() -> None:
    """Nothing has to be set for a run: the binding figures of the protocol are the defaults."""
    settings = Settings.load([], {})
    assert settings.namespace == "imageferry-system"
    assert settings.watch_namespaces == ()
    assert settings.signature_life_seconds == 900
    assert settings.claim_send_limit_seconds == 300
    assert settings.window_seconds == 1200
    assert (settings.lease_duration_seconds, settings.lease_renew_seconds, settings.lease_give_up_seconds) == (
        15,
        2,
        10,
    )
    assert (settings.poll_min_seconds, settings.poll_max_seconds) == (1, 60)


def test_every_field_says_why_it_is_there() -> None:
    """Each setting carries its reason, from which --help and the docs are made."""
    reasons = {each.name: each.metadata.get("why", "") for each in dataclasses.fields(Settings)}
    assert [name for name, why in reasons.items() if not why] == []


def test_every_number_of_seconds_says_so_in_its_name() -> None:
    """A float is a time in seconds; its name ends in _seconds."""
    floats = [each.name for each in dataclasses.fields(Settings) if each.type is float]
    assert floats
    assert [name for name in floats if not name.endswith("_seconds")] == []


def test_every_field_is_a_variable_and_a_flag_and_the_flag_wins() -> None:
    """IMAGEFERRY_X and --x mean the same."""
    environ = {"IMAGEFERRY_WORKERS": "3", "IMAGEFERRY_POLL_MAX_SECONDS": "7.5"}
    settings = Settings.load(["--workers", "5"], environ)
    assert (settings.workers, settings.poll_max_seconds) == (5, 7.5)


def test_an_empty_variable_counts_as_unset() -> None:
    """A chart's empty value does not become a setting."""
    assert Settings.load([], {"IMAGEFERRY_WORKERS": ""}).workers == Settings.load([], {}).workers


def test_namespaces_are_a_list_without_doubles() -> None:
    """Blanks and repetitions do no harm."""
    settings = Settings.load(["--watch-namespaces", " b, a,b ,"], {})
    assert settings.watch_namespaces == ("b", "a")


def test_words_are_read_in_any_case() -> None:
    """LOG_LEVEL=Debug is debug."""
    settings = Settings.load(["--log-level", "Debug", "--log-format", "JSON"], {})
    assert (settings.log_level, settings.log_format) == (LogLevel.DEBUG, LogFormat.JSON)


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        pytest.param(["--allow-insecure-endpoints"], True, id="a bare flag says yes"),
        pytest.param(["--allow-insecure-endpoints", "false"], False, id="a flag may say no"),
        pytest.param([], False, id="unsaid means no"),
    ],
)
def test_a_switch_says_yes_or_no(argv: list[str], expected: bool) -> None:  # noqa: FBT001 -- the case's value
    """Insecure endpoints are allowed only by a clear yes."""
    assert Settings.load(argv, {}).allow_insecure_endpoints is expected


def test_the_pod_tells_who_and_where_we_are() -> None:
    """The downward API's variables name namespace and pod; a restarted container is another holder."""
    environ = {"POD_NAMESPACE": "ferry", "POD_NAME": "imageferry-0"}
    first, second = Settings.load([], environ), Settings.load([], environ)
    assert first.namespace == "ferry"
    assert re.fullmatch(r"imageferry-0-[0-9a-f]{8}", first.identity)
    assert first.identity != second.identity


def test_a_kubeconfig_is_found_where_kubectl_finds_it(tmp_path: Path) -> None:
    """KUBECONFIG is honoured, the own variable comes first."""
    environ = {"KUBECONFIG": str(tmp_path / "theirs")}
    assert Settings.load([], environ).kubeconfig == str(tmp_path / "theirs")
    assert Settings.load([], environ | {"IMAGEFERRY_KUBECONFIG": "ours"}).kubeconfig == "ours"


@pytest.mark.parametrize(
    ("argv", "environ", "words"),
    [
        pytest.param(
            [],
            {"IMAGEFERRY_WORKERS": "many"},
            "IMAGEFERRY_WORKERS: 'many' is not a whole number",
            id="a word for a count",
        ),
        pytest.param(["--workers", "0"], {}, "--workers: '0' is not between 1 and", id="no workers at all"),
        pytest.param(
            ["--http-port", "70000"], {}, "--http-port: '70000' is not between 0 and 65535", id="a port that is none"
        ),
        pytest.param(["--poll-min-seconds", "nan"], {}, "--poll-min-seconds: 'nan' is not between", id="not a number"),
        pytest.param(["--poll-min-seconds", "-1"], {}, "--poll-min-seconds: '-1' is not between", id="a negative time"),
        pytest.param(
            ["--poll-min-seconds", "inf"], {}, "--poll-min-seconds: 'inf' is not between", id="an endless time"
        ),
        pytest.param(
            ["--poll-min-seconds", "5s"], {}, "'5s' is not a number of seconds", id="a unit where none belongs"
        ),
        pytest.param(["--log-level", "loud"], {}, "--log-level: 'loud' is none of debug, info", id="an unknown word"),
        pytest.param(
            ["--allow-insecure-endpoints", "maybe"], {}, "'maybe' is neither true nor false", id="a switch half on"
        ),
        pytest.param(["--watch-namespaces", "a,B_c"], {}, "holds 'B_c'", id="a name that no namespace has"),
        pytest.param(["--namespace", "../kube-system"], {}, "namespace: '../kube-system'", id="a path for a namespace"),
        pytest.param(
            ["--lease-give-up-seconds", "15"],
            {},
            "lease_give_up_seconds < lease_duration_seconds",
            id="a leader that outlives its lease",
        ),
        pytest.param(
            ["--call-deadline-seconds", "12"],
            {},
            "must fit into lease_duration_seconds",
            id="a submit that no lease outlives",
        ),
        pytest.param(
            ["--window-seconds", "900"], {}, "window_seconds must exceed", id="a window that ends with the signature"
        ),
        pytest.param(
            ["--signature-life-seconds", "20"],
            {},
            "a third of signature_life_seconds",
            id="a signature that ends on the way",
        ),
        pytest.param(
            ["--poll-min-seconds", "61"], {}, "poll_min_seconds must not exceed", id="limits the wrong way round"
        ),
        pytest.param(
            ["--shutdown-seconds", "5"], {}, "shutdown_seconds must not be less", id="a shutdown that cuts a submit"
        ),
        pytest.param(["--worker", "3"], {}, "unrecognized arguments", id="a flag cut short"),
    ],
)
def test_a_bad_value_ends_the_start_with_a_clear_message(
    argv: list[str], environ: dict[str, str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The process ends with status 2 and says which setting is wrong and why."""
    with pytest.raises(SystemExit) as end:
        Settings.load(argv, environ)
    assert end.value.code == 2
    assert words in capsys.readouterr().err


def test_help_names_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    """--help is complete."""
    with pytest.raises(SystemExit) as end:
        Settings.load(["--help"], {})
    assert end.value.code == 0
    told = capsys.readouterr().out
    missing = [f.name for f in dataclasses.fields(Settings) if f"--{f.name.replace('_', '-')}" not in told]
    assert missing == []
