#!/usr/bin/perl
# Ask the warm service for one event's decision: the hook's fast way.
#
#   perl zm_ask.pl SOCKET SECONDS SILENCE EID MID NAME CAUSE PATH CONFIG [COMMAND...]
#
# Prints the detection string. Exit 0: detected. 1: nothing detected. 2: no decision could be made.
# A service answers within SECONDS, and shows at least every SILENCE seconds that it is alive. Where
# none does, this process becomes COMMAND, which decides by itself; without one, exit 3: no service
# is there. 4: it did not answer within SECONDS.
#
# Perl is on every machine that has ZoneMinder, and starts in a third of the time that curl takes.
# Every event pays for what this loads, so it loads nothing: not Socket.pm, and not strict.pm and
# warnings.pm either, which would double its time. The tests run it with both. It needs no signal
# and no child, since ZoneMinder starts it with some of them blocked.

my ($DETECTED, $NOTHING, $UNDECIDED, $NO_SERVICE, $TOO_LATE) = (0, 1, 2, 3, 4);
my ($AF_UNIX, $SOCK_STREAM, $LONGEST_PATH) = (1, 1, 107);    # of Linux
my ($SOL_SOCKET, $SO_SNDTIMEO, $EBADF) = (1, 21, 9);
my $LARGEST = 16 * 1024 * 1024;
my $NUMBER = qr/^\d+(?:\.\d+)?$/;

my ($place, $seconds, $silence, @values) = splice @ARGV, 0, 9;
my @command = @ARGV;
if (@values != 6 || grep { !/$NUMBER/ } $seconds, $silence) {
    print STDERR "usage: zm_ask.pl SOCKET SECONDS SILENCE EID MID NAME CAUSE PATH CONFIG [COMMAND...]\n";
    exit $NO_SERVICE;
}

# The server may end us at its time-out: leave stdout empty then. The service sees its caller go, and
# drops the event.
my $code = $NOTHING;
for my $name (grep { ($SIG{$_} || '') ne 'IGNORE' } qw(TERM INT HUP)) {
    $SIG{$name} = sub { exit $code };
}
$SIG{PIPE} = 'IGNORE';

otherwise($NO_SERVICE, '--ask-service') if length($place) > $LONGEST_PATH;

my @form;
for my $name (qw(eid mid name cause path config)) {
    my $value = shift @values;
    $value =~ s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ge;
    push @form, "$name=$value";
}
my $body = join '&', @form;
my $request = "POST /decide HTTP/1.1\r\nHost: zmhook\r\n"
    . "Content-Type: application/x-www-form-urlencoded\r\n"
    . 'Content-Length: ' . length($body) . "\r\nConnection: close\r\n\r\n$body";

# One that hangs takes neither connections nor bytes for ever.
my $service;
socket $service, $AF_UNIX, $SOCK_STREAM, 0 or otherwise($NO_SERVICE, '--ask-service');
setsockopt $service, $SOL_SOCKET, $SO_SNDTIMEO, pack 'l!l!', int $silence, 1e6 * ($silence - int $silence);
connect $service, pack 'S a108', $AF_UNIX, $place or otherwise($NO_SERVICE, '--ask-service');
while (length $request) {
    my $sent = syswrite $service, $request;
    otherwise($NO_SERVICE, '--ask-service') unless $sent;
    substr $request, 0, $sent, '';
}

my $answer = '';
while (has_more()) {
    last unless sysread $service, $answer, 65536, length $answer;
    otherwise($NO_SERVICE, '--ask-service') if length $answer > $LARGEST;
}

# Signs of life come before the answer; half an answer is none.
$answer =~ s{^(?:HTTP/1\.\d 1\d\d.*?\r\n\r\n)+}{}s;
my ($head, $line) = split /\r\n\r\n/, $answer, 2;
my ($status) = defined $line ? $head =~ m{^HTTP/1\.\d ([2-5]\d\d)} : ();
otherwise($NO_SERVICE, '--ask-service')
    unless $status && $head =~ /^Content-Length: *(\d+)\r?$/mi && $1 == length $line;

if ($status == 200) {
    give($line);
    exit $DETECTED;
}
if ($status >= 400) {
    # Who gave no number is told so in any case, as by every way; why an event is undecided is in the
    # log, and is for people.
    complain($line) if $status == 400 || -t STDERR;
    exit $UNDECIDED;
}
otherwise($NO_SERVICE, '--ask-service') if $status < 300;
exit $NOTHING;

# Wait for more of the answer.
sub has_more {
    my $limit = $silence < $seconds ? $silence : $seconds;
    vec(my $bits = '', fileno $service, 1) = 1;
    my ($ready, $left) = select $bits, undef, undef, $limit;
    $seconds -= $limit - $left;
    return 1 if $ready > 0;
    otherwise($TOO_LATE) if $seconds <= 0;
    return has_more() if $ready < 0;    # we were stopped for a while
    otherwise($NO_SERVICE, '--ask-service');
}

sub give {
    my ($line) = @_;
    while (length $line) {
        my $sent = syswrite STDOUT, $line;
        unless ($sent) {
            return if $! == $EBADF;    # it was closed, which is no failure
            my $why = "$!";
            complain("the answer could not be written: $why") unless @command;
            otherwise($UNDECIDED, "--undelivered=$why");
        }
        $code = $DETECTED;
        substr $line, 0, $sent, '';
    }
}

# Become what decides without us.
sub otherwise {
    my ($exit, @more) = @_;
    exit $exit unless @command;
    eval {
        exec { $command[0] } @command, @more;
    };
    complain("$command[0]: cannot be run: $!");
    exit $UNDECIDED;
}

# What it says may hold anything.
sub complain {
    my ($text) = @_;
    $text =~ s/(?:[\x00-\x1f\x7f]|\xc2[\x80-\x9f])+/ /g;
    $text =~ s/ +$//;
    print STDERR "zmhook: ERROR: $text\n";
}
