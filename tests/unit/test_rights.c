/* The tables of roles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalogue.h"
#include "rights.h"

static void who_may_connect_where(void **state)
{
    (void)state;
    static const char *const may[ES_ROLES] = {
        [ES_ROLE_NONE] = "----",        [ES_ROLE_BROKER] = "----", [ES_ROLE_EDGE] = "f--p",
        [ES_ROLE_TRANSCRIBER] = "-br-", [ES_ROLE_ROOM] = "-br-",   [ES_ROLE_JOBS] = "fbrp",
        [ES_ROLE_ANALYSIS] = "-br-",    [ES_ROLE_WORKER] = "-br-", [ES_ROLE_OBSERVER] = "---p",
        [ES_ROLE_OPERATOR] = "f--p"};
    for (es_role_t role = 0; role < ES_ROLES; role++)
        for (es_socket_t socket = 0; socket < ES_SOCKETS; socket++)
            assert_int_equal(es_rights_connect(role, socket), may[role][socket] != '-');
    assert_false(es_rights_connect(ES_ROLE_EDGE, ES_SOCKETS));
    assert_false(es_rights_connect(ES_ROLES, ES_AT_FRONTEND));
}

static void who_may_say_what(void **state)
{
    (void)state;
    static const struct {
        es_role_t role;
        es_socket_t socket;
        uint32_t kind;
        bool may;
    } cases[] = {
        {ES_ROLE_EDGE, ES_AT_FRONTEND, ES_FRAME, true},
        {ES_ROLE_EDGE, ES_AT_FRONTEND, ES_ROOM_SAY, true},
        {ES_ROLE_EDGE, ES_AT_FRONTEND, ES_JOB_ASK, true},
        {ES_ROLE_EDGE, ES_AT_FRONTEND, ES_DRAIN, false},
        {ES_ROLE_EDGE, ES_AT_FRONTEND, ES_FINAL, false},
        {ES_ROLE_JOBS, ES_AT_FRONTEND, ES_FRAME, true},
        {ES_ROLE_JOBS, ES_AT_FRONTEND, ES_ROOM_SAY, false},
        {ES_ROLE_JOBS, ES_AT_RESULTS, ES_JOB_TOLD, true},
        {ES_ROLE_JOBS, ES_AT_RESULTS, ES_FINAL, true},
        {ES_ROLE_OPERATOR, ES_AT_FRONTEND, ES_DRAIN, true},
        {ES_ROLE_OPERATOR, ES_AT_FRONTEND, ES_FRAME, false},
        {ES_ROLE_TRANSCRIBER, ES_AT_BACKEND, ES_HELLO, true},
        {ES_ROLE_TRANSCRIBER, ES_AT_BACKEND, ES_FRAME, false},
        {ES_ROLE_TRANSCRIBER, ES_AT_RESULTS, ES_FINAL, true},
        {ES_ROLE_TRANSCRIBER, ES_AT_RESULTS, ES_ROOM_NEWS, false},
        {ES_ROLE_TRANSCRIBER, ES_AT_RESULTS, ES_WORKER_LOST, false},
        {ES_ROLE_TRANSCRIBER, ES_AT_RESULTS, ES_BEACON, false},
        {ES_ROLE_TRANSCRIBER, ES_AT_FRONTEND, ES_FRAME, false},
        {ES_ROLE_ROOM, ES_AT_RESULTS, ES_ROOM_NEWS, true},
        {ES_ROLE_ROOM, ES_AT_RESULTS, ES_FINAL, false},
        {ES_ROLE_OBSERVER, ES_AT_PUBLISH, 0, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(es_rights_say(cases[i].role, cases[i].socket, cases[i].kind), cases[i].may);
}

/* Whatever kinds are to come: nobody may say them until somebody has thought of it. */
static void unknown_kinds_are_nobodys(void **state)
{
    (void)state;
    for (es_role_t role = 0; role < ES_ROLES; role++)
        for (es_socket_t socket = 0; socket < ES_SOCKETS; socket++)
            for (uint32_t kind = 0; kind < 256; kind++)
                if (!es_catalogue_find(kind)) assert_false(es_rights_say(role, socket, kind));
}

static void a_service_is_its_roles(void **state)
{
    (void)state;
    assert_true(es_rights_serve(ES_ROLE_TRANSCRIBER, es_span("transcribe")));
    assert_false(es_rights_serve(ES_ROLE_WORKER, es_span("transcribe")));
    assert_false(es_rights_serve(ES_ROLE_TRANSCRIBER, es_span("room")));
    assert_true(es_rights_serve(ES_ROLE_JOBS, es_span("upload")));
    assert_true(es_rights_serve(ES_ROLE_JOBS, es_span("jobs")));
    assert_true(es_rights_serve(ES_ROLE_ANALYSIS, es_span("analyze")));
    assert_true(es_rights_serve(ES_ROLE_WORKER, es_span("translate")));
    assert_false(es_rights_serve(ES_ROLE_TRANSCRIBER, es_span("translate")));
}

static void sockets_have_names(void **state)
{
    (void)state;
    for (es_socket_t socket = 0; socket < ES_SOCKETS; socket++)
        assert_int_equal(es_socket_find(es_span(es_socket_name(socket))), socket);
    assert_int_equal(es_socket_find(es_span("global")), ES_SOCKETS);
    assert_int_equal(es_socket_find(es_span("")), ES_SOCKETS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_may_connect_where),     cmocka_unit_test(who_may_say_what),
        cmocka_unit_test(unknown_kinds_are_nobodys), cmocka_unit_test(a_service_is_its_roles),
        cmocka_unit_test(sockets_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
