"""Asking one of our processes on this machine, over its control socket."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backend.errors import HaoscarError, Refused
from backend.paths import Paths
from backend.system.agent.control_socket import ask


@dataclass(frozen=True, slots=True)
class Process:
    """Which process, and what a person does when it does not answer."""

    code: str  # what the codes of its reports begin with
    name: str  # "agent"
    unit: str  # of systemd
    remedy: str  # when it does not run


def ask_process(
    paths: Paths, of: Process, socket: str, limit: float, question: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Return the answer of a process, after at most ``limit`` seconds.

    Raises Refused when it does not run or says no, HaoscarError when it does not answer, or not
    in its language.
    """
    path = paths.at(socket)
    try:
        answer = json.loads(ask(str(path), json.dumps(question).encode(), limit))
    except (FileNotFoundError, ConnectionRefusedError) as problem:
        raise Refused.of(
            f"{of.code}.not-running", f"No {of.name} runs here ({path}).", of.remedy
        ) from problem
    except PermissionError as problem:
        raise Refused.of(
            f"{of.code}.permission", f"Only root may ask the {of.name} ({path}).", "Use sudo."
        ) from problem
    except (OSError, ValueError, RecursionError) as problem:
        raise HaoscarError.of(
            f"{of.code}.silent",
            f"The {of.name} did not answer: {problem}.",
            f"See: systemctl status {of.unit}; journalctl -u {of.unit}.",
        ) from problem
    if not isinstance(answer, dict):
        raise strange(of, "it is not a JSON object")
    if answer.get("ok") is not True:
        raise Refused.of(f"{of.code}.refused", f"The {of.name} refuses: {answer.get('error')}.")
    return answer


def strange(of: Process, problem: str) -> HaoscarError:
    """Return the error that an answer cannot be understood."""
    return HaoscarError.of(
        f"{of.code}.answer",
        f"The answer of the {of.name} cannot be understood: {problem}.",
        "Install the same version everywhere: haoscar install-agent.",
    )
