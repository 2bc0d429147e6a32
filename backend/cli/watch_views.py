"""How the watch list is printed and given to programs."""

from dataclasses import fields, is_dataclass
from typing import Any

from backend.cli.output import Output
from backend.model.watchlist import WatchedService, WatchList
from backend.model.watchlist_form import LABELS, alert_line, texts_of


def as_dict(watch: WatchList) -> dict[str, Any]:
    """Return the list for ``--json``: texts as in the site file, null where there is no value."""
    return {
        "groups": [_values(one) for one in watch.groups],
        "periods": [_values(one) for one in watch.periods],
        "services": [_values(one) for one in watch.services],
    }


def _values(entry: Any) -> dict[str, Any]:
    found = {one.name: _plain(getattr(entry, one.name)) for one in fields(entry)}
    for key in ("environment", "options"):  # pairs
        if key in found:
            found[key] = dict(getattr(entry, key))
    return found


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if is_dataclass(value) and hasattr(value, "kind"):
        return _values(value)
    if not isinstance(value, tuple):
        return str(value)
    return [_values(one) if is_dataclass(one) else str(one) for one in value]


def show_service(service: WatchedService, out: Output) -> None:
    """Print everything that a service says."""
    out.say(str(service.ref))
    _show_texts(texts_of(service), out, "  ")
    for number, period in enumerate(service.periods, 1):
        out.say(f"  Monitoring period {number}")
        _show_texts(texts_of(period), out, "    ")
        for alert in period.alerts:
            out.say(f"    Alert: {alert_line(alert)}")


def _show_texts(texts: dict[str, str], out: Output, indent: str) -> None:
    for key, text in texts.items():
        if key not in ("group", "name") and text not in ("", "no"):
            out.say(f"{indent}{LABELS[key]}: {text}")
