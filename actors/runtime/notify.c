#include "notify.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "health.h"

enum { STATUS_US = 1000000, LINE_BYTES = 2 * ES_HEALTH_TEXT + 64 };

static struct {
    int fd; /* connected to whoever listens; 0: nobody does */
    uint64_t watchdog_us, next_us;
    bool ready, stopping;
    char said[LINE_BYTES];
} notify;

/* A path, or with @ a name in the abstract space. */
static int connect_to(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    if ((path[0] != '/' && path[0] != '@') || len < 2 || len >= sizeof at.sun_path) return 0;
    memcpy(at.sun_path, path, len);
    if (path[0] == '@') at.sun_path[0] = 0;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return 0;
    socklen_t at_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    if (connect(fd, (const struct sockaddr *)&at, at_len) == 0) return fd;
    close(fd);
    return 0;
}

void es_notify_init(void)
{
    const char *path = getenv("NOTIFY_SOCKET"), *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    if (path && !notify.fd) notify.fd = connect_to(path);
    if (usec && (!pid || strtol(pid, NULL, 10) == (long)getpid())) notify.watchdog_us = strtoull(usec, NULL, 10);
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

bool es_notify_wanted(void)
{
    return notify.fd > 0;
}

static void say(const char *text)
{
    if (notify.fd > 0) (void)!send(notify.fd, text, strlen(text), MSG_NOSIGNAL);
}

void es_notify_ready(void)
{
    if (!notify.ready) say("READY=1");
    notify.ready = true;
}

void es_notify_stopping(void)
{
    if (!notify.stopping) say("STOPPING=1");
    notify.stopping = true;
}

static void say_status(const es_health_t *health)
{
    char line[LINE_BYTES];
    const char *more = health->state != ES_HEALTH_OK ? health->reason : health->unready;
    if (!*more) more = health->said;
    snprintf(line, sizeof line, "STATUS=%s%s%s", es_health_word(health->state), *more ? ": " : "", more);
    for (char *c = line; *c; c++)
        if ((unsigned char)*c < ' ') *c = ' '; /* a line end would begin another assignment */
    if (strcmp(line, notify.said) == 0) return;
    memcpy(notify.said, line, sizeof line);
    say(line);
}

/* Loops turn once a second where nothing happens; a watchdog that bites earlier than twice that would bite idle ones. */
static bool turns(const es_health_t *health)
{
    uint64_t most_us = notify.watchdog_us / 2;
    if (most_us < 3 * ES_HEALTH_BEAT_US / 2) most_us = 3 * ES_HEALTH_BEAT_US / 2;
    return health->beat_us <= most_us;
}

uint64_t es_notify_tick(uint64_t now_us)
{
    es_health_t health;
    if (!es_notify_wanted()) return UINT64_MAX;
    if (now_us < notify.next_us) return notify.next_us;
    notify.next_us = now_us + STATUS_US;
    if (notify.watchdog_us && notify.watchdog_us / 3 < STATUS_US) notify.next_us = now_us + notify.watchdog_us / 3;
    es_health_look(&health, now_us);
    say_status(&health);
    if (notify.watchdog_us && turns(&health)) say("WATCHDOG=1");
    return notify.next_us;
}
