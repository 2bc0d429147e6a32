"""Step 4: "Build Boot Floppy / Setup Network Boot", and the machines that install, as it happens."""

import tkinter as tk
from collections.abc import Sequence
from tkinter import ttk
from typing import ClassVar

from backend.actions import network_boot
from backend.actions.action import Outcome
from backend.actions.boot_media import MediumKind
from backend.actions.install_progress import MachineView, Phase
from backend.actions.install_watch import InstallsSeen, WatchInstalls
from backend.actions.installs import ArmInstall, DisarmInstall
from backend.actions.network_boot import NetworkBootView, SetUpNetworkBoot
from backend.reports import info
from backend.tasks import CancelToken, Event
from panels.base import Panel
from panels.network_boot_machines import Doings, Hints, Machines, shown
from panels.network_boot_media import MediaBuilder
from panels.network_boot_ways import WAYS, Way, lay_out
from panels.widgets import names
from panels.widgets.buttons import ButtonRow
from panels.widgets.drawing import Drawing

INTRO = "Commands to create a boot environment: floppy or network"
HELP = """\
Setup Network Boot puts boot loaders and the installer where a standby's network card finds them, for BIOS \
and for UEFI, and starts the boot server. It is needed for floppies and sticks too. A standby that has a \
MAC address may install once afterwards; every other machine goes on to its own disk.

Network-boot ONLY the standby. Its steps appear below as they happen; when it runs from its own disk, the \
window goes on to step 5.

Build Autoinstall Floppy... and Build ISO/USB image... make a medium for a machine whose card cannot boot.

Install lets a machine in once more. Cancel installation takes that back, also in the middle.\
"""
STEP_5 = "complete"
OVERWRITE, BLANK_ONLY, CANCEL = "Overwrite its disk", "Only a blank disk", "Cancel"


