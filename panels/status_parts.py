"""What the cluster's status shows: the drawings, the sentences, and the lists below them."""

import tkinter as tk
from tkinter import ttk

from backend.actions.status import Entry, Resource, Status
from backend.actions.status_drill import LastDrill
from backend.actions.status_follow import News
from backend.actions.status_recovery import Standing, standing
from panels import status_diagrams, status_view
from panels.context import PanelContext
from panels.widgets import cluster_drawing, names, state_diagram
from panels.widgets.cluster_drawing import SIGNS, Cluster
from panels.widgets.drawing import Drawing
from panels.widgets.state_diagram import NOW, Diagram
from panels.widgets.table import Column, Table
from panels.widgets.timeline import Timeline

NO_DRILL = "No drill has been measured on this head yet. Drill... makes a fault on purpose and measures it."
UNKNOWN = "Nothing is known of the pair yet."
STATES = {"running": "ok", "failed": "error", "stopped": "muted"}  # of resources; others: warning
KINDS = {"alarm": "error", "notice": "muted"}


class Sentence(ttk.Label):
    """A text that wraps at its parent's width, and is not there while it is empty."""

    def __init__(self, parent: tk.Misc, row: int, quarter: int) -> None:
        super().__init__(parent, justify="left")
        self._row, self._quarter = row, quarter
        # Its own width comes too late: it would be seen as a column of letters first.
        parent.bind("<Configure>", self._wrap, add="+")

    def _wrap(self, event: "tk.Event[tk.Misc]") -> None:
        if event.widget is self.master and event.width > 1:
            self.configure(wraplength=max(1, event.width - self._quarter))

    def say(self, text: str, style: str = "TLabel") -> None:
        """Show another text; the same one is not drawn again."""
        if (str(self["text"]), str(self["style"])) == (text, style):
            return
        self.configure(text=text, style=style)
        if text:
            self.grid(row=self._row, column=0, sticky="ew")
        else:
            self.grid_remove()


class PairView(ttk.Frame):
    """Everything that follows from the news; used in the window's thread."""

    def __init__(self, parent: tk.Misc, context: PanelContext, panel: str) -> None:
        super().__init__(parent)
        half = context.theme.half
        self.columnconfigure(0, weight=1)
        self._problem = Sentence(self, 0, context.theme.quarter)
        self._recovery: Drawing[Diagram] = Drawing(self, context, state_diagram.lay_out)
        self._recovery.grid(row=1, sticky="ew")
        self._cluster: Drawing[Cluster] = Drawing(self, context, cluster_drawing.lay_out)
        self._cluster.grid(row=2, sticky="ew", pady=(half, 0))
        self._sentences = [Sentence(self, row, context.theme.quarter) for row in range(3, 7)]
        self._tabs = Tabs(self, context, panel)
        self._tabs.grid(row=7, sticky="nsew", pady=(half, 0))
        self.rowconfigure(7, weight=1)
        self._recovery.show(status_diagrams.recovery_diagram(None, ()), UNKNOWN, "Muted.TLabel")
        for key, widget in (
            ("problem", self._problem), ("state", self._recovery.words),
            ("pair", self._cluster.words), ("decision", self._sentences[0]),
            ("verdict", self._sentences[1]), ("alarm", self._sentences[2]),
            ("risks", self._sentences[3]),
        ):  # fmt: skip
            names.name(widget, f"{panel}.{key}")

    def show(self, news: News) -> None:
        """Show the newest; what is as before is not drawn again."""
        self._problem.say(
            "" if news.problem is None else f"{SIGNS['error']} {news.problem}", "Error.TLabel"
        )
        status = news.status
        found = None if status is None or news.problem else standing(status, news.events)
        self._say_state(found, news.events)
        drawn = status_view.cluster(news)
        if drawn is not None:
            self._cluster.show(drawn, cluster_drawing.describe(drawn), "Muted.TLabel")
        if status is not None:
            texts = status_view.sentences(status)
            styles = ("TLabel", "TLabel", "Error.TLabel", "Warning.TLabel")
            for label, text, style in zip(self._sentences, texts, styles, strict=True):
                label.say(text, style)
        self._tabs.show(status, news.events, known=news.problem is None)

    def show_drill(self, drill: LastDrill | None) -> None:
        """Show the last drill's times."""
        self._tabs.show_drill(drill)

    def open_drill(self) -> None:
        """Bring the last drill to the front."""
        self._tabs.open_drill()

    def _say_state(self, found: Standing | None, events: tuple[Entry, ...]) -> None:
        diagram = status_diagrams.recovery_diagram(found, events)
        if found is None:
            self._recovery.show(diagram, UNKNOWN, "Muted.TLabel")
            return
        tone = status_diagrams.tone(found)
        words = f"{SIGNS.get(tone, NOW)} {found.state.value}: {status_view.calmed(found.why)}"
        self._recovery.show(diagram, words, f"{tone.title()}.TLabel")


