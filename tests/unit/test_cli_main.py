"""The command line's frame: exit codes, help everywhere, a mistake of ours is a sentence."""

import argparse
import json

import pytest

from backend.cli.app import App
from backend.cli.main import EXIT_CANCELLED, EXIT_INVALID, EXIT_REFUSED, build_parser, main, run
from backend.cli.output import Output, duration, progress_json, progress_line, size
from backend.errors import Cancelled, HaoscarError, InvalidInput, Refused
from backend.reports import error, info
from backend.tasks import Progress


def all_parsers(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    found = [parser]
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in {id(one): one for one in action.choices.values()}.values():
                found += all_parsers(child)
    return found


def test_every_command_has_help_json_and_verbose() -> None:
    parsers = all_parsers(build_parser())
    assert len(parsers) > 20
    for parser in parsers:
        text = parser.format_help()
        assert "--json" in text, parser.prog
        assert "--verbose" in text, parser.prog
        assert "--yes" in text, parser.prog


def test_every_option_says_what_it_is() -> None:
    for parser in all_parsers(build_parser()):
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                continue
            assert action.help, f"{parser.prog} {action.dest}"


def test_json_may_stand_before_or_after_the_command() -> None:
    parser = build_parser()
    assert parser.parse_args(["--json", "preflight"]).json
    assert parser.parse_args(["preflight", "--json"]).json
    assert not parser.parse_args(["preflight"]).json


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (Cancelled(info("x", "Cancelled.")), EXIT_CANCELLED),
        (Refused.of("x", "Unsafe."), EXIT_REFUSED),
        (InvalidInput.of("x", "Wrong."), EXIT_INVALID),
        (HaoscarError.of("x", "Failed."), 1),
        (PermissionError("/etc/x"), 1),
        (KeyError("oops"), 1),
    ],
)
def test_exit_codes(problem: Exception, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    def fails(_args: argparse.Namespace, _app: App) -> int:
        raise problem

    assert run(argparse.Namespace(run=fails, command="some"), App()) == code
    said = capsys.readouterr()
    assert "Traceback" not in said.out + said.err
    assert said.out + said.err


def test_errors_are_documents_with_json(capsys: pytest.CaptureFixture[str]) -> None:
    def fails(_args: argparse.Namespace, _app: App) -> int:
        raise HaoscarError(error("one", "First."), error("two", "Second.", "Mend it."))

    app = App(json=True, out=Output(as_json=True))
    run(argparse.Namespace(run=fails, command="some"), app)
    lines = [json.loads(line)["report"] for line in capsys.readouterr().err.splitlines()]
    assert [one["code"] for one in lines] == ["one", "two"]


def test_wrong_usage_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["no-such-command"])
    assert caught.value.code == 2
    assert "no-such-command" in capsys.readouterr().err


def test_nobody_is_asked_where_nobody_can_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    with pytest.raises(Refused, match="--yes"):
        App().confirm("Erase it?")
    assert App(yes=True).confirm("Erase it?")


def test_progress_reads_as_a_sentence() -> None:
    event = Progress("Copying", 50e6, 200e6, "bytes", 10e6, 15.0, "3 of 9 files")
    assert (
        progress_line(event)
        == "Copying   25 %  50.0 MB of 200.0 MB  10.0 MB/s  15 s left  3 of 9 files"
    )
    assert json.loads(progress_json(event))["progress"]["total"] == 200e6


def test_sizes_and_times() -> None:
    assert [size(one) for one in (5, 1500, 2.5e6, 7e9, 8e12)] == [
        "5 B",
        "1.5 kB",
        "2.5 MB",
        "7.0 GB",
        "8.0 TB",
    ]
    assert [duration(one) for one in (0.4, 61, 3720)] == ["0 s", "1 min 01 s", "1 h 02 min"]
