/* The floor of counting routes: a netlink dump of which only headers are read, by table and protocol.
 *   cc -O2 -o routes routes.c && ./routes
 * Prints "FAMILY COUNT" for IPv4 (2) and IPv6 (10). */
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <sys/socket.h>

static char buffer[32 * 1024];
static unsigned counts[256][256];

static long dump(int family) {
  struct { struct nlmsghdr header; struct rtmsg body; } request = {
      .header = {sizeof request, RTM_GETROUTE, NLM_F_REQUEST | NLM_F_DUMP, 1, 0}, .body = {.rtm_family = family}};
  long total = 0;
  int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
  if (fd < 0 || send(fd, &request, sizeof request, 0) < 0) return -1;
  for (;;) {
    int length = recv(fd, buffer, sizeof buffer, 0);
    if (length <= 0) return -1;
    for (struct nlmsghdr *h = (void *)buffer; NLMSG_OK(h, length); h = NLMSG_NEXT(h, length)) {
      if (h->nlmsg_type == NLMSG_DONE) return total;
      if (h->nlmsg_type != RTM_NEWROUTE) return -1;
      struct rtmsg *route = NLMSG_DATA(h);
      counts[route->rtm_table][route->rtm_protocol]++;
      total++;
    }
  }
}

int main(void) {
  long ipv4 = dump(AF_INET), ipv6 = dump(AF_INET6);
  printf("%d %ld\n%d %ld\n", AF_INET, ipv4, AF_INET6, ipv6);
  return ipv4 < 0 || ipv6 < 0;
}
