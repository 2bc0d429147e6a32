"""Whether ports, machines, name servers and clocks answer: tcp, icmp, dns, ntp."""

from __future__ import annotations

import os
import time

from backend.system.watch import tcp, udp
from backend.system.watch.errors import Silent
from backend.watch.monitors import dns_message, ntp_message
from backend.watch.monitors.findings import Finding, failed, ok, unknown
from backend.watch.monitors.look import Look, each
from backend.watch.results import Result


async def check_tcp(look: Look) -> Result:
    """Check whether a port accepts connections."""
    return await each(look, _tcp)


async def _tcp(look: Look, host: str, address: str) -> Finding:
    port = int(look.given.words[0])
    await tcp.knock(address, port, look.seconds)
    return ok(host, f"port {port} accepts connections")


async def check_icmp(look: Look) -> Result:
    """Check whether hosts answer to ping."""
    return await each(look, _icmp)


async def _icmp(look: Look, host: str, address: str) -> Finding:
    tries = look.given.number("tries")
    try:
        took = await look.tools.pinger.ping(address, look.seconds, tries)
    except Silent:
        return failed(host, f"no answer to {tries} pings within {look.seconds:.3g} s")
    return ok(host, f"answers in {took * 1000:.1f} ms")


async def check_dns(look: Look) -> Result:
    """Check whether name servers answer."""
    return await each(look, _dns)


async def _dns(look: Look, host: str, address: str) -> Finding:
    options = look.given.options
    name, kind, wanted = options["name"], options["type"], options["address"]
    question = dns_message.Question(int.from_bytes(os.urandom(2), "big"), name, kind)
    answer = await udp.ask(
        (address, look.given.number("port")),
        dns_message.encode(question),
        lambda data: dns_message.decode(data, question),
        seconds=look.seconds,
    )
    # Without a name of the site only a server that cannot do its work fails.
    why = dns_message.complaint(answer, question, wanted, strict=name != "localhost")
    if why:
        return failed(host, why)
    return ok(host, f"answers for {name}")


async def check_ntp(look: Look) -> Result:
    """Check how far clocks are off."""
    return await each(look, _ntp)


async def _ntp(look: Look, host: str, address: str) -> Finding:
    nonce = os.urandom(8)
    sent = time.time()

    def answer(data: bytes) -> ntp_message.Answer | None:
        return ntp_message.decode(data, nonce, sent, time.time())

    found = await udp.ask(
        (address, look.given.number("port")), ntp_message.encode(nonce), answer,
        seconds=look.seconds, tries=1,  # a second question would spoil the times
    )  # fmt: skip
    if found.problem:
        return failed(host, found.problem)
    most = look.given.span("offset")
    text = f"its clock is {abs(found.offset):.3f} s {'ahead' if found.offset > 0 else 'behind'}"
    if abs(found.offset) > most + found.error:
        return failed(host, f"{text}; allowed are {most:g} s")
    if abs(found.offset) > most:
        return unknown(host, f"{text}, but measured with an error of {found.error:.3f} s")
    return ok(host, text)
