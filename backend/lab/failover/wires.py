"""What the switch does to frames: a value, and the nftables rules that make it so. Pure."""

from dataclasses import dataclass, field

TABLE = "table bridge faults"


@dataclass(frozen=True, slots=True)
class Wires:
    """The frames that get lost although every cable has its carrier.

    Ports are names at the switch. The judge's ports lose nothing by chance: it must see what there
    is to see.
    """

    silent: frozenset[str] = frozenset()  # nothing passes these ports, in or out
    deaf: frozenset[tuple[str, str]] = field(default=frozenset())  # (from, to): one way
    loss: int = 0  # per cent of all other frames, each at its only hop, the switch
    spared: frozenset[str] = frozenset()  # ports without loss

    def __post_init__(self) -> None:
        if not 0 <= self.loss < 100:
            raise ValueError(f"a loss of {self.loss} % makes no sense")

    def apart(self, ports: tuple[str, ...], others: tuple[str, ...]) -> "Wires":
        """Return wires on which these ports and those no longer hear each other."""
        pairs = {(a, b) for a in ports for b in others}
        pairs |= {(b, a) for a, b in pairs}
        return Wires(self.silent, self.deaf | pairs, self.loss, self.spared)

    def rules(self) -> str:
        """Return what nft is given: one transaction that replaces all rules by these."""
        lines = [f"{TABLE} {{}}", f"delete {TABLE}"]
        drops = [
            f"{way} {port} drop" for port in sorted(self.silent) for way in ("iifname", "oifname")
        ]
        drops += [f"iifname {a} oifname {b} drop" for a, b in sorted(self.deaf)]
        if self.loss:
            drops += [
                f"{way} {port} accept"
                for port in sorted(self.spared)
                for way in ("iifname", "oifname")
            ]
            drops.append(f"numgen random mod 100 < {self.loss} drop")
        if drops:
            lines += [f"{TABLE} {{", "chain forward {", "type filter hook forward priority 0;"]
            lines += [*drops, "}", "}"]
        return "".join(line + "\n" for line in lines)
