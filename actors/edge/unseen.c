#include "unseen.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum { BUFFERED = 32768, HEADER_MAX = 14 };

static uint64_t arrived(int fd)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len)) return 0;
    return info.tcpi_bytes_received;
}

/* Of what has arrived: the rest waits in the kernel. */
static uint64_t taken(int fd, uint64_t bytes)
{
    int waiting = 0;
    if (ioctl(fd, SIOCINQ, &waiting) || waiting < 0) return bytes;
    return (uint64_t)waiting < bytes ? bytes - (uint64_t)waiting : 0;
}

void es_unseen_begin(es_unseen_t *self, int fd)
{
    *self = (es_unseen_t){.told = taken(fd, arrived(fd))};
}

void es_unseen_tell(es_unseen_t *self, size_t len, uint64_t frames)
{
    self->told += len + frames * HEADER_MAX;
}

/* What waits is asked for only where it matters. */
uint64_t es_unseen_take(es_unseen_t *self, int fd)
{
    uint64_t known = self->told + self->unseen + BUFFERED, bytes = arrived(fd);
    if (bytes > known) bytes = taken(fd, bytes);
    if (bytes <= known) return 0;
    self->unseen += bytes - known;
    return bytes - known;
}
