/*
 * The traffic that test/bench/ledger.ts measures the ledger with. `ledger MODE ADDRESS PORT COUNT` prints nanoseconds
 * of CPU for one send (udp, udp-connected), one request with its answer (tcp-rr), or 64 KiB of a stream (tcp-bulk).
 * The figure is the least of 50 equal parts of the run, because other work on the machine only ever adds time.
 * `ledger serve PORT` answers TCP, and leaves UDP unread, on IPv4.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK = 65536, PARTS = 50 };

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

static struct sockaddr_in place(const char *address, const char *port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(port))};
  if (inet_pton(AF_INET, address, &to.sin_addr) != 1) fail(address);
  return to;
}

/* One byte starts an exchange; 'b' starts a stream of which nothing is answered until it ends. */
static void answer(int fd) {
  static char block[BLOCK];
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  for (int bulk = 0;;) {
    ssize_t got = read(fd, block, sizeof block);
    if (got <= 0) break;
    if (block[0] == 'b') bulk = 1;
    if (!bulk && write(fd, block, 1) != 1) break;
  }
  exit(0);
}

static void serve(const char *port) {
  struct sockaddr_in here = place("0.0.0.0", port);
  int on = 1, tcp = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0);
  setsockopt(tcp, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(tcp, (void *)&here, sizeof here) || bind(udp, (void *)&here, sizeof here) || listen(tcp, 16)) fail("bind");
  puts("ready");
  fflush(stdout);
  for (;;) {
    int fd = accept(tcp, NULL, NULL);
    if (fork() == 0) answer(fd);
    close(fd);
  }
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "serve") == 0) serve(argv[2]);
  if (argc != 5) return 1;
  static char block[BLOCK];
  struct sockaddr_in to = place(argv[2], argv[3]);
  int count = atoi(argv[4]), on = 1;
  int stream = strncmp(argv[1], "tcp", 3) == 0, bulk = strcmp(argv[1], "tcp-bulk") == 0;
  int fd = socket(AF_INET, stream ? SOCK_STREAM : SOCK_DGRAM, 0);
  if ((stream || strcmp(argv[1], "udp-connected") == 0) && connect(fd, (void *)&to, sizeof to)) fail("connect");
  if (stream) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  memset(block, bulk ? 'b' : 'r', sizeof block);
  double least = 1e18, began = now();
  for (int i = 1; i <= count; i++) {
    if (bulk) {
      for (size_t sent = 0; sent < BLOCK;) {
        ssize_t wrote = write(fd, block + sent, BLOCK - sent);
        if (wrote <= 0) fail("write");
        sent += wrote;
      }
    } else if (stream) {
      if (write(fd, block, 1) != 1 || read(fd, block, 1) != 1) fail("exchange");
    } else if (sendto(fd, block, 1, 0, strcmp(argv[1], "udp") ? NULL : (void *)&to, strcmp(argv[1], "udp") ? 0 : sizeof to) != 1) {
      fail("send");
    }
    if (i % (count / PARTS) != 0) continue;
    double ended = now();
    if (ended - began < least) least = ended - began;
    began = ended;
  }
  printf("%.1f\n", least / (count / PARTS));
  return 0;
}
