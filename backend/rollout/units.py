"""The agent's systemd unit, with no more power than a member's configuration needs. Pure."""

import posixpath
import re

from backend.errors import HaoscarError
from backend.rendering import render
from backend.rollout.member import ConfigView, Member, watch_leaves_processes
from backend.rollout.places import (
    CONFIG,
    HEAD_UNIT,
    PROGRAM,
    RUN,
    STATE,
    WATCH_CONFIG,
    WATCH_RUN,
    WATCH_STATE,
)

MACHINE_ID = re.compile(r"[0-9a-f]{32}")
DEVICE = re.compile(r"/dev/[A-Za-z0-9_.:/-]{1,64}")
# Kinds of resources that mount, or that run whatever somebody has written, as root.
UNKNOWN_POWERS = frozenset({"mount", "ocf", "command"})
HAND_OVER = 20.0  # seconds to stop in, besides what the resources may take


def unit_text(member: Member, interpreter: str, machine_id: str) -> str:
    """Return the text of a member's unit; raises HaoscarError for a configuration that is none.

    ``interpreter`` has been judged by problems.py; a ``machine_id`` that is none (systemd has not
    made it yet) leaves its condition out.
    """
    view = ConfigView.of(member.config)
    if view is None or (view.watchdog and not DEVICE.fullmatch(view.watchdog)):
        raise HaoscarError.of("rollout.config", f"The configuration made for {member} is none.")
    common = {
        "name": member.name,
        "machine_id": machine_id if MACHINE_ID.fullmatch(machine_id) else "",
        "interpreter": interpreter,
        "program": PROGRAM,
        "config": CONFIG,
        "state": posixpath.basename(STATE),
        "realtime": view.realtime,
        "run": posixpath.basename(RUN),
    }
    if not member.head:
        return render("agent/haoscar-witness.service.j2", **common)
    return render(
        "agent/haoscar-agent.service.j2",
        **common,
        open=bool(view.kinds & UNKNOWN_POWERS),
        keeps_children=bool(view.kinds & UNKNOWN_POWERS),
        fencing=view.fencing,
        watchdog=view.watchdog,
        stop_seconds=f"{view.stopping + HAND_OVER:.0f}",
    )


def watch_unit_text(member: Member, interpreter: str, machine_id: str) -> str:
    """Return the text of the unit of a head's watch process."""
    return render(
        "agent/haoscar-watch.service.j2",
        name=member.name,
        machine_id=machine_id if MACHINE_ID.fullmatch(machine_id) else "",
        interpreter=interpreter,
        program=PROGRAM,
        config=WATCH_CONFIG,
        agent=HEAD_UNIT,
        state=posixpath.basename(WATCH_STATE),
        run=posixpath.basename(WATCH_RUN),
        keeps_children=watch_leaves_processes(member.watch),
    )
