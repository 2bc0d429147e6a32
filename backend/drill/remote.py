"""Small programs for a member's own Python (3.9 or later); their text is sent, nothing is left there."""

import json
from collections.abc import Sequence

from backend.rollout.far import python
from backend.rollout.places import PROGRAM
from backend.system.runner import Command

# Arguments: the agent's file, and a list of argument lists as JSON. The probers share this
# program's standard input and end with it; each line that they print goes on with its number.
MEASURE = """\
import json, subprocess, sys, threading, time
turn = threading.Lock()
def say(number, **more):
    with turn:
        sys.stdout.write(json.dumps({"number": number, "clock": time.time(), **more}) + "\\n")
        sys.stdout.flush()
def follow(number, words):
    words = [sys.executable, "-I", sys.argv[1], "probe", *words]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as prober:
        for line in prober.stdout:
            try:
                say(number, said=json.loads(line))
            except ValueError:
                say(number, error=line.decode("utf-8", "replace").strip()[:300])
threads = [threading.Thread(target=follow, args=one) for one in enumerate(json.loads(sys.argv[2]))]
for one in threads:
    one.start()
for one in threads:
    one.join()
"""
# What the next two begin with. Arguments: the agent's file, its process.
_AGENT = """\
import os, select, signal, sys
program, pid = sys.argv[1], int(sys.argv[2])
def read(name):
    try:
        with open(f"/proc/{pid}/{name}", "rb") as file:
            return file.read()
    except OSError:
        return b""
def birth():
    return read("stat").rpartition(b")")[2].split()[19:20]
if program.encode() not in read("cmdline").split(b"\\0"):
    sys.exit(f"process {pid} is not the agent any more")
"""
KILL = f"{_AGENT}os.kill(pid, signal.SIGKILL)\n"
# Third argument: seconds. Ends at once when standard input does; the agent goes on in any case.
FREEZE = f"""\
{_AGENT}born = birth()
def on_signals(what):
    for one in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(one, what)
on_signals(lambda *_: sys.exit(0))
try:
    os.kill(pid, signal.SIGSTOP)
    print("frozen", flush=True)
    select.select([0], [], [], float(sys.argv[3]))
finally:
    on_signals(signal.SIG_IGN)
    if birth() == born:
        os.kill(pid, signal.SIGCONT)
"""
THAW = f"{_AGENT}os.kill(pid, signal.SIGCONT)\n"
# The first PID namespace of a kernel has a number of its own (PROC_PID_INIT_INO): elsewhere a reset
# would hit the machine that this container is on.
MAY_RESET = """\
import os, sys, time
if os.stat("/proc/self/ns/pid").st_ino != 0xEFFFFFFC:
    sys.exit("it is a container: a reset would hit the machine that it runs on")
try:
    trigger = os.open("/proc/sysrq-trigger", os.O_WRONLY | os.O_CLOEXEC)
except OSError as problem:
    sys.exit(f"its kernel cannot be asked for a reset: {problem}")
"""
# Ends before the reset comes, so that the connection is not left hanging.
RESET = f"""\
{MAY_RESET}if os.fork():
    os._exit(0)
os.setsid()
null = os.open(os.devnull, os.O_RDWR)
for one in (0, 1, 2):
    os.dup2(null, one)
time.sleep(0.3)
os.write(trigger, b"b")
"""
CLOCK = """\
import sys, time
sys.stdout.write(str(time.time()) + "\\n")
sys.stdout.flush()
"""


def measure(orders: Sequence[Sequence[str]]) -> Command:
    """Return the command that runs probers, each with these arguments, until its input ends."""
    return python("-c", MEASURE, PROGRAM, json.dumps([list(one) for one in orders]))


def kill(pid: int) -> Command:
    """Return the command that kills the agent."""
    return python("-c", KILL, PROGRAM, str(pid))


def freeze(pid: int, seconds: float) -> Command:
    """Return the command that freezes the agent until its input ends, or for ``seconds``."""
    return python("-c", FREEZE, PROGRAM, str(pid), f"{seconds:g}")


def thaw(pid: int) -> Command:
    """Return the command that lets a frozen agent go on; it fails where that agent is no more."""
    return python("-c", THAW, PROGRAM, str(pid))


def may_reset() -> Command:
    """Return the command that fails with a sentence where a reset must not be tried."""
    return python("-c", MAY_RESET)


def reset() -> Command:
    """Return the command that resets the machine 0.3 s after it has ended."""
    return python("-c", RESET)


def clock() -> Command:
    """Return the command that prints the wall clock, in seconds."""
    return python("-c", CLOCK)
