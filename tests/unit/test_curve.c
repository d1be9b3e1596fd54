/* Which key a process takes, and when it may go without one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "curve.h"
#include "endpoints.h"
#include "log.h"
#include "wire.h"

#define FAR "tcp://192.0.2.1:5570"
#define NEAR "tcp://127.0.0.1:5570"
enum { SOMEBODY = 65534 };

typedef struct {
    char dir[64], err[512], said[1024];
    es_common_config_t common;
} world_t;

static int setup(void **state)
{
    world_t *w = calloc(1, sizeof *w);
    snprintf(w->dir, sizeof w->dir, "/tmp/earshot-curve-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    w->common.name = (char *)(uintptr_t) "edge-1";
    w->common.keys = w->dir;
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world_t *w = *state;
    char command[96];
    snprintf(command, sizeof command, "rm -r %s", w->dir);
    assert_int_equal(system(command), 0);
    free(w);
    return 0;
}

/* es_curve_init; what it says on stderr is kept. */
static int init(world_t *w, es_role_t role, const char *broker, const char *also)
{
    char path[96];
    snprintf(path, sizeof path, "%s/said", w->dir);
    w->common.broker = (char *)(uintptr_t)broker;
    fflush(stderr);
    int saved = dup(STDERR_FILENO), fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    unlink(path);
    dup2(fd, STDERR_FILENO);
    int rc = es_curve_init(&w->common, role, also);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    ssize_t n = pread(fd, w->said, sizeof w->said - 1, 0);
    w->said[n > 0 ? n : 0] = 0;
    close(saved);
    close(fd);
    assert_int_equal(rc == 0, w->said[0] == 0);
    return rc;
}

static void put(world_t *w, es_role_t role, const char *name)
{
    es_key_t key;
    assert_int_equal(es_key_make(&key, role, name, w->err, sizeof w->err), 0);
    assert_int_equal(es_key_save(&key, w->dir, true, w->err, sizeof w->err), 0);
}

static void without_tcp_no_key_is_read(void **state)
{
    world_t *w = *state;
    w->common.key = (char *)(uintptr_t) "/nowhere/edge.key";
    assert_int_equal(init(w, ES_ROLE_EDGE, "ipc:///tmp/x,inproc://y", NULL), 0);
    assert_false(es_curve_on());
    assert_int_equal(init(w, ES_ROLE_EDGE, NEAR, NULL), -1);
    assert_non_null(strstr(w->said, "/nowhere/edge.key"));
}

static void loopback_needs_none_and_beyond_does(void **state)
{
    world_t *w = *state;
    assert_int_equal(init(w, ES_ROLE_EDGE, NEAR, NULL), 0);
    assert_int_equal(init(w, ES_ROLE_EDGE, "tcp://localhost:1", NULL), 0);
    assert_int_equal(init(w, ES_ROLE_EDGE, FAR, NULL), -1);
    assert_non_null(strstr(w->said, "earshot keygen edge"));
    assert_non_null(strstr(w->said, "--insecure"));
    assert_int_equal(init(w, ES_ROLE_EDGE, NEAR ",tcp://name.invalid:5570", NULL), -1);
    assert_int_equal(init(w, ES_ROLE_BROKER, "ipc:///tmp/x", "tcp://0.0.0.0:5570"), -1);
    assert_non_null(strstr(w->said, "earshot keygen broker"));
    assert_int_equal(init(w, ES_ROLE_BROKER, "tcp://*:5570", NULL), -1);
    w->common.insecure = true;
    assert_int_equal(init(w, ES_ROLE_EDGE, FAR, NULL), 0);
    assert_int_equal(init(w, ES_ROLE_BROKER, "ipc:///tmp/x", "tcp://0.0.0.0:5570"), 0);
    assert_false(es_curve_on());
}

static void both_keys_are_needed(void **state)
{
    world_t *w = *state;
    put(w, ES_ROLE_EDGE, "edge");
    assert_int_equal(init(w, ES_ROLE_EDGE, FAR, NULL), -1);
    assert_non_null(strstr(w->said, "broker.pub"));
    put(w, ES_ROLE_BROKER, "broker");
    assert_int_equal(init(w, ES_ROLE_EDGE, FAR, NULL), 0);
    assert_true(es_curve_on());
    assert_int_equal(init(w, ES_ROLE_BROKER, "ipc:///tmp/x", "tcp://0.0.0.0:5570"), 0);
    assert_true(es_curve_on());
}

/* To be told that there is none, and then by keygen that there is one already, helps nobody. */
static void a_key_that_cannot_be_read_is_no_lack_of_one(void **state)
{
    world_t *w = *state;
    char keys[96];
    if (geteuid() != 0) skip();
    snprintf(keys, sizeof keys, "%s/keys", w->dir);
    assert_int_equal(chmod(w->dir, 0777), 0);
    assert_int_equal(mkdir(keys, 0700), 0);
    w->common.keys = keys;
    assert_int_equal(seteuid(SOMEBODY), 0);
    int broker = init(w, ES_ROLE_BROKER, "ipc:///tmp/x", "tcp://0.0.0.0:5570");
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(broker, -1);
    assert_non_null(strstr(w->said, "/keys\" belongs to user root, and this is user nobody"));
    assert_non_null(strstr(w->said, "edge-1.key"));
}

