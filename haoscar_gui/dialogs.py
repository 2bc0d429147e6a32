"""The few windows of their own: help, a question, a password; every one closes with Esc."""

import tkinter as tk
from collections.abc import Callable
from pathlib import Path
from tkinter import filedialog, ttk

from backend.model.secrets import Secret
from haoscar_gui.focus import dialog_open
from panels.widgets import names
from panels.widgets.buttons import ButtonRow, button
from panels.widgets.text import ReadText
from panels.widgets.theme import Theme

WIDTH = 64  # characters of a line


class Dialog(tk.Toplevel):
    """A small window in the middle of the large one."""

    def __init__(self, root: tk.Misc, title: str, *, modal: bool = True) -> None:
        super().__init__(root, class_="Haoscar")
        self.withdraw()
        self.title(title)
        self.transient(root.winfo_toplevel())
        self.theme = Theme.of(root)
        self._modal = modal
        self._before = root.focus_get()  # what gets the keyboard back
        self.body = ttk.Frame(self, padding=self.theme.line)
        self.body.pack(fill="both", expand=True)
        self.bind("<Escape>", lambda _event: self.escape())
        self.protocol("WM_DELETE_WINDOW", self.escape)
        self.configure(
            highlightthickness=self.theme.hair
        )  # an edge where no window manager draws one
        self.theme.follow(self, self._recolour)

    def _recolour(self) -> None:
        edge = self.theme.outline
        self.configure(
            background=self.theme.background, highlightbackground=edge, highlightcolor=edge
        )

    def present(self, focus: tk.Misc) -> None:
        """Show it, in the middle of the window it belongs to, with the keyboard."""
        self.update_idletasks()
        above = self.master.winfo_toplevel()
        width, height = self.winfo_reqwidth(), self.winfo_reqheight()
        x = above.winfo_rootx() + (above.winfo_width() - width) // 2
        y = above.winfo_rooty() + (above.winfo_height() - height) // 3
        self.geometry(f"+{max(0, x)}+{max(0, y)}")
        self.deiconify()
        self.lift()
        if self._modal:
            self.wait_visibility()
            self.grab_set()
        focus.focus_force()

    def escape(self) -> None:
        """Close it, as Esc does."""
        self.destroy()

    def destroy(self) -> None:
        """Close it, and give the keyboard back: nobody else does where there is no window manager."""
        before, root = self._before, self.master.winfo_toplevel()
        super().destroy()
        if root.winfo_exists() and not dialog_open(root):
            (before if before is not None and before.winfo_exists() else root).focus_force()

    def sentence(self, text: str, style: str = "TLabel") -> None:
        """Add a text."""
        label = ttk.Label(
            self.body, text=text, style=style, justify="left",
            wraplength=self.theme.chars(WIDTH),
        )  # fmt: skip
        label.pack(anchor="w", pady=(0, self.theme.half))


class Question(Dialog):
    """A question with a button for each answer; the last one is the safe one, and has the focus."""

    def __init__(
        self, root: tk.Misc, question: str, answers: tuple[str, ...],
        answered: Callable[[str], object], detail: str = "",
    ) -> None:  # fmt: skip
        super().__init__(root, "HA-OSCAR")
        self._answered, self._safe = answered, answers[-1]
        self.sentence(question, "Bold.TLabel")
        if detail:
            self.sentence(detail)
        row = ButtonRow(self.body)
        row.pack(fill="x")
        for answer in answers:
            made = row.add(answer, lambda one=answer: self._answer(one), right=True)  # type: ignore[misc]
            names.name(made, f"ask.{names.slug(answer)}")
        row.arrange()
        self.present(made)

    def _answer(self, answer: str) -> None:
        self.destroy()
        self._answered(answer)

    def escape(self) -> None:
        """See Dialog.escape."""
        self._answer(self._safe)


class SecretQuestion(Dialog):
    """Asks for a password; what was typed is handed on once and kept nowhere."""

    def __init__(
        self, root: tk.Misc, prompt: str, answered: Callable[[Secret | None], object]
    ) -> None:
        super().__init__(root, "HA-OSCAR")
        self._answered = answered
        self.sentence(prompt, "Bold.TLabel")
        self._entry = ttk.Entry(self.body, show="•", width=40, font="HaoscarBody")
        self._entry.pack(fill="x", pady=(0, self.theme.half))
        self._entry.bind("<Return>", lambda _event: self._take())
        row = ButtonRow(self.body)
        row.pack(fill="x")
        take = row.add("OK", self._take, main=True, right=True)
        away = row.add("Cancel", self.escape, right=True)
        for widget, name in ((self._entry, "entry"), (take, "ok"), (away, "cancel")):
            names.name(widget, f"secret.{name}")
        row.arrange()
        self.present(self._entry)

    def _take(self) -> None:
        secret = Secret(self._entry.get())
        self.destroy()
        self._answered(secret)

    def escape(self) -> None:
        """See Dialog.escape."""
        self.destroy()
        self._answered(None)


class Help(Dialog):
    """A text to read; the window stays usable beside it."""

    def __init__(self, root: tk.Misc, title: str, text: str) -> None:
        super().__init__(root, f"Help: {title}", modal=False)
        self.sentence(title, "Bold.TLabel")
        lines = sum(1 + len(line) // WIDTH for line in text.split("\n"))
        shown = ReadText(self.body, height=max(3, min(20, lines + 1)))
        shown.text.configure(width=WIDTH)
        shown.set(text)
        shown.pack(fill="both", expand=True, pady=(0, self.theme.half))
        close = button(self.body, "Close", self.escape)
        close.pack(anchor="e")
        names.name(shown.text, "help.text")
        names.name(close, "help.close")
        self.present(close)


def choose_file(
    root: tk.Misc, title: str, chosen: Callable[[Path], object], *, save: bool, name: str
) -> None:
    """Let a file be chosen; nothing is called when the person declines."""
    ask = filedialog.asksaveasfilename if save else filedialog.askopenfilename
    answer = ask(parent=root, title=title, initialfile=name)
    if answer:
        chosen(Path(answer))
