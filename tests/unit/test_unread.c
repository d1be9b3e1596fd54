#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "unread.h"

enum { MORE = 65536, PATIENCE_MS = 10000 };

/* A connection over TCP: ours, which is not read, and the other end. */
typedef struct {
    int ours, other;
} ends_t;

static ends_t connect_ends(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int listening = socket(AF_INET, SOCK_STREAM, 0);
    ends_t ends = {.other = socket(AF_INET, SOCK_STREAM, 0)};
    assert_int_equal(bind(listening, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(listening, 1), 0);
    assert_int_equal(getsockname(listening, (struct sockaddr *)&at, &len), 0);
    assert_int_equal(connect(ends.other, (struct sockaddr *)&at, len), 0);
    ends.ours = accept(listening, NULL, NULL);
    assert_true(ends.ours >= 0);
    close(listening);
    return ends;
}

static void close_ends(const ends_t *ends)
{
    close(ends->ours);
    if (ends->other >= 0) close(ends->other);
}

static void leave(ends_t *ends)
{
    close(ends->other);
    ends->other = -1;
}

static void await_end(int fd)
{
    struct pollfd look = {.fd = fd, .events = POLLRDHUP};
    assert_int_equal(poll(&look, 1, PATIENCE_MS), 1);
    assert_true(es_unread_over(fd));
}

/* Until the other end's kernel has nothing more to say. */
static void await_quiet(es_unread_t *unread, int fd)
{
    int looks = 0;
    while (es_unread_alive(unread, fd)) assert_true(looks++ < 1000);
}

/* As the loop looks: again and again, until it is so. */
static void await_sign(es_unread_t *unread, int fd)
{
    for (int i = 0; i < PATIENCE_MS; i++) {
        if (es_unread_alive(unread, fd)) return;
        (void)poll(NULL, 0, 1);
    }
    fail_msg("no sign of life");
}

static void what_waits_hides_no_end(void **state)
{
    (void)state;
    ends_t ends = connect_ends();
    assert_int_equal(send(ends.other, "words", 5, 0), 5);
    assert_false(es_unread_over(ends.ours));
    leave(&ends);
    await_end(ends.ours);
    close_ends(&ends);
}

static void who_says_no_more_is_over(void **state)
{
    (void)state;
    ends_t ends = connect_ends();
    assert_int_equal(shutdown(ends.other, SHUT_WR), 0);
    await_end(ends.ours);
    close_ends(&ends);
}

static void a_reset_is_an_end(void **state)
{
    (void)state;
    const struct linger at_once = {.l_onoff = 1};
    ends_t ends = connect_ends();
    assert_int_equal(setsockopt(ends.other, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    leave(&ends);
    await_end(ends.ours);
    close_ends(&ends);
}

static void nothing_is_no_end(void **state)
{
    (void)state;
    assert_false(es_unread_over(-1));
}

static void each_acknowledgement_is_one_sign(void **state)
{
    (void)state;
    ends_t ends = connect_ends();
    es_unread_t unread = {0};
    await_quiet(&unread, ends.ours);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(send(ends.ours, "?", 1, 0), 1);
        await_sign(&unread, ends.ours);
        await_quiet(&unread, ends.ours);
    }
    assert_int_equal(send(ends.other, "!", 1, 0), 1);
    await_sign(&unread, ends.ours);
    close_ends(&ends);
}

/* What nobody takes is no sign: the other end's kernel takes some, and then no more. */
static void who_takes_nothing_gives_none(void **state)
{
    (void)state;
    char more[MORE] = {0};
    ends_t ends = connect_ends();
    es_unread_t unread = {0};
    do {
        while (send(ends.ours, more, sizeof more, MSG_DONTWAIT) > 0) continue;
        (void)poll(&(struct pollfd){.fd = ends.ours, .events = POLLOUT}, 1, 100);
    } while (send(ends.ours, more, sizeof more, MSG_DONTWAIT) > 0);
    await_quiet(&unread, ends.ours);
    assert_false(es_unread_over(ends.ours));
    close_ends(&ends);
}

static void a_pair_ends_and_is_not_counted(void **state)
{
    (void)state;
    ends_t ends;
    es_unread_t unread = {0};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, (int *)&ends), 0);
    assert_true(es_unread_alive(&unread, ends.ours));
    assert_true(es_unread_alive(&unread, ends.ours));
    assert_false(es_unread_over(ends.ours));
    leave(&ends);
    assert_true(es_unread_over(ends.ours));
    close_ends(&ends);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waits_hides_no_end),
        cmocka_unit_test(who_says_no_more_is_over),
        cmocka_unit_test(a_reset_is_an_end),
        cmocka_unit_test(nothing_is_no_end),
        cmocka_unit_test(each_acknowledgement_is_one_sign),
        cmocka_unit_test(who_takes_nothing_gives_none),
        cmocka_unit_test(a_pair_ends_and_is_not_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