static void the_advice_names_who_is_to_have_the_key(void **state)
{
    world_t *w = *state;
    if (geteuid() != 0) skip();
    assert_int_equal(init(w, ES_ROLE_EDGE, FAR, NULL), -1);
    assert_null(strstr(w->said, "sudo"));
    assert_int_equal(chmod(w->dir, 0777), 0);
    assert_int_equal(seteuid(SOMEBODY), 0);
    int edge = init(w, ES_ROLE_EDGE, FAR, NULL);
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(edge, -1);
    assert_non_null(strstr(w->said, "sudo -u nobody earshot keygen edge --keys /tmp/"));
}

static void the_name_goes_before_the_role(void **state)
{
    world_t *w = *state;
    put(w, ES_ROLE_BROKER, "broker");
    put(w, ES_ROLE_EDGE, "edge");
    put(w, ES_ROLE_ROOM, "edge-1");
    assert_int_equal(init(w, ES_ROLE_EDGE, FAR, NULL), -1);
    assert_non_null(strstr(w->said, "role room"));
    w->common.name = (char *)(uintptr_t) "edge-2";
    assert_int_equal(init(w, ES_ROLE_EDGE, FAR, NULL), 0);
}

static void an_observers_key_does_for_an_operator(void **state)
{
    world_t *w = *state;
    put(w, ES_ROLE_BROKER, "broker");
    put(w, ES_ROLE_OBSERVER, "observer");
    assert_int_equal(init(w, ES_ROLE_OPERATOR, FAR, NULL), 0);
    assert_int_equal(init(w, ES_ROLE_EDGE, FAR, NULL), -1);
}

static void the_brokers_key_is_a_brokers(void **state)
{
    world_t *w = *state;
    char files[300];
    put(w, ES_ROLE_EDGE, "edge");
    put(w, ES_ROLE_BROKER, "one");
    put(w, ES_ROLE_BROKER, "two");
    snprintf(files, sizeof files, "%s/edge.pub", w->dir);
    w->common.broker_key = files;
    assert_int_equal(init(w, ES_ROLE_EDGE, FAR, NULL), -1);
    snprintf(files, sizeof files, "%s/one.pub,%s/two.pub", w->dir, w->dir);
    assert_int_equal(init(w, ES_ROLE_EDGE, FAR, NULL), -1);
    assert_non_null(strstr(w->said, "one for each"));
    assert_int_equal(init(w, ES_ROLE_EDGE, FAR ",tcp://192.0.2.2:5570", NULL), 0);
    w->common.broker_key = NULL;
}

static void a_leg_beyond_is_refused_without_keys(void **state)
{
    world_t *w = *state;
    assert_int_equal(init(w, ES_ROLE_EDGE, "ipc:///tmp/x", NULL), 0);
    void *socket = es_wire_socket(ZMQ_PUSH, 10);
    assert_int_equal(es_curve_connect(socket, FAR), -1);
    assert_int_equal(errno, EACCES);
    assert_int_equal(es_curve_connect(socket, NEAR), 0);
    assert_int_equal(es_curve_bind(socket, "tcp://0.0.0.0:*", "frontend"), -1);
    zmq_close(socket);
}

/* One socket serves ipc without and tcp with CURVE: libzmq copies the options at each bind. */
static void one_socket_serves_both(void **state)
{
    world_t *w = *state;
    char ipc[96], tcp[96];
    size_t size = sizeof tcp;
    put(w, ES_ROLE_BROKER, "broker");
    assert_int_equal(init(w, ES_ROLE_BROKER, NEAR, NULL), 0);
    void *pull = es_wire_socket(ZMQ_PULL, 10), *plain = es_wire_socket(ZMQ_PUSH, 10),
         *other = es_wire_socket(ZMQ_PUSH, 10);
    snprintf(ipc, sizeof ipc, "ipc://%s/socket", w->dir);
    assert_int_equal(es_curve_bind(pull, ipc, "frontend"), 0);
    assert_int_equal(es_curve_bind(pull, "tcp://127.0.0.1:*", "frontend"), 0);
    assert_int_equal(zmq_getsockopt(pull, ZMQ_LAST_ENDPOINT, tcp, &size), 0);
    assert_int_equal(zmq_connect(plain, ipc), 0);
    assert_int_equal(zmq_connect(other, tcp), 0);
    zmq_pollitem_t items[] = {{.socket = plain, .events = ZMQ_POLLOUT}, {.socket = other, .events = ZMQ_POLLOUT}};
    assert_int_equal(zmq_poll(items, 1, 10000), 1);
    assert_int_equal(zmq_send(plain, "x", 1, ZMQ_DONTWAIT), 1);
    zmq_pollitem_t in = {.socket = pull, .events = ZMQ_POLLIN};
    assert_int_equal(zmq_poll(&in, 1, 10000), 1);
    assert_int_equal(zmq_poll(items + 1, 1, 200), 0); /* nobody vouches for it */
    zmq_close(plain);
    zmq_close(other);
    zmq_close(pull);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_tcp_no_key_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(loopback_needs_none_and_beyond_does, setup, teardown),
        cmocka_unit_test_setup_teardown(both_keys_are_needed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_key_that_cannot_be_read_is_no_lack_of_one, setup, teardown),
        cmocka_unit_test_setup_teardown(the_advice_names_who_is_to_have_the_key, setup, teardown),
        cmocka_unit_test_setup_teardown(the_name_goes_before_the_role, setup, teardown),
        cmocka_unit_test_setup_teardown(an_observers_key_does_for_an_operator, setup, teardown),
        cmocka_unit_test_setup_teardown(the_brokers_key_is_a_brokers, setup, teardown),
        cmocka_unit_test_setup_teardown(a_leg_beyond_is_refused_without_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(one_socket_serves_both, setup, teardown),
    };
    es_log_init("test", ES_LOG_ERROR, false);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