class Tabs(ttk.Notebook):
    """Services, sentences, the last drill and the agents' own states."""

    def __init__(self, parent: tk.Misc, context: PanelContext, panel: str) -> None:
        super().__init__(parent)
        services = (
            Column("name", "Service", 16),
            Column("state", "State", 12),
            Column("why", "Why", 40),
        )
        self._services = Table(self, context, services, height=5)
        events = (Column("time", "Time", 15, mono=True), Column("kind", "Kind", 8),
                  Column("sentence", "Sentence", 60))  # fmt: skip
        self._events = Table(self, context, events, height=5)
        self._drill = Timeline(self, context)
        self._agent: Drawing[Diagram] = Drawing(self, context, state_diagram.lay_out)
        for one in (self._drill, self._agent):
            one.configure(padding=context.theme.quarter)
        self.enable_traversal()
        for key, title, tab, told in (
            ("services", "Services", self._services, self._services),
            ("events", "Events", self._events, self._events),
            ("last-drill", "Last drill", self._drill, self._drill.words),
            ("agents", "Agents", self._agent, self._agent.words),
        ):
            self.add(tab, text=title, sticky="nsew")
            names.name(told, f"{panel}.{key}")
        names.name(self, f"{panel}.tabs")
        self.show(None, (), known=False)
        self.show_drill(None)

    def show(self, status: Status | None, events: tuple[Entry, ...], *, known: bool) -> None:
        """Show the lists and the agents' states; ``known``: they are those of this moment."""
        resources = status.resources if status is not None else ()
        self._services.rows(
            {one.name: (one.name, _state(one), one.why) for one in resources},
            {
                one.name: tone
                for one in resources
                if (tone := _tone(one) if known else "muted") != "ok"
            },
        )
        newest_first = {f"{one.number}@{one.time}": one for one in reversed(events)}
        self._events.rows(
            {
                key: (status_view.moment(one), one.kind, one.sentence)
                for key, one in newest_first.items()
            },
            {key: KINDS[one.kind] for key, one in newest_first.items() if one.kind in KINDS},
        )
        current = status if known else None
        diagram = status_diagrams.agent_diagram(current, events)
        self._agent.show(diagram, status_diagrams.agent_words(current))

    def show_drill(self, drill: LastDrill | None) -> None:
        """Show the last drill's times."""
        if drill is None:
            self._drill.clear(NO_DRILL)
            return
        verdict, style = status_view.drill_verdict(drill)
        what = f"{verdict} {_minute(drill.started)}, {drill.title}."
        self._drill.show(drill.phases, drill.total_ms, drill.budget_ms, what, style)

    def open_drill(self) -> None:
        """Bring the last drill to the front."""
        self.select(self._drill)  # type: ignore[no-untyped-call]


def _minute(started: str) -> str:
    """Return the day and minute of an ISO 8601 moment."""
    return started[:16].replace("T", " ")


def _tone(resource: Resource) -> str:
    return "error" if resource.failed else STATES.get(resource.state, "warning")


def _state(resource: Resource) -> str:
    """Return a resource's state with its sign: colour is never the only one."""
    return f"{SIGNS.get(_tone(resource), '')} {resource.state}".lstrip()
