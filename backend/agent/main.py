"""The command ``haoscar-agent``; it parses its few words itself, because argparse costs 1.2 MB."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from backend.agent.errors import AgentError
from backend.agent.release import VERSION

EXIT_FAILED = 1
EXIT_USAGE = 2
COMMANDS = ("run", "witness", "watch", "check")  # those with a configuration
EXIT_CONFIGURATION = 78  # EX_CONFIG of sysexits.h: starting it again does not help

HELP = """\
usage: haoscar-agent run --config FILE
       haoscar-agent witness --config FILE
       haoscar-agent watch --config FILE
       haoscar-agent check --config FILE
       haoscar-agent probe --address IP [...]
       haoscar-agent ctl COMMAND [...]
       haoscar-agent --version | --help

The failover agent of HA-OSCAR. It runs in the foreground until SIGTERM.

  run       be a head: serve the virtual IPs while most of the others agree, or stand by
  witness   be a witness: grant leases to one head at a time, and nothing else
  watch     check the services of the watch list, heal them and send alerts, beside a head's agent
  probe     measure from here for how long an address does not answer
  ctl       ask the agent on this machine: status, events, switchover, maintenance ...
  check     name every problem of a configuration file, of either kind, each with its line, or say ok

exit codes: 0 done; 1 failed, and for check: the file has errors; 2 wrong usage;
78 wrong configuration, starting it again does not help.

Every key of the configuration is explained in docs/agent.md, those of watch in docs/watch-agent.md.
"""


class Usage(AgentError):
    """The command line is wrong."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    try:
        return _main(list(sys.argv[1:] if argv is None else argv))
    except Usage as problem:
        sys.stderr.write(f"haoscar-agent: {problem}\nTry: haoscar-agent --help\n")
        return EXIT_USAGE
    except (AgentError, OSError) as problem:
        sys.stderr.write(f"haoscar-agent: {problem}\n")
        return EXIT_FAILED


def _main(words: list[str]) -> int:
    if words[:1] == ["probe"]:
        from backend.agent import probe

        return probe.run(words[1:])
    if words[:1] == ["ctl"]:
        from backend.agent import ctl

        return ctl.run(words[1:])
    if {"-h", "--help"} & set(words):
        sys.stdout.write(HELP)
        return 0
    if words == ["--version"]:
        sys.stdout.write(f"haoscar-agent {VERSION}\n")
        return 0
    command, file = parse(words)
    if command == "watch":
        from backend.watch.main import serve

        return serve(file)
    return _check(file) if command == "check" else _serve(command, file)


def parse(words: list[str]) -> tuple[str, str]:
    """Return the command and the configuration file; raises Usage."""
    commands: list[str] = []
    files: list[str] = []
    left = iter(words)
    for word in left:
        name, equals, value = word.partition("=")
        if name in ("--config", "-c"):
            files.append(value if equals else next(left, ""))
        elif word.startswith("-"):
            raise Usage(f"there is no option {word[:60]!a}")
        else:
            commands.append(word)
    if len(commands) != 1 or commands[0] not in COMMANDS:
        given = " ".join(commands)[:60]
        raise Usage(f"{given!a} is not one of the commands {', '.join(COMMANDS)}")
    if len(files) != 1 or not files[0]:
        raise Usage("give the configuration, once: --config FILE")
    return commands[0], files[0]


def _check(file: str) -> int:
    from backend.agent.config import load
    from backend.agent.config_draft import ERROR
    from backend.watch.main import problems

    found = problems(file)
    if found is None:
        found = load(file).problems
    for problem in found:
        sys.stdout.write(problem.sentence(file) + "\n")
    if any(one.weight == ERROR for one in found):
        return EXIT_FAILED
    sys.stdout.write("ok\n")
    return 0


def _serve(command: str, file: str) -> int:
    from backend.agent.config_apart import load_apart

    found = load_apart(file)
    for sentence in found.sentences:
        sys.stderr.write(sentence + "\n")
    settings = found.settings
    if settings is None:
        return EXIT_CONFIGURATION
    me = settings.myself
    if me.head != (command == "run"):
        role, right = ("head", "run") if me.head else ("witness", "witness")
        sys.stderr.write(f"{file}: error: {me.name} is a {role}. Start it with: {right}\n")
        return EXIT_CONFIGURATION
    for directory in (settings.state_directory, settings.run_directory):
        _make(directory)
    sys.stderr.flush()
    # Each imports what the other must not carry: a witness stays small.
    if command == "run":
        from backend.agent.daemon import run as run_head

        return run_head(settings, found.warnings)
    from backend.agent.witness import run as run_witness

    return run_witness(settings)


def _make(directory: str) -> None:
    """Make a directory; without it the agent can serve, and says what it then cannot do."""
    try:
        os.makedirs(directory, 0o700, exist_ok=True)  # noqa: PTH103 - pathlib costs memory
    except OSError as problem:
        sys.stderr.write(f"{directory} cannot be made: {problem.strerror}. Make it by hand.\n")


if __name__ == "__main__":
    sys.exit(main())
