/*
 * A daemon with one channel of libc-ares for its whole life, as collectd or a proxy has it. At each line of its standard
 * input it asks for the IPv4 address of that name, and prints "answered" and c-ares's status, of which 0 is success.
 * The library's headers are not needed: these functions are the same in every c-ares of soname 2.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>

typedef void *channel;
extern int ares_library_init(int flags);
extern int ares_init(channel *made);
extern void ares_query(channel one, const char *name, int class, int type,
                       void (*answered)(void *, int, int, unsigned char *, int), void *argument);
extern int ares_getsock(channel one, int *sockets, int count);
extern void ares_process_fd(channel one, int readable, int writable);

enum { IN = 1, A = 1, MOST = 16, NONE = -1 };

static void answered(void *status, int code, int timeouts, unsigned char *data, int length) {
  *(int *)status = code;
}

int main(void) {
  channel one;
  char name[256];
  if (ares_library_init(1) != 0 || ares_init(&one) != 0) return 1;
  puts("ready");
  fflush(stdout);
  while (fgets(name, sizeof name, stdin) != NULL) {
    int status = -1;
    name[strcspn(name, "\n")] = 0;
    ares_query(one, name, IN, A, answered, &status);
    while (status == -1) {
      int sockets[MOST], bits = ares_getsock(one, sockets, MOST), count = 0;
      struct pollfd wanted[MOST];
      for (int n = 0; n < MOST; n++)
        if (bits >> n & 1) wanted[count++] = (struct pollfd){.fd = sockets[n], .events = POLLIN};
      if (poll(wanted, count, 100) <= 0) ares_process_fd(one, NONE, NONE);
      for (int n = 0; n < count; n++)
        if (wanted[n].revents) ares_process_fd(one, wanted[n].fd, NONE);
    }
    printf("answered %d\n", status);
    fflush(stdout);
  }
  return 0;
}
