#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "http/gate.h"

/* Turns away somebody who has sent so many packets, each of which takes a read. True: all of them were read. */
static bool reads_all(int packets)
{
    int pair[2];
    char answer[512] = "";
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
    for (int i = 0; i < packets; i++) assert_int_equal(send(pair[0], "GET", 3, 0), 3);
    es_gate_turn_away(pair[1], ES_HTTP_TOO_MANY);
    ssize_t n = recv(pair[0], answer, sizeof answer - 1, 0);
    bool reset = n < 0 && errno == ECONNRESET; /* what a socket does that is closed with something in it */
    if (!reset) assert_memory_equal(answer, "HTTP/1.1 503 ", 13);
    close(pair[0]);
    return !reset;
}

static void who_is_turned_away_is_not_read_for_ever(void **state)
{
    (void)state;
    assert_true(reads_all(0));
    assert_true(reads_all(10));
    assert_false(reads_all(100));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(who_is_turned_away_is_not_read_for_ever)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
