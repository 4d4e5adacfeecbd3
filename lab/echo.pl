# echo.pl PORT NAME: sends NAME on each connection, then echoes every byte. Needs only perl-base.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;

my ( $port, $name ) = @ARGV;
local $SIG{PIPE} = 'IGNORE';
my $listener = IO::Socket::INET->new( LocalPort => $port, Listen => 1024, ReuseAddr => 1 )
  or die "port $port: $@\n";
my $sockets = IO::Select->new($listener);
while ( my @ready = $sockets->can_read ) {
    for my $socket (@ready) {
        if ( $socket == $listener ) {
            my $connection = $listener->accept or next;
            syswrite $connection, "$name\n";
            $sockets->add($connection);
        }
        elsif ( sysread $socket, my $bytes, 65536 ) {
            syswrite $socket, $bytes;
        }
        else {
            $sockets->remove($socket);
            close $socket;
        }
    }
}