class NetworkBootPanel(Panel):
    """Two ways to start a standby, a picture of them, and a page for each machine."""

    name: ClassVar[str] = "network-boot"
    title: ClassVar[str] = "Build Boot Floppy / Setup Network Boot"
    help: ClassVar[str] = HELP

    def build(self, parent: ttk.Frame) -> None:
        """See Panel.build."""
        theme = self.context.theme
        self._view = NetworkBootView()
        self._machines: tuple[MachineView, ...] = ()
        self._following: CancelToken | None = None
        self._seen_busy: set[tuple[str, float]] = set()
        self._media = MediaBuilder(self.context)
        parent.columnconfigure(0, weight=1)
        parent.rowconfigure(5, weight=1)
        ttk.Label(parent, text=INTRO, style="Muted.TLabel").grid(sticky="w")
        self._build_picture(parent)
        self._build_buttons(parent)
        self._hints = Hints(parent)
        self._hints.grid(row=4, sticky="ew", pady=(0, theme.quarter))
        names.name(self._hints, f"{self.name}.hints")
        doings = Doings(self._install, self._cancel, lambda _machine: self.context.show(STEP_5))
        self._pages = Machines(parent, self.context, doings)
        self._pages.grid(row=5, sticky="nsew")

    def _build_picture(self, parent: ttk.Frame) -> None:
        theme = self.context.theme
        self._way = tk.StringVar(parent, "bios")
        self._ways = row = ButtonRow(parent)
        row.grid(row=1, sticky="ew", pady=(theme.quarter, theme.half))
        for key, way in WAYS.items():
            choice = ttk.Radiobutton(
                row, text=way.label, value=key, variable=self._way, command=self._show_way
            )
            names.name(choice, f"{self.name}.way.{key}")
            row.put(choice)
        self._picture: Drawing[Way] = Drawing(parent, self.context, lay_out)
        self._picture.grid(row=2, sticky="ew")
        names.name(self._picture.canvas, f"{self.name}.picture")
        names.name(self._picture.words, f"{self.name}.words")
        self._show_way()

    def _build_buttons(self, parent: ttk.Frame) -> None:
        theme = self.context.theme
        self._row = row = ButtonRow(parent)
        row.grid(row=3, sticky="ew", pady=theme.half)
        self._set_up = row.add(
            "Setup Network Boot", self._press_set_up, main=True,
            tip="Boot loaders, installer and boot server, for BIOS and UEFI; then the standby may install.",
        )  # fmt: skip
        floppy = row.add(
            "Build Autoinstall Floppy...", lambda: self._media.build(MediumKind.FLOPPY),
            tip="A 1.44 MB image file or a real floppy, for BIOS machines.",
        )  # fmt: skip
        usb = row.add(
            "Build ISO/USB image...", lambda: self._media.build(MediumKind.USB),
            tip="An image file or a real stick, for BIOS and UEFI machines.",
        )  # fmt: skip
        close = row.add("Close", self.context.close, right=True)
        for key, widget in (
            ("set-up", self._set_up), ("floppy", floppy), ("usb", usb),
            ("close", close),
        ):  # fmt: skip
            names.name(widget, f"{self.name}.{key}")

    def activate(self) -> None:
        """See Panel.activate."""
        self._stop_following()
        self._seen_busy.clear()
        self._look()
        wiring = self.context.wiring
        token = self.context.follow(WatchInstalls(wiring), lambda event: self._news(token, event))
        self._following = token

    def leave(self) -> None:
        """See Panel.leave."""
        self._stop_following()

    def main_action(self) -> None:
        """Do what comes next: set up, install, or go on to step 5."""
        step, standby = next_step(self._view.set_up, self._machines)
        if step == "set-up":
            self._press_set_up()
        elif step == "complete":
            self.context.show(STEP_5)
        elif step == "install":
            self._install(next(one for one in self._machines if one.name == standby))

    def _stop_following(self) -> None:
        if self._following is not None:
            self._following.cancel()
            self._following = None

    def _look(self) -> None:
        wiring = self.context.wiring
        self.context.look(lambda _task: network_boot.look(wiring), self._looked)

    def _looked(self, view: NetworkBootView) -> None:
        self._view = view
        self._hints.show(view.reports)
        self._show_next()

    def _news(self, token: CancelToken, event: Event) -> None:
        if token.cancelled or not isinstance(event, InstallsSeen):
            return
        before = {one.name: one.phase for one in self._machines}
        if event.set_up != self._view.set_up:
            self._look()
        self._machines = event.machines
        self._pages.show(event.machines)
        if before and before != {one.name: one.phase for one in event.machines}:
            self.context.changed()
        self._show_next()
        self._go_on(event.machines)

    def _go_on(self, machines: Sequence[MachineView]) -> None:
        """Go on to step 5 when an installation that was watched has ended well, and no other runs."""
        self._seen_busy |= {(one.name, one.armed) for one in machines if one.busy}
        ended = [
            one
            for one in machines
            if one.phase is Phase.INSTALLED and (one.name, one.armed) in self._seen_busy
        ]
        if ended and not any(one.busy for one in machines):
            self._seen_busy.clear()
            self.context.say(info("install.booted", ended[-1].headline, "Step 5 completes it."))
            self.context.show(STEP_5)

    def _show_next(self) -> None:
        """Make the button of the next step the main one."""
        step, standby = next_step(self._view.set_up, self._machines)
        self._set_up.configure(style="Main.TButton" if step == "set-up" else "TButton")
        self._pages.emphasise(step, standby)
        self._row.arrange()
        begun = any(one.begun for one in self._machines)
        for widget in (self._ways, self._picture):  # it happens: no need to say what will happen
            shown(widget, not begun)

    def _show_way(self) -> None:
        way = WAYS[self._way.get()]
        self._picture.show(way, way.words)

    def _press_set_up(self) -> None:
        self.context.carry_out(SetUpNetworkBoot(self.context.wiring), self._done, then=self.name)

    def _install(self, machine: MachineView) -> None:
        """Arm a ticket; whether the disk may be overwritten is asked where it carries something."""
        if not machine.may_carry_data:
            self._arm(machine, wipe=False)
            return

        def answered(answer: str) -> None:
            if answer != CANCEL:
                self._arm(machine, wipe=answer == OVERWRITE)

        detail = (
            f"{machine.headline} Everything on its disk would be lost."
            if machine.phase is Phase.INSTALLED
            else "Its disk may carry what an earlier installation has written; then only the first "
            "answer leads to an end."
        )
        question = f"May the disk of {machine.name} be overwritten?"
        answers = (OVERWRITE, BLANK_ONLY, CANCEL)
        self.context.ask(question, answers, answered, detail=detail)

    def _arm(self, machine: MachineView, *, wipe: bool) -> None:
        action = ArmInstall(self.context.wiring, machine.name, wipe=wipe)
        self.context.carry_out(action, self._done, then=self.name)

    def _cancel(self, machine: MachineView) -> None:
        action = DisarmInstall(self.context.wiring, machine.name)
        self.context.carry_out(action, self._done, then=self.name)

    def _done(self, _result: object, _outcome: Outcome) -> None:
        self._look()


def next_step(set_up: bool, machines: Sequence[MachineView]) -> tuple[str, str]:
    """Return what comes next: set-up, install or complete (and which standby), or nothing. Pure."""
    if not set_up:
        return "set-up", ""
    if any(one.busy for one in machines):
        return "", ""
    installed = next((one.name for one in machines if one.phase is Phase.INSTALLED), None)
    if installed is not None:
        return "complete", installed
    waiting = next((one.name for one in machines if one.mac is not None), None)
    return ("install", waiting) if waiting is not None else ("", "")
