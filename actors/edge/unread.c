#include "unread.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

bool es_unread_over(int fd)
{
    struct pollfd look = {.fd = fd, .events = POLLRDHUP};
    return poll(&look, 1, 0) > 0;
}

/* Counted, and not timed: the kernel's clocks are coarser than ours, and would tell of life where there is none. */
bool es_unread_alive(es_unread_t *self, int fd)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len)) return true;
    uint64_t before = self->signs;
    self->signs = info.tcpi_bytes_acked + info.tcpi_bytes_received;
    return self->signs != before;
}
