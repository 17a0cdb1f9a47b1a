# Sends UDP datagrams back, or sends some and expects each to come back; perl-base is all it needs.
#   udp.pl echo PORT ADDRESS...             in the background, for five minutes; prints its process ID
#   udp.pl send LOCAL REMOTE PORT SIZE...   one datagram of each size; prints how many came back as they were
use strict;
use Socket qw(:DEFAULT getaddrinfo AI_NUMERICHOST);

sub address {
	my ($err, $a) = getaddrinfo($_[0], $_[1], { flags => AI_NUMERICHOST, socktype => SOCK_DGRAM });
	die "$_[0]: $err\n" if $err;
	return $a;
}

sub udp {
	my $a = address(@_);
	socket(my $s, $a->{family}, SOCK_DGRAM, 0) or die "socket: $!\n";
	setsockopt($s, SOL_SOCKET, 33, 4 << 20); # SO_RCVBUFFORCE
	setsockopt($s, 0, 10, 0) if $a->{family} == AF_INET; # SOL_IP, IP_MTU_DISCOVER: DF clear
	bind($s, $a->{addr}) or die "bind $_[0] $_[1]: $!\n";
	return $s;
}

my $verb = shift;
if ($verb eq "echo") {
	my $port = shift;
	my @sockets = map { udp($_, $port) } @ARGV;
	if (my $pid = fork) { print "$pid\n"; exit } # whoever started us may go on: the sockets are open
	open STDIN, "<", "/dev/null"; open STDOUT, ">", "/dev/null"; open STDERR, ">", "/dev/null";
	my $end = time + 300;
	while (time < $end) {
		my $ready = "";
		vec($ready, fileno $_, 1) = 1 for @sockets;
		select($ready, undef, undef, 1) > 0 or next;
		for my $s (@sockets) {
			next unless vec($ready, fileno $s, 1);
			my $from = recv($s, my $b, 65536, 0);
			send($s, $b, 0, $from) if defined $from;
		}
	}
	exit;
}
my ($local, $remote, $port, @sizes) = @ARGV;
my ($s, $to, $good) = (udp($local, 0), address($remote, $port)->{addr}, 0);
for my $n (@sizes) {
	my $d = join "", map { chr(($_ * 7 + $n * 13) & 255) } 0 .. $n - 1;
	send($s, $d, 0, $to) or die "send $n: $!\n";
	vec(my $ready = "", fileno $s, 1) = 1;
	if (select($ready, undef, undef, 3) < 1) { print "no answer to $n octets\n"; next }
	recv($s, my $b, 65536, 0);
	$b eq $d ? $good++ : print "answer of ", length $b, " octets to $n octets differs\n";
}
print "$good of ", scalar @sizes, " came back\n";
