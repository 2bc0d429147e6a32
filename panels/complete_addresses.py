"""Which address becomes virtual, and the minute in which that must be kept."""

import tkinter as tk
from collections.abc import Callable, Sequence
from tkinter import ttk

from backend.actions.complete import Address
from panels.complete_texts import BACK, KEEP
from panels.context import PanelContext
from panels.widgets import names
from panels.widgets.buttons import button

SECONDS = 60.0  # of the bar


class Addresses(ttk.Frame):
    """A line for each network; those whose address may become virtual can be chosen."""

    def __init__(
        self, parent: tk.Misc, context: PanelContext, panel: str, give_back: Callable[[str], object]
    ) -> None:
        """``give_back`` is called with the network whose virtual IP is to go back to this head."""
        super().__init__(parent)
        self._theme, self._panel, self._give_back = context.theme, panel, give_back
        self._wanted: dict[str, tk.BooleanVar] = {}
        self._shown: tuple[Address, ...] = ()
        self._labels: list[ttk.Label] = []
        self.columnconfigure(0, weight=1)
        self.bind("<Configure>", lambda event: self._wrap(event.width))

    def show(self, addresses: Sequence[Address]) -> None:
        """Show them; what was chosen before stays."""
        if tuple(addresses) == self._shown:
            return
        before = {side: variable.get() for side, variable in self._wanted.items()}
        self._shown = tuple(addresses)
        self._wanted, self._labels = {}, []
        for child in self.winfo_children():
            child.destroy()
        for address in self._shown:
            if address.movable:
                # The compute nodes know this head by its private address only.
                self._choice(address, before.get(address.side, address.side == "private"))
            else:
                self._line(address)
        self._wrap(self.winfo_width())

    def reset(self) -> None:
        """Go back to the proposal."""
        for side, variable in self._wanted.items():
            variable.set(side == "private")

    @property
    def wanted(self) -> tuple[str, ...]:
        """The networks whose address is to become virtual."""
        return tuple(side for side, variable in self._wanted.items() if variable.get())

    def _choice(self, address: Address, on: bool) -> None:
        variable = self._wanted[address.side] = tk.BooleanVar(self, on)
        made = ttk.Checkbutton(
            self, variable=variable,
            text=f"{address.own} becomes the virtual IP of the {address.side} network"
            f" ({address.interface})",
        )  # fmt: skip
        made.grid(sticky="w", columnspan=2)
        names.name(made, f"{self._panel}.virtual-{address.side}")

    def _line(self, address: Address) -> None:
        row = len(self.winfo_children())
        label = ttk.Label(self, text=words(address), justify="left")
        label.grid(row=row, column=0, sticky="w")
        self._labels.append(label)
        names.name(label, f"{self._panel}.address-{address.side}")
        if address.reversible:
            made = button(
                self, "Give it back", lambda: self._give_back(address.side),
                tip=f"Make {address.virtual} this head's own address again, as it was before.",
            )  # fmt: skip
            made.grid(row=row, column=1, sticky="e")
            names.name(made, f"{self._panel}.give-back-{address.side}")

    def _wrap(self, width: int) -> None:
        buttons = (one for one in self.winfo_children() if isinstance(one, ttk.Button))
        room = width - max((one.winfo_reqwidth() for one in buttons), default=0)
        if room > self._theme.chars(20):  # it has been drawn
            for label in self._labels:
                label.configure(wraplength=room)


def words(address: Address) -> str:
    """Return what there is to say of addresses that stay as they are. Pure."""
    if not address.virtual:
        return f"● There is no virtual IP on the {address.side} network."
    own = f"; this head's own is {address.own}" if address.own else ""
    return f"✔ {address.virtual} is the virtual IP of the {address.side} network{own}."


class Keep(ttk.Frame):
    """The question whether the new state is kept, while the time runs out."""

    def __init__(
        self, parent: tk.Misc, context: PanelContext, panel: str,
        keep: Callable[[], object], back: Callable[[], object],
    ) -> None:  # fmt: skip
        theme = context.theme
        super().__init__(parent, style="WarningBanner.TFrame", padding=theme.half)
        self._margin = theme.half
        self.columnconfigure(0, weight=1)
        self._sentence = ttk.Label(self, style="WarningBanner.Bold.TLabel", justify="left")
        self._sentence.grid(sticky="w")
        self._left = ttk.Label(self, style="WarningBanner.TLabel")
        self._left.grid(sticky="w", pady=(theme.quarter, 0))
        self._bar = ttk.Progressbar(self, maximum=SECONDS)
        self._bar.grid(sticky="ew", pady=(theme.quarter, 0))
        self._keep = button(self, "Keep it", keep, main=True)
        self._keep.grid(row=0, column=1, padx=(theme.half, 0), sticky="ew")
        self._back = button(self, "Go back now", back)
        self._back.grid(
            row=1, column=1, rowspan=2, padx=(theme.half, 0), pady=(theme.quarter, 0), sticky="ew"
        )
        for key, widget in (
            ("keep", self._keep), ("go-back", self._back), ("time-left", self._left),
        ):  # fmt: skip
            names.name(widget, f"{panel}.{key}")
        self.bind("<Configure>", self._wrap)

    def ask(self, virtual: str) -> None:
        """Begin to ask; the keyboard is on the button that keeps it."""
        self._sentence.configure(text=KEEP.format(virtual=virtual or "The address"))
        for one in (self._keep, self._back):
            one.state(["!disabled"])
        self.grid()
        self._keep.focus_set()

    def tell(self, left: float, words: str) -> None:
        """Show the time that is left, in seconds; 0 while it goes back."""
        text = words if left else BACK
        if str(self._left.cget("text")) != text:
            self._left.configure(text=text)
        self._bar.configure(value=min(left, SECONDS))
        if not left:
            self.decided()

    def decided(self) -> None:
        """Take no further answer."""
        for one in (self._keep, self._back):
            one.state(["disabled"])

    def _wrap(self, event: "tk.Event[tk.Misc]") -> None:
        room = event.width - self._back.winfo_reqwidth() - 3 * self._margin
        self._sentence.configure(wraplength=max(1, room))
