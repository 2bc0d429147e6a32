"""Which machines have the agent, and whose votes it counts there: kept on the head that installs.

The site file may forget a member, and a member that is off cannot be asked.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from backend.paths import Paths
from backend.rollout.member import ConfigView, Member
from backend.system.files import make_private, read_if_there, write_atomically


@dataclass(frozen=True, slots=True)
class Entry:
    """One machine."""

    member: Member
    voters: frozenset[str]

    def as_dict(self) -> dict[str, object]:
        """Return it as the file has it."""
        one = self.member
        return {
            "name": one.name, "role": one.role, "address": one.address, "voters": sorted(self.voters),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Record:
    """The file; one installer at a time writes it."""

    paths: Paths

    def members(self) -> dict[str, Member]:
        """Return the members by name, without their configuration."""
        return {name: entry.member for name, entry in self._entries().items()}

    def unseen_heads(
        self, members: Iterable[Member], seen: Iterable[Member]
    ) -> dict[Member, frozenset[str]]:
        """Return the heads that nobody looks at now, with the voters they were last given."""
        entries, around = self._entries(), set(seen)
        return {
            one: entries[one.name].voters
            for one in members
            if one.head and one not in around and one.name in entries
        }

    def add(self, member: Member) -> None:
        """Remember a member; raises OSError."""
        view = ConfigView.of(member.config)
        entry = Entry(member, frozenset() if view is None else view.voters)
        self._save({**self._entries(), member.name: entry})

    def drop(self, names: Iterable[str]) -> None:
        """Forget members; raises OSError."""
        gone = set(names)
        self._save({name: one for name, one in self._entries().items() if name not in gone})

    def _entries(self) -> dict[str, Entry]:
        """Return what the file says; a damaged one says nothing."""
        content = read_if_there(self.paths.state / "agents.json") or b"[]"
        try:
            return {
                str(one["name"]): Entry(
                    Member(str(one["name"]), one["role"] == "head", str(one["address"]), b""),
                    frozenset(str(voter) for voter in one["voters"]),
                )
                for one in json.loads(content)
            }
        except (ValueError, KeyError, TypeError):
            return {}

    def _save(self, entries: Mapping[str, Entry]) -> None:
        if not self.paths.state.is_dir():
            make_private(self.paths.state)
        file = self.paths.state / "agents.json"
        if not entries:
            file.unlink(missing_ok=True)
            return
        found = [one.as_dict() for one in entries.values()]
        write_atomically(file, json.dumps(found, indent=1).encode() + b"\n", 0o600)
