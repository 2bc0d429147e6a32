"""How the command line takes an action from being asked for to being done; showing is each command's."""

import argparse
from dataclasses import dataclass
from typing import TypeVar

from backend.actions.action import Action, Prepared
from backend.actions.reaching import Way
from backend.cli.app import App
from backend.cli.ssh_options import credentials, port
from backend.imaging.client import refuse_unknown
from backend.model.names import UserName
from backend.model.secrets import Secret
from backend.system.known_hosts import HostKey
from backend.system.ssh import HostKeyDecision
from backend.tasks import Event, Progress, TaskContext

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Terminal:
    """The Person at the terminal: host keys as the options say; passwords were asked for before."""

    decide: HostKeyDecision = refuse_unknown

    def trust_host_key(self, host: str, key: HostKey) -> bool:
        """See Person."""
        return self.decide(host, key)

    def secret(self, prompt: str) -> Secret | None:
        """See Person: what a machine wants is given by options (--ask-password), or it is refused."""
        del prompt
        return None


NOBODY = Terminal()


def way(args: argparse.Namespace) -> Way:
    """Return how members are logged in on, as the options say; raises InvalidInput, Refused."""
    login = credentials(args)
    return Way(UserName.parse(login.user), port(args), login)


def prepared(action: Action[T], app: App, person: Terminal = NOBODY) -> Prepared[T]:
    """Let an action look and plan; its steps are plain lines, as a question may come between them.

    Raises HaoscarError, and KeyboardInterrupt for Ctrl-C: nothing has been changed then.
    """
    if app.json:
        with app.out.progress(action.title) as listener:
            return action.prepare(TaskContext(listener), person)

    def listen(event: Event) -> None:
        if isinstance(event, Progress):
            app.out.say(event.step)
        else:
            app.out.reports([event])

    return action.prepare(TaskContext(listen), person)
