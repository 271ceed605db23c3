# Of another user: puts one thing after the other under the same names, as fast as it can, and prints how often.
#   perl hostile-flips.pl COUNT
# In its own folder `home`: `d` is by turns a folder and a link to /etc/victim; in `own`, the file, its temporary and what
# else they could be are by turns links to root's file, named pipes, folders and files.
use strict;
use POSIX ();
chdir '/home/eve' or die $!;
my $secret = '/etc/victim/secret';
mkdir 'real';
for my $n (1 .. $ARGV[0]) {
    rename 'd', 'real' if $n % 2;
    if ($n % 2) { symlink '/etc/victim', 'd' }
    else { unlink 'd'; rename 'real', 'd' }
    my $name = ('own/file', 'own/.file.holdfast')[($n >> 1) % 2];
    unlink $name or rmdir $name;
    my $kind = ($n >> 2) % 4;
    if ($kind == 0) { symlink $secret, $name }
    elsif ($kind == 1) { POSIX::mkfifo($name, 0666) }
    elsif ($kind == 2) { mkdir $name }
    else { open my $file, '>', $name; print $file "eve\n" }
}
print "$ARGV[0]\n";
