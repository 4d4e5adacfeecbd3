# Sends Ethernet frames unchanged: perl frames.pl INTERFACE SECONDS <FRAMES, a line of hexadecimal digits each.
# Sends each frame once or, if SECONDS isn't 0, all of them in turn for that time.
# Perl is on every Debian, and can open a link-layer socket (packet(7)), which Node can't.
use strict;
use warnings;

my ($interface, $seconds) = @ARGV;
my @frames = map { chomp; pack "H*", $_ } <STDIN>;
die "frames.pl: no frames\n" unless @frames;

# AF_PACKET, SOCK_RAW; without a protocol, the socket receives nothing.
socket my $link, 17, 3, 0 or die "frames.pl: socket: $!\n";
# SIOCGIFINDEX
my $request = pack "a16 x24", $interface;
ioctl $link, 0x8933, $request or die "frames.pl: $interface: $!\n";
# struct sockaddr_ll
my $to = pack "S n i S C C a8", 17, 0, unpack("x16 i", $request), 0, 0, 6, "";

# Whole seconds, because the module for fractions is not on every Debian.
my $end = time + 1;
1 while $seconds > 0 && time < $end;
$end += $seconds;
my $sent = 0;
my ($user_before, $system_before) = times;
do {
    for my $round (1 .. ($seconds > 0 ? 100 : 1)) {
        for my $frame (@frames) {
            defined send $link, $frame, 0, $to or die "frames.pl: send: $!\n";
            $sent++;
        }
    }
} while ($seconds > 0 && time < $end);
my ($user, $system) = times;
print "$sent ", $user + $system - $user_before - $system_before, "\n";
