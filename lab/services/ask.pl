# ask.pl PROTOCOL ADDRESS PORT COUNT [PORTS [FROM]]: a client of answer.pl. It prints the name in
# each answer, or "nobody" after 2 s without an answer.
# PORTS is `new` (a new port for every request, the default) or `one` (the same port for all; udp
# and dns only).
use strict;
use warnings;
use Socket qw(:all);

my ($protocol, $address, $port, $count, $ports, $from) = @ARGV;
my %numbers = (tcp => 6, sctp => 132, udp => 17, dns => 17);
my $type = $numbers{$protocol} == 17 ? SOCK_DGRAM : SOCK_STREAM;
my $to = sockaddr($address, $port);
$SIG{ALRM} = sub { die "no answer\n" };

my $socket;
for (1 .. $count) {
    my $answer = eval {
        alarm 2;
        $socket = connected() if !defined $socket || ($ports // 'new') eq 'new';
        my $said = '';
        if ($type == SOCK_DGRAM) {
            send($socket, $protocol eq 'dns' ? dns_query('example.com') : 'who?', 0) // die "send: $!\n";
            recv($socket, $said, 4096, 0) // die "recv: $!\n";
        } else {
            syswrite($socket, "GET / HTTP/1.1\r\nHost: $address\r\nConnection: close\r\n\r\n") // die "write: $!\n";
            while (sysread($socket, my $part, 4096)) { $said .= $part }
        }
        alarm 0;
        $said;
    } // '';
    alarm 0;
    # The last word of an HTTP answer or a datagram; for DNS, the text of the last record.
    my ($name) = $answer =~ /([a-z0-9]+)\s*\z/;
    print defined $name ? $name : 'nobody', "\n";
}

sub connected {
    my $family = $address =~ /:/ ? AF_INET6 : AF_INET;
    socket(my $new, $family, $type, $numbers{$protocol}) or die "$protocol: $!\n";
    if (defined $from) { bind($new, sockaddr($from, 0)) or die "bind: $!\n" }
    connect($new, $to) or die "connect: $!\n";
    return $new;
}

sub sockaddr {
    my ($host, $number) = @_;
    return $host =~ /:/ ? pack_sockaddr_in6($number, inet_pton(AF_INET6, $host)) : pack_sockaddr_in($number, inet_aton($host));
}

# RFC 1035: a query for a name's TXT record.
sub dns_query {
    my ($name) = @_;
    return pack('n6', int rand 65536, 0x0100, 1, 0, 0, 0) . join('', map { pack('C/a', $_) } split /\./, $name) . pack('Cn2', 0, 16, 1);
}
