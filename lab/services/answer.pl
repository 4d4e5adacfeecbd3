# answer.pl PROTOCOL PORT NAME [ADDRESS]: a server that answers with its host's name.
# tcp and sctp: an HTTP answer on every connection. smtp: a mail server's dialogue. udp: a datagram
# for every datagram.
# dns: a TXT record for every query over UDP.
# With ADDRESS it listens only there, even before the host has it, and answers over UDP leave from
# that address.
use strict;
use warnings;
use Socket qw(:all);

my ($protocol, $port, $name, $address) = @ARGV;
my %types = (tcp => SOCK_STREAM, smtp => SOCK_STREAM, sctp => SOCK_STREAM, udp => SOCK_DGRAM, dns => SOCK_DGRAM);
my %numbers = (tcp => 6, smtp => 6, sctp => 132, udp => 17, dns => 17);
my $ip_freebind = 15;
my $inet6 = ($address // '') =~ /:/;

socket(my $server, $inet6 ? AF_INET6 : AF_INET, $types{$protocol}, $numbers{$protocol}) or die "$protocol: $!\n";
setsockopt($server, SOL_SOCKET, SO_REUSEADDR, 1) or die "reuse: $!\n";
setsockopt($server, IPPROTO_IP, $ip_freebind, 1) or die "freebind: $!\n";
my $at = $inet6 ? pack_sockaddr_in6($port, inet_pton(AF_INET6, $address)) : pack_sockaddr_in($port, inet_aton($address // '0.0.0.0'));
bind($server, $at) or die "$protocol $port: $!\n";

if ($types{$protocol} == SOCK_DGRAM) {
    while (defined(my $from = recv($server, my $asked, 4096, 0))) {
        send($server, $protocol eq 'dns' ? dns_answer($asked) : $name, 0, $from);
    }
    die "recv: $!\n";
}

# A client that leaves early must not end the server.
$SIG{PIPE} = 'IGNORE';
listen($server, 128) or die "listen: $!\n";
while (accept(my $client, $server)) {
    # A check connects without sending anything; after a second of silence the next client's turn
    # comes.
    setsockopt($client, SOL_SOCKET, SO_RCVTIMEO, pack('l!l!', 1, 0));
    if ($protocol eq 'smtp') {
        mail_dialogue($client);
        close($client);
        next;
    }
    my $length = length "$name\n";
    if (sysread($client, my $asked, 4096)) {
        syswrite($client, "HTTP/1.1 200 OK\r\nContent-Length: $length\r\nConnection: close\r\n\r\n$name\n");
    }
    close($client);
}
die "accept: $!\n";

# RFC 5321, as far as a client that sends no mail needs it.
sub mail_dialogue {
    my ($client) = @_;
    my $answer = "220 $name\r\n";
    while (syswrite($client, $answer) && $answer !~ /^221/ && sysread($client, my $asked, 4096)) {
        $answer = $asked =~ /^QUIT/i ? "221 bye\r\n" : $asked =~ /^(HELO|EHLO)/i ? "250 $name\r\n" : "502 no\r\n";
    }
}

# RFC 1035: the query's id and question, flags for an authoritative answer without error, and one
# TXT record for the name.
sub dns_answer {
    my ($query) = @_;
    my ($question) = substr($query, 12) =~ /\A(.*?\0....)/s or return '';
    return substr($query, 0, 2) . pack('n5', 0x8580, 1, 1, 0, 0) . $question
        . pack('n3Nn', 0xc00c, 16, 1, 0, 1 + length $name) . pack('C/a', $name);
}
