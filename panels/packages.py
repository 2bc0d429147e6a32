"""Step 1: the packages a head needs, and everything that would go wrong later."""

from tkinter import ttk
from typing import ClassVar

from backend.actions import packages, preflight
from backend.actions.action import Outcome
from backend.actions.packages import InstallMissing
from backend.change.records import ChangeRecord
from backend.errors import HaoscarError
from backend.packages.catalog import PackageState
from backend.reports import Report, Severity
from backend.tasks import CancelToken
from panels.base import Panel
from panels.widgets import names
from panels.widgets.buttons import ButtonRow
from panels.widgets.findings import Findings
from panels.widgets.table import Column, Table

INTRO = "What a head node needs, and what for. Installing starts no service."
HELP = """\
The table names every package that this head needs to fetch an image, to let a machine boot from the network \
and to clone itself onto it, each with its purpose.

Install shows what is missing, asks, and lets the distribution's own tool do the rest. Nothing else is removed for \
it, and no daemon is started or enabled: that comes when it is configured. What was installed can be taken \
away again with Undo.

Below stands what would go wrong later, each with its remedy: networks, other DHCP servers on the private \
network, ports that are taken, a firewall, the clock, disk space. Nothing is changed to find that out."""


class PackagesPanel(Panel):
    """Installs what is missing; when nothing is, its main button leads to step 2."""

    name: ClassVar[str] = "packages"
    title: ClassVar[str] = "HA-OSCAR Packages Installation"
    help: ClassVar[str] = HELP

    def build(self, parent: ttk.Frame) -> None:
        """See Panel.build."""
        theme = self.context.theme
        self._missing: int | None = None  # None: not known
        self._problems: int | None = None  # None: not known
        self._looking: list[CancelToken] = []
        self._purposes: dict[str, str] = {}
        parent.columnconfigure(0, weight=1)
        parent.rowconfigure(2, weight=3)
        parent.rowconfigure(5, weight=2)
        self._label(parent, INTRO).grid(sticky="w")
        self._summary = self._label(parent)
        self._summary.grid(sticky="w", pady=(theme.half, theme.quarter))
        columns = (Column("package", "Package", 16), Column("state", "State", 11),
                   Column("purpose", "Purpose", 28))  # fmt: skip
        self._table = Table(parent, self.context, columns, on_select=self._chosen, height=9)
        self._table.grid(sticky="nsew")
        self._detail = self._label(parent)
        self._detail.grid(sticky="w", pady=(theme.quarter, theme.half))
        self._verdict = self._label(parent)
        self._verdict.grid(sticky="w", pady=(0, theme.quarter))
        self._findings = Findings(parent, height=6)
        self._findings.grid(sticky="nsew")
        row = ButtonRow(parent)
        row.grid(sticky="ew", pady=(theme.half, 0))
        self._main = row.add("Install", self.main_action, main=True)
        again = row.add("Look again", self.activate, tip="Look anew which packages are missing.")
        close = row.add("Close", self.context.close, right=True)
        self._row = row
        for key, widget in (
            ("list", self._table), ("summary", self._summary), ("detail", self._detail),
            ("verdict", self._verdict),
            ("findings", self._findings.text), ("install", self._main), ("again", again),
            ("close", close),
        ):  # fmt: skip
            names.name(widget, f"{self.name}.{key}")

    def _label(self, parent: ttk.Frame, text: str = "") -> ttk.Label:
        """Return a label that is broken at the panel's width."""
        made = ttk.Label(parent, text=text, style="Muted.TLabel", justify="left")
        margin = self.context.theme.quarter  # a label's own, around its text
        parent.bind(
            "<Configure>", lambda event: made.configure(wraplength=event.width - margin), add="+"
        )
        return made

    def activate(self) -> None:
        """See Panel.activate; what was found before stays until it is known anew."""
        self.leave()
        wiring, interface = self.context.wiring, self.context.interface
        if self._missing is None:
            self._say(self._summary, "Looking which packages are installed...", "Muted")
        self._problems = None
        self._say(self._verdict, "Looking at this head and its networks...", "Muted")
        self._looking = [
            self.context.look(lambda _context: packages.look(wiring), self._show, self._unknown),
            self.context.look(
                lambda context: preflight.look(wiring, context, interface),
                self._judge, self._not_judged,
            ),
        ]  # fmt: skip

    def leave(self) -> None:
        """See Panel.leave."""
        for one in self._looking:
            one.cancel()

    def main_action(self) -> None:
        """Install what is missing, or go on to step 2 when nothing is."""
        if self._missing == 0:
            self.context.show("fetch-image")
        else:
            then = "fetch-image" if self._problems == 0 else ""  # else they are read here first
            action = InstallMissing(self.context.wiring)
            self.context.carry_out(action, self._installed, then=then)

    def _installed(self, _record: ChangeRecord, _outcome: Outcome) -> None:
        self.context.changed()
        self.activate()

    def _show(self, found: tuple[PackageState, ...]) -> None:
        lacking = packages.missing(found)
        self._missing = len(lacking)
        self._purposes = {one.name: one.purpose for one in found}
        ordered = sorted(found, key=lambda one: one.installed)  # stable: the catalogue's order
        self._table.rows(
            {one.name: (one.name, _state(one), one.purpose) for one in ordered},
            {one.name: "warning" for one in lacking},
        )
        if lacking:
            text = f"▲ {len(lacking)} of {len(found)} packages are missing."
            self._say(self._summary, text, "Warning")
        else:
            self._say(self._summary, f"✔ Nothing is missing: {len(found)} packages.", "Ok")
        self._main.configure(text="Install" if lacking else "Go on to Step 2")
        self._row.arrange()

    def _unknown(self, problem: HaoscarError) -> None:
        """Say why the packages are not known; the same is among the findings, with its remedy."""
        self._missing = None
        self._table.rows({})
        self._say(self._summary, f"✖ {problem.reports[0]}", "Error")

    def _judge(self, reports: tuple[Report, ...]) -> None:
        shown = [one for one in reports if one.code != "packages.missing"]  # the table says it
        self._findings.show(shown)
        errors = sum(one.severity is Severity.ERROR for one in shown)
        warnings = sum(one.severity is Severity.WARNING for one in shown)
        self._problems = errors
        if errors:
            text = f"✖ {_count(errors, 'problem')} to solve, {warnings} to look at."
            self._say(self._verdict, text, "Error")
        elif warnings:
            text = f"▲ Nothing stands in the way; {_count(warnings, 'thing')} to look at."
            self._say(self._verdict, text, "Warning")
        else:
            self._say(self._verdict, "✔ Nothing stands in the way.", "Ok")

    def _not_judged(self, problem: HaoscarError) -> None:
        self._findings.show(problem.reports)
        self._say(self._verdict, "✖ This head could not be looked at.", "Error")

    def _chosen(self, key: str | None) -> None:
        """Show the whole purpose, which the column may be too narrow for."""
        self._detail.configure(text="" if key is None else f"{key}: {self._purposes[key]}")

    def _say(self, label: ttk.Label, text: str, style: str) -> None:
        label.configure(text=text, style=f"{style}.TLabel")


def _state(one: PackageState) -> str:
    return "✔ installed" if one.installed else "▲ missing"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
