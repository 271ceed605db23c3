# Servers at a distance, for kernels without netem: answers each TCP SYN for an address of 10.88.0.0/16 after as many
# milliseconds as the file says ("10.88.0.1 20" a line), refuses it where that is negative, and is silent where the
# address is not in it. Says "syn ADDRESS" for each. A connection is never more than open.
#   perl far.pl FILE
use strict;
my ($file) = @ARGV;
$| = 1;
mkdir '/dev/net';
system 'mknod', '/dev/net/tun', 'c', 10, 200 unless -e '/dev/net/tun';
open my $tun, '+<:raw', '/dev/net/tun' or die "tun: $!";
# TUNSETIFF of linux/if_tun.h: IFF_TUN | IFF_NO_PI.
my $interface = pack 'a16 s x22', 'far', 0x1001;
ioctl $tun, 0x400454ca, $interface or die "TUNSETIFF: $!";
system('ip link set far up && ip route add 10.88.0.0/16 dev far') == 0 or die;
$SIG{CHLD} = 'IGNORE';
print "ready\n";
my $packet;
take($packet) while sysread $tun, $packet, 65536;

sub take {
  my ($packet) = @_;
  my ($first, $protocol, $from, $to) = unpack 'C x8 C x2 a4 a4', $packet;
  return if $first != 0x45 || $protocol != 6;
  my ($client, $server, $sequence, $acknowledged, $flags) = unpack 'x20 n n N N x C', $packet;
  my ($syn, $ack, $fin, $rst) = map { $flags & $_ } 2, 16, 1, 4;
  return if $rst || !($syn || $fin);
  my $answer = sub { answer($to, $from, $server, $client, @_) };
  return later(0, $answer->($acknowledged, 0, 4)) if $fin;
  my $address = join '.', unpack 'C4', $to;
  print "syn $address\n";
  open my $distances, '<', $file or return;
  my %distance = map { split } <$distances>;
  my $distance = $distance{$address};
  return unless defined $distance;
  return later(0, $answer->(0, $sequence + 1, 20)) if $distance < 0;
  later($distance / 1000, $answer->(1, $sequence + 1, 18));
}

# By a process of its own, which needs no clock.
sub later {
  my ($seconds, $packet) = @_;
  return if fork;
  select undef, undef, undef, $seconds;
  syswrite $tun, $packet;
  exit;
}

sub answer {
  my ($from, $to, $source, $destination, $sequence, $acknowledged, $flags) = @_;
  my $tcp = pack 'n n N N C C n n n', $source, $destination, $sequence, $acknowledged & 0xffffffff, 0x50, $flags, 65535, 0, 0;
  substr $tcp, 16, 2, pack 'n', checksum(pack('a4 a4 x C n', $from, $to, 6, 20) . $tcp);
  my $ip = pack 'C C n N C C n a4 a4', 0x45, 0, 40, 0, 64, 6, 0, $from, $to;
  substr $ip, 10, 2, pack 'n', checksum($ip);
  return $ip . $tcp;
}

sub checksum {
  my $sum = unpack '%32n*', $_[0];
  $sum = ($sum >> 16) + ($sum & 0xffff) while $sum >> 16;
  return ~$sum & 0xffff;
}
