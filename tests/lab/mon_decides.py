"""mon's own decisions, cut out of the program and run by Perl under a clock that the test moves."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.lab.mon_reads import Mon

OF_MON = (
    "do_startup_alerts", "do_alert", "read_cf", "dhmstos", "process_event", "inRange", "set_op_status", "depend",
    "dep_ok", "dep_summary", "un_esc_str",
)  # fmt: skip

# What stands around them in mon; call_alert keeps its books as there, and tells instead of running.
PERL = r"""
our $NOW;
BEGIN { *CORE::GLOBAL::time = sub () { $main::NOW }; }
use POSIX; use File::Spec; use Text::ParseWords; use Time::Period; use JSON::PP;
our (%opt, %CF, %groups, %watch, %alias, %views, %watch_disabled, @last_failures, $STOPPED, $tm, $DEP_EVAL_SANDBOX);
our ($STAT_FAIL, $STAT_OK, $STAT_COLDSTART, $STAT_WARMSTART, $STAT_LINKDOWN, $STAT_UNKNOWN, $STAT_TIMEOUT,
    $STAT_UNTESTED, $STAT_DEPEND, $STAT_WARN) = (0..9);
our ($FL_MONITOR, $FL_UPALERT, $FL_TRAP, $FL_TRAPTIMEOUT, $FL_STARTUPALERT, $FL_TEST, $FL_REDISTRIBUTE,
    $FL_ACKALERT, $FL_DISABLEALERT) = (1, 2, 4, 8, 16, 32, 64, 128, 256);
our %SUCCESS = ($STAT_OK => 1, $STAT_COLDSTART => 1, $STAT_WARMSTART => 1, $STAT_UNKNOWN => 1, $STAT_UNTESTED => 1);
our @told;
$SIG{__WARN__} = sub {};
open (STDERR, '>', '/dev/null');
sub syslog {} sub debug {} sub write_dtlog {}
sub call_alert {
    my (%args) = @_;
    my $kind = $args{flags} & $FL_UPALERT ? "up" : $args{flags} & $FL_STARTUPALERT ? "startup" : "down";
    my @words = grep { defined } $args{alert}, $args{args};
    push @told, ["$args{group}:$args{service}", $kind, join (" ", @words), $args{output} // ""];
    return 1 if $args{flags} & ($FL_TEST | $FL_REDISTRIBUTE);
    $args{pref}->{_last_alert} = time if defined $args{pref};
    return 1;
}
OF_MON
while (my $line = <STDIN>) {
    my $story = JSON::PP::decode_json ($line);
    %groups = (); %watch = (); %CF = (DEP_RECUR_LIMIT => 10, MAX_KEEP => 100); %watch_disabled = (); @last_failures = ();
    $NOW = $story->{start};
    my $error = read_cf ($story->{file}, 1);
    my @answers = ();
    if ($error eq "") {
        do_startup_alerts ();
        push @answers, [@told]; @told = ();
        for my $event (@{$story->{events}}) {
            my ($what, $at, $ref, $code, $output) = @$event;
            $tm = $NOW = $at;
            my ($g, $s) = split /:/, $ref;
            my $sref = $watch{$g}->{$s};
            if ($what eq "ack") { $sref->{_ack} = $NOW if $sref->{_op_status} == $STAT_FAIL; }
            elsif ($what eq "disable") { $sref->{disable} = $code; }
            else { process_event ($what, $g, $s, $code, $output); }
            push @answers, [@told]; @told = ();
        }
    }
    print JSON::PP->new->canonical->encode ({error => $error, answers => \@answers}), "\n";
}
"""


def decides(mon: Mon, stories: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what mon says to each story: for the start and each event the alerts it sends.

    A story has ``file``, ``start`` and ``events``: [kind, time, ref, code, output]; kinds are m (a
    monitor has ended), t (a trap), ack and disable (with code 1 or 0).
    """
    source = (mon.root / "usr/sbin/mon").read_text(encoding="latin-1")
    subs = "\n".join(_sub(source, name) for name in OF_MON)
    script = mon.root / "decides.pl"
    script.write_text(PERL.replace("OF_MON\n", subs), encoding="latin-1")
    done = subprocess.run(
        ["perl", "-I", str(mon.root / "usr/share/perl5"), str(script)],
        input="".join(json.dumps(one) + "\n" for one in stories),
        capture_output=True, text=True, timeout=120, check=True,
        env={"PATH": "/usr/bin:/bin", "TZ": "UTC"},
    )  # fmt: skip
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == len(stories), done.stdout[-500:]
    return found


def _sub(source: str, name: str) -> str:
    """Return one function of mon; its last line is a bracket at the margin."""
    begin = max(
        source.find(f"\nsub {name} {{"),
        source.find(f"\nsub {name} \n{{"),
        source.find(f"\nsub {name}\n{{"),
    )
    assert begin > 0, name
    return source[begin : source.index("\n}\n", begin) + 3]


def write_files(into: Path, texts: list[str]) -> list[Path]:
    """Write each text into a file of its own."""
    files = [into / f"{number}.cf" for number in range(len(texts))]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text)
    return files
