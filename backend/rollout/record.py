"""Which machines have the agent: remembered here, because the site file may forget a member."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from backend.paths import Paths
from backend.rollout.member import Member
from backend.system.files import make_private, read_if_there, write_atomically


@dataclass(frozen=True, slots=True)
class Record:
    """The file; one installer at a time writes it."""

    paths: Paths

    def members(self) -> dict[str, Member]:
        """Return the members by name, without their configuration; a damaged file is empty."""
        content = read_if_there(self.paths.state / "agents.json") or b"[]"
        try:
            return {
                str(one["name"]): Member(
                    str(one["name"]), one["role"] == "head", str(one["address"]), b""
                )
                for one in json.loads(content)
            }
        except (ValueError, KeyError, TypeError):
            return {}

    def add(self, member: Member) -> None:
        """Remember a member; raises OSError."""
        self._save({**self.members(), member.name: member})

    def drop(self, names: Iterable[str]) -> None:
        """Forget members; raises OSError."""
        gone = set(names)
        self._save({name: one for name, one in self.members().items() if name not in gone})

    def _save(self, members: Mapping[str, Member]) -> None:
        if not self.paths.state.is_dir():
            make_private(self.paths.state)
        file = self.paths.state / "agents.json"
        if not members:
            file.unlink(missing_ok=True)
            return
        found = [
            {"name": one.name, "role": one.role, "address": one.address} for one in members.values()
        ]
        write_atomically(file, json.dumps(found, indent=1).encode() + b"\n", 0o600)
