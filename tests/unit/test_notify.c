#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "health.h"
#include "notify.h"

#define S UINT64_C(1000000)

static int systemd;

static const char *heard(void)
{
    static char text[1024];
    ssize_t n = recv(systemd, text, sizeof text - 1, MSG_DONTWAIT);
    text[n > 0 ? n : 0] = 0;
    return text;
}

/* As systemd does it, in the abstract space. */
static int listen_as_systemd(void **state)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    char name[64];
    (void)state;
    snprintf(name, sizeof name, "@es-test-notify-%d", (int)getpid());
    memcpy(at.sun_path + 1, name + 1, strlen(name) - 1);
    systemd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    assert_int_equal(bind(systemd, (struct sockaddr *)&at, len), 0);
    setenv("NOTIFY_SOCKET", name, 1);
    setenv("WATCHDOG_USEC", "6000000", 1);
    unsetenv("WATCHDOG_PID");
    assert_false(es_notify_wanted());
    assert_true(es_notify_tick(S) == UINT64_MAX);
    es_notify_init();
    return 0;
}

static void the_environment_is_ours_alone(void **state)
{
    (void)state;
    assert_true(es_notify_wanted());
    assert_null(getenv("NOTIFY_SOCKET"));
    assert_null(getenv("WATCHDOG_USEC"));
}

static void ready_and_stopping_once(void **state)
{
    (void)state;
    es_notify_ready();
    es_notify_ready();
    assert_string_equal(heard(), "READY=1");
    assert_string_equal(heard(), "");
    es_notify_stopping();
    es_notify_stopping();
    assert_string_equal(heard(), "STOPPING=1");
    assert_string_equal(heard(), "");
}

static void the_watchdog_is_fed_while_the_loop_turns(void **state)
{
    (void)state;
    es_health_open("edge");
    es_health_beat(10 * S);
    es_health_say("3 clients\nREADY=0");
    assert_true(es_notify_tick(10 * S) == 11 * S);
    assert_string_equal(heard(), "STATUS=ok: 3 clients READY=0");
    assert_string_equal(heard(), "WATCHDOG=1");
    assert_true(es_notify_tick(10 * S + 1) == 11 * S); /* not yet */
    assert_string_equal(heard(), "");
    es_notify_tick(13 * S); /* the same status is not said again */
    assert_string_equal(heard(), "WATCHDOG=1");
    es_notify_tick(14 * S); /* no turn for 4 s of the 6 */
    assert_string_equal(heard(), "");
    es_notify_tick(16 * S);
    assert_string_equal(heard(), "STATUS=stuck: the work loop of edge has not turned for 6.0 s");
    assert_string_equal(heard(), "");
    es_health_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_environment_is_ours_alone),
                                       cmocka_unit_test(ready_and_stopping_once),
                                       cmocka_unit_test(the_watchdog_is_fed_while_the_loop_turns)};
    return cmocka_run_group_tests(tests, listen_as_systemd, NULL);
}
