"""Somebody who sits there: answers in order what is asked, and remembers the questions."""

from dataclasses import dataclass, field

from backend.model.secrets import Secret
from backend.system.known_hosts import HostKey


@dataclass
class FakePerson:
    """Trusts host keys or not, and has one answer for each secret; then none."""

    trusts: bool = True
    answers: list[str | None] = field(default_factory=list)
    prompts: list[str] = field(default_factory=list)
    keys: list[tuple[str, HostKey]] = field(default_factory=list)

    def trust_host_key(self, host: str, key: HostKey) -> bool:
        """See Person.trust_host_key."""
        self.keys.append((host, key))
        return self.trusts

    def secret(self, prompt: str) -> Secret | None:
        """See Person.secret."""
        self.prompts.append(prompt)
        answer = self.answers.pop(0) if self.answers else None
        return None if answer is None else Secret(answer)


class _Nobody:
    """May not be asked anything."""

    def trust_host_key(self, host: str, key: HostKey) -> bool:
        """See Person.trust_host_key."""
        raise AssertionError(f"nobody was to be asked about {host}")

    def secret(self, prompt: str) -> Secret | None:
        """See Person.secret."""
        raise AssertionError(f"nobody was to be asked: {prompt}")


NOBODY = _Nobody()
