"""mon's own reader of mon.cf, cut out of the program and run by Perl on many files."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# What read_cf needs of the rest of mon; it is called as mon calls it at its start.
PERL = r"""
use POSIX; use File::Spec; use Text::ParseWords; use Time::Period; use JSON::PP;
our (%opt, %CF, %groups, %watch, %alias, %views);
our $STAT_UNTESTED = 7;
$SIG{__WARN__} = sub {};
open (STDERR, '>', '/dev/null');
READ_CF
sub run {
    my ($fac, $args) = split (/\s+/, $_[0], 2);
    return [$fac, quotewords ('\s+', 0, $args // '')];
}
while (my $file = <STDIN>) {
    chomp $file;
    %groups = (); %watch = (); %CF = ();
    my $error = read_cf ($file, 1);
    my %found;
    if ($error eq "") {
        for my $g (keys %watch) { for my $s (keys %{$watch{$g}}) {
            my %r = %{$watch{$g}->{$s}};
            my %kept = map { $_ => $r{$_} } grep { !/^_/ && !ref $r{$_} } keys %r;
            $kept{env} = $r{ENV} // {};
            $kept{exclude} = [sort keys %{$r{exclude_hosts}}];
            $kept{monitor} = run ($r{monitor}) if defined $r{monitor};
            for my $tag (keys %{$r{periods}}) {
                my $p = $r{periods}->{$tag};
                my %q = map { $_ => $p->{$_} } grep { !ref $p->{$_} } keys %$p;
                for my $kind ('alerts', 'upalerts', 'startupalerts') {
                    $q{$kind} = [map { run ($_) } @{$p->{$kind}}];
                }
                $kept{periods}->{$tag} = \%q;
            }
            $found{"$g:$s"} = \%kept;
        } }
    }
    print JSON::PP->new->canonical->encode ({error => $error, groups => \%groups, services => \%found}), "\n";
}
"""


@dataclass(frozen=True)
class Mon:
    """mon 1.3.6, unpacked."""

    root: Path

    def reads(self, files: list[Path]) -> list[dict[str, Any]]:
        """Return what mon makes of each file: error (empty when it is right), groups, services."""
        source = (self.root / "usr/sbin/mon").read_text(encoding="latin-1")
        reader = source[source.index("sub read_cf {") : source.index("sub reset_server {")]
        script = self.root / "reads.pl"
        script.write_text(PERL.replace("READ_CF", reader), encoding="latin-1")
        done = subprocess.run(
            ["perl", "-I", str(self.root / "usr/share/perl5"), str(script)],
            input="".join(f"{one}\n" for one in files), capture_output=True, text=True, timeout=120, check=True,
        )  # fmt: skip
        found = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(found) == len(files), done.stdout[-500:]
        return found


def unpacked(into: Path) -> Mon:
    """Fetch Debian's mon and unpack it, without installing: its service would start."""
    subprocess.run(
        ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", "mon", "libtime-period-perl"],
        cwd=into, check=True, capture_output=True, timeout=180,
    )  # fmt: skip
    root = into / "root"
    for package in into.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", str(package), str(root)], check=True, timeout=60)
    return Mon(root)
