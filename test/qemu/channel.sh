# Within the machine: runs each script that comes by the port, one after the other, and answers with its exit status and
# its output. A script, a standard output and a standard error are each a word in base64, after a dot: it may be empty.
mkdir -p /run/channel
cd /run/channel
exec 3<>/dev/virtio-ports/channel
while read -r script <&3; do
  base64 -d <<<"${script#.}" >script
  (cd /root && exec env -i PATH="$PATH" HOME=/root LC_ALL=C sh -e /run/channel/script) >out 2>err </dev/null 3>&-
  echo "$? .$(base64 -w0 out) .$(base64 -w0 err)" >&3
done
