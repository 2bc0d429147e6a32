"""What is measured on links and leases, as people read it. Pure."""

from backend.amounts import duration


def span(microseconds: float | None) -> str:
    """Return a short time with its unit; "-" where it is not known."""
    if microseconds is None:
        return "-"
    if microseconds < 1000:
        return f"{microseconds:.0f} us"
    if microseconds < 1_000_000:
        return f"{microseconds / 1000:.1f} ms"
    return duration(microseconds / 1e6)


def share(loss: float | None) -> str:
    """Return a part of the whole in per cent; "-" where it is not known."""
    return "-" if loss is None else f"{loss * 100:.1f} %"
