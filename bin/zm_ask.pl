#!/usr/bin/perl
# Ask the warm service for one event's decision: the hook's fast way.
#
#   perl zm_ask.pl SOCKET SECONDS SILENCE EID MID NAME CAUSE PATH CONFIG [COMMAND...]
#
# Prints the detection string. Exit 0: detected. 1: nothing detected. 2: no decision could be made.
# A service answers within SECONDS, and shows at least every SILENCE seconds that it is alive; what the
# service has written beside its socket counts in place of both. Where none does, this process becomes
# COMMAND, which decides by itself; without one, exit 3: no service is there. 4: it did not answer
# within SECONDS.
#
# Perl is on every machine that has ZoneMinder, and starts in a third of the time that curl takes.
# Every event pays for what this loads, so it loads nothing: not Socket.pm, and not strict.pm and
# warnings.pm either, which would double its time. The tests run it with both. It needs no signal
# and no child, since ZoneMinder starts it with some of them blocked.

my ($DETECTED, $NOTHING, $UNDECIDED, $NO_SERVICE, $TOO_LATE) = (0, 1, 2, 3, 4);
my ($AF_UNIX, $SOCK_STREAM, $LONGEST_PATH) = (1, 1, 107);    # of Linux
my ($SOL_SOCKET, $SO_PEERCRED, $SO_SNDTIMEO, $EBADF) = (1, 17, 21, 9);
# O_NONBLOCK | O_NOFOLLOW, the latter both as x86 has it and as ARM; the other's is O_LARGEFILE there.
my $CAREFULLY = 04000 | 0400000 | 0100000;
my $LARGEST = 16 * 1024 * 1024;
my ($LONGEST_TOLD, $LONGEST_WAIT) = (4096, 3600);
my $CLOCK_EVERY = 256;
my ($place, $seconds, $silence, @values) = splice @ARGV, 0, 9;
my @command = @ARGV;
if (@values != 6 || !is_number($seconds) || !is_number($silence)) {
    otherwise($NO_SERVICE, '--ask-service') if @command;
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

read_patience($values[1]);
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
otherwise($NO_SERVICE, '--ask-service') if $> == 0 && !is_trusted();
while (length $request) {
    my $sent = syswrite $service, $request;
    otherwise($NO_SERVICE, '--ask-service') unless $sent;
    substr $request, 0, $sent, '';
}

my $answer = '';
my ($chunks, $until) = (0, 0);
while (has_more()) {
    last unless sysread $service, $answer, 65536, length $answer;
    otherwise($NO_SERVICE, '--ask-service') if length $answer > $LARGEST;
    # Signs of life come before the answer.
    1 while $answer =~ s{^HTTP/1\.\d 1\d\d.*?\r\n\r\n}{}s;
}

# Half an answer is none.
my ($head, $line) = split /\r\n\r\n/, $answer, 2;
my ($status) = defined $line ? $head =~ m{^HTTP/1\.\d ([2-5]\d\d)} : ();
otherwise($NO_SERVICE, '--ask-service')
    unless $status && $head =~ /^Content-Length: *(\d+)\r?$/mi && $1 == length $line;

if ($status == 200) {
    $line = plain($line);
    otherwise($NO_SERVICE, '--ask-service') unless length $line;
    give("$line\n");
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

# The service writes down how long to wait: for an answer, for a sign of life, for that of a monitor.
# Others may write there too: no pipe is waited for, no link followed, and nothing but numbers taken.
sub read_patience {
    my ($mid) = @_;
    return unless substr($place, -5) eq '.sock';
    sysopen my $file, substr($place, 0, -5) . '.seconds', $CAREFULLY or return;
    my $told = '';
    return unless -f $file && sysread($file, $told, $LONGEST_TOLD);
    chop $told if substr($told, -1) eq "\n";
    my ($most, $least, @monitors) = split / /, $told, -1;
    for (@monitors) {
        my ($monitor, $wait) = split /=/;
        return unless is_number($wait);
        $most = $wait if $monitor eq $mid;
    }
    ($seconds, $silence) = ($most, $least) if is_number($most) && is_number($least);
    return;
}

sub is_number {
    my ($text) = @_;
    return defined $text && length $text && length $text < 10
        && $text !~ tr/0-9.//c && $text =~ tr/.// <= 1 && substr($text, -1) ne '.' && substr($text, 0, 1) ne '.'
        && $text > 0 && $text <= $LONGEST_WAIT;
}

# What anybody answers who may put a socket there is not for root.
sub is_trusted {
    my $peer = getsockopt $service, $SOL_SOCKET, $SO_PEERCRED or return 0;
    my (undef, $uid) = unpack 'iII', $peer;
    return 1 if $uid == 0;
    my $owner = (stat(substr($place, 0, rindex($place, '/') + 1) || '.'))[4];
    return defined $owner && $uid == $owner;
}

# Wait for more of the answer.
sub has_more {
    # One who talks without a pause never lets us wait.
    if (++$chunks % $CLOCK_EVERY == 0 && open my $clock, '<', '/proc/uptime') {
        my ($now) = split ' ', <$clock>;
        $until ||= $now + $seconds;
        otherwise($TOO_LATE) if $now >= $until;
    }
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
    $text = plain($text);
    print STDERR "zmhook: ERROR: $text\n";
}

# The text as one line of what can be printed; JSON in it stays the same, for ours has escapes there.
sub plain {
    my ($text) = @_;
    if ($text =~ tr/\x20-\x7e\n//c) {
        # What a terminal neither obeys nor hides, in UTF-8: no control characters (of C1 too), no marks
        # that turn the direction of writing, no separators of lines, nothing invisible. It is a string,
        # since every event would pay for a pattern.
        my $printable = '[\x20-\x7e]|(?!\xd8\x9c|\xe1\xa0\x8e|\xe2\x80[\x8b-\x8f\xa8-\xaf]|\xe2\x81[\x9f-\xaf]'
            . '|\xef\xbb\xbf|\xef\xbf[\xb0-\xbb]|\xf3\xa0)(?:\xc2[\xa1-\xac\xae-\xbf]|[\xc3-\xdf][\x80-\xbf]'
            . '|(?:\xe0[\xa0-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]|\xed[\x80-\x9f])[\x80-\xbf]'
            . '|(?:\xf0[\x90-\xbf]|[\xf1-\xf3][\x80-\xbf]|\xf4[\x80-\x8f])[\x80-\xbf]{2})';
        $text =~ s/($printable)|./defined $1 ? $1 : ' '/gse;
    }
    $text =~ tr/\n/ /;
    my $end = length $text;
    $end-- while $end && substr($text, $end - 1, 1) eq ' ';
    return substr $text, 0, $end;
}
