#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "up_plan.h"

static es_up_config_t config_of(void)
{
    static char data[] = "/d", host[] = "127.0.0.1";
    return (es_up_config_t){.common = {.data = data, .log_level = 2, .log_format = 1},
                            .host = host,
                            .transcribers = 2,
                            .analyses = 1,
                            .brokers = 1,
                            .edges = 1,
                            .engine = 1,
                            .grace_us = 8000000};
}

static bool has(const es_up_actor_t *actor, const char *arg)
{
    for (int i = 0; i < actor->argc; i++)
        if (strcmp(actor->argv[i], arg) == 0) return true;
    return false;
}

static void broker_first_edge_last(void **state)
{
    (void)state;
    es_up_config_t config = config_of();
    es_up_plan_t plan;
    es_up_plan_make(&plan, &config, true, "ipc:///d/broker");
    static const char *const names[] = {"broker", "transcriber-1", "transcriber-2", "analysis-1",
                                        "room-1", "jobs-1",        "edge"};
    static const int stages[] = {3, 2, 2, 2, 2, 1, 0};
    assert_int_equal(plan.count, 7);
    for (size_t i = 0; i < plan.count; i++) {
        assert_string_equal(plan.actors[i].name, names[i]);
        assert_int_equal(plan.actors[i].stage, stages[i]);
        assert_string_equal(plan.actors[i].argv[0], es_up_binary(plan.actors[i].role));
        assert_null(plan.actors[i].argv[plan.actors[i].argc]);
        assert_true(has(&plan.actors[i], "--data=/d"));
        assert_true(has(&plan.actors[i], "--broker=ipc:///d/broker"));
        assert_true(has(&plan.actors[i], "--log-level=warn"));
        assert_true(has(&plan.actors[i], "--log-format=json"));
    }
    assert_true(has(&plan.actors[1], "--engine=pocketsphinx"));
    assert_true(has(&plan.actors[1], "--drain-timeout=6000ms"));
    assert_true(has(&plan.actors[3], "--drain-timeout=6000ms"));
    assert_true(has(&plan.actors[6], "--addr-file=/d/run/edge.addr"));
    es_up_plan_fini(&plan);
}

static void metrics_count_up(void **state)
{
    static char fixed[] = "127.0.0.1:9100", drawn[] = "[::1]:0", token[] = "/t";
    (void)state;
    es_up_config_t config = config_of();
    es_up_plan_t plan;
    config.common.metrics = fixed;
    config.common.metrics_token_file = token;
    config.common.health_lag_us = 2500000;
    es_up_plan_make(&plan, &config, true, "ipc:///d/broker");
    assert_true(has(&plan.actors[0], "--metrics=127.0.0.1:9100"));
    assert_true(has(&plan.actors[0], "--metrics-token-file=/t"));
    assert_true(has(&plan.actors[6], "--metrics=127.0.0.1:9106"));
    assert_true(has(&plan.actors[6], "--health-lag=2500000us"));
    es_up_plan_fini(&plan);
    config.common.metrics = drawn;
    es_up_plan_make(&plan, &config, true, "ipc:///d/broker");
    assert_true(has(&plan.actors[6], "--metrics=[::1]:0"));
    es_up_plan_fini(&plan);
    config.threads = true; /* they have one server together */
    es_up_plan_make(&plan, &config, true, "inproc://earshot");
    assert_false(has(&plan.actors[6], "--metrics=[::1]:0"));
    es_up_plan_fini(&plan);
}

static void only_what_was_asked_for_is_passed_on(void **state)
{
    (void)state;
    es_up_config_t config = config_of();
    char tcp[] = "0.0.0.0:5570", delay[] = "300", capacity[] = "4", decoders[] = "1", env[] = "/e",
         store[] = "sqlite:/s", llm[] = "http://h/v1";
    es_up_plan_t plan;
    es_up_plan_make(&plan, &config, true, "b");
    int bare = plan.actors[1].argc;
    es_up_plan_fini(&plan);
    config.tcp = tcp, config.delay_ms = delay, config.capacity = capacity, config.decoders = decoders;
    config.store = store, config.llm_url = llm;
    config.common.env_file = env;
    es_up_plan_make(&plan, &config, true, "b");
    assert_true(has(&plan.actors[0], "--tcp=0.0.0.0:5570"));
    assert_int_equal(plan.actors[1].argc, bare + 4);
    assert_true(has(&plan.actors[1], "--delay-ms=300"));
    assert_true(has(&plan.actors[1], "--capacity=4"));
    assert_true(has(&plan.actors[1], "--decoders=1"));
    assert_true(has(&plan.actors[6], "--env-file=/e"));
    es_up_plan_fini(&plan);
}

/* The word is nowhere on the command lines of processes, whatever secret it is given as. */
static void secrets_are_not_on_command_lines(void **state)
{
    (void)state;
    es_up_config_t config = config_of();
    char hush[] = "hush";
    es_up_plan_t plan;
    size_t secrets = 0, handed_over = 0;
    for (const es_option_t *const *table = es_up_option_tables; *table; table++)
        for (const es_option_t *o = *table; o->name; o++) {
            if (!o->secret) continue;
            *(char **)(void *)((char *)&config + o->offset) = hush;
            secrets++;
        }
    es_up_plan_make(&plan, &config, true, "b");
    for (size_t i = 0; i < plan.count; i++) {
        for (int a = 0; a < plan.actors[i].argc; a++) assert_null(strstr(plan.actors[i].argv[a], hush));
        for (size_t s = 0; plan.actors[i].secrets[s]; s++) handed_over++;
    }
    assert_int_equal(secrets, 2);
    assert_int_equal(handed_over, 2);
    assert_string_equal(plan.actors[3].secrets[0], "EARSHOT_LLM_URL=hush");
    assert_string_equal(plan.actors[5].secrets[0], "EARSHOT_STORE=hush");
    es_up_plan_fini(&plan);
    config.threads = true; /* which have none */
    es_up_plan_make(&plan, &config, true, "inproc://earshot");
    assert_true(has(&plan.actors[3], "--llm-url=hush") && has(&plan.actors[5], "--store=hush"));
    assert_null(plan.actors[5].secrets[0]);
    es_up_plan_fini(&plan);
}

static void a_broker_elsewhere(void **state)
{
    (void)state;
    es_up_config_t config = config_of();
    config.transcribers = config.analyses = 0;
    es_up_plan_t plan;
    es_up_plan_make(&plan, &config, false, "tcp://h:5570");
    assert_int_equal(plan.count, 1);
    assert_string_equal(plan.actors[0].name, "edge");
    es_up_plan_fini(&plan);
}

/* How many of a role there are; each has its number. */
static uint64_t sharers(es_up_role_t role, uint64_t setting, bool own_broker)
{
    const char *stem = role == ES_UP_ROOM ? "room" : "jobs";
    es_up_config_t config = config_of();
    es_up_plan_t plan;
    uint64_t n = 0;
    config.rooms = config.jobs = setting;
    es_up_plan_make(&plan, &config, own_broker, "b");
    for (size_t i = 0; i < plan.count; i++) {
        char name[32];
        if (plan.actors[i].role != role) continue;
        snprintf(name, sizeof name, "%s-%d", stem, (int)++n);
        assert_string_equal(plan.actors[i].name, name);
    }
    es_up_plan_fini(&plan);
    return n;
}

/* Two machines with a database each are no house: a second one must be asked for. */
static void one_room_and_jobs_actor_in_a_house_of_our_own(void **state)
{
    static const es_up_role_t roles[] = {ES_UP_ROOM, ES_UP_JOBS};
    (void)state;
    for (size_t r = 0; r < 2; r++) {
        assert_int_equal(sharers(roles[r], 0, true), 1); /* auto */
        assert_int_equal(sharers(roles[r], 0, false), 0);
        for (uint64_t n = 0; n <= ES_UP_ROOMS_MAX; n++) {
            assert_int_equal(sharers(roles[r], 1 + n, true), n);
            assert_int_equal(sharers(roles[r], 1 + n, false), n);
        }
    }
}

static void a_drawn_port_is_kept(void **state)
{
    (void)state;
    es_up_config_t config = config_of();
    es_up_plan_t plan;
    es_up_plan_make(&plan, &config, true, "b");
    assert_true(has(&plan.actors[6], "--port=0"));
    es_up_actor_fix_port(&plan.actors[6], 40123);
    assert_true(has(&plan.actors[6], "--port=40123"));
    assert_false(has(&plan.actors[6], "--port=0"));
    es_up_plan_fini(&plan);
}

static void the_most_there_can_be(void **state)
{
    (void)state;
    es_up_config_t config = config_of();
    config.transcribers = ES_UP_TRANSCRIBERS_MAX;
    config.analyses = ES_UP_ANALYSES_MAX;
    config.rooms = 1 + ES_UP_ROOMS_MAX;
    config.jobs = 1 + ES_UP_JOBS_MAX;
    config.brokers = ES_UP_BROKERS_MAX;
    config.edges = ES_UP_EDGES_MAX;
    es_up_plan_t plan;
    char bases[ES_UP_BASES_MAX];
    es_up_plan_bases(bases, "ipc:///d/broker", config.brokers);
    es_up_plan_make(&plan, &config, true, bases);
    assert_int_equal(plan.count, ES_UP_ACTORS_MAX);
    es_up_plan_fini(&plan);
}

static void several_brokers_and_edges(void **state)
{
    (void)state;
    es_up_config_t config = config_of();
    char tcp[] = "10.0.0.1:6000", origin[] = "https://ears.example", bases[ES_UP_BASES_MAX];
    es_up_plan_t plan;
    config.allow_origin = origin;
    config.brokers = 3, config.edges = 2, config.port = 8000, config.tcp = tcp, config.transcribers = 1;
    config.analyses = 0, config.jobs = 1;
    es_up_plan_bases(bases, "ipc:///d/broker", config.brokers);
    assert_string_equal(bases, "ipc:///d/broker,ipc:///d/broker-2,ipc:///d/broker-3");
    es_up_plan_make(&plan, &config, true, bases);
    static const char *const names[] = {"broker", "broker-2", "broker-3", "transcriber-1", "room-1", "edge", "edge-2"};
    assert_int_equal(plan.count, 7);
    for (size_t i = 0; i < plan.count; i++) assert_string_equal(plan.actors[i].name, names[i]);
    /* each broker serves its own base, the others use all of them */
    assert_true(has(&plan.actors[0], "--broker=ipc:///d/broker") && has(&plan.actors[0], "--tcp=10.0.0.1:6000"));
    assert_true(has(&plan.actors[1], "--broker=ipc:///d/broker-2") && has(&plan.actors[1], "--tcp=10.0.0.1:6004"));
    assert_true(has(&plan.actors[2], "--broker=ipc:///d/broker-3") && has(&plan.actors[2], "--tcp=10.0.0.1:6008"));
    char all[ES_UP_BASES_MAX + 16];
    snprintf(all, sizeof all, "--broker=%s", bases);
    for (size_t i = 3; i < plan.count; i++) assert_true(has(&plan.actors[i], all));
    assert_true(has(&plan.actors[5], "--port=8000") && has(&plan.actors[5], "--addr-file=/d/run/edge.addr"));
    assert_true(has(&plan.actors[6], "--port=8001") && has(&plan.actors[6], "--addr-file=/d/run/edge-2.addr"));
    for (size_t i = 5; i < plan.count; i++) assert_true(has(&plan.actors[i], "--allow-origin=https://ears.example"));
    es_up_plan_fini(&plan);
}

/* What the broker will refuse is handed on for it to say so. */
static void ports_of_brokers_on_tcp(void **state)
{
    (void)state;
    static const struct {
        const char *tcp, *first, *second;
    } cases[] = {{"h", "--tcp=h", "--tcp=h:5574"}, {"h:x", "--tcp=h:x", "--tcp=h:x"}, {"h:", "--tcp=h:", "--tcp=h:"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        es_up_config_t config = config_of();
        es_up_plan_t plan;
        char tcp[8];
        snprintf(tcp, sizeof tcp, "%s", cases[i].tcp);
        config.tcp = tcp, config.brokers = 2;
        es_up_plan_make(&plan, &config, true, "b,b-2");
        assert_true(has(&plan.actors[0], cases[i].first));
        assert_true(has(&plan.actors[1], cases[i].second));
        es_up_plan_fini(&plan);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broker_first_edge_last),
        cmocka_unit_test(metrics_count_up),
        cmocka_unit_test(only_what_was_asked_for_is_passed_on),
        cmocka_unit_test(secrets_are_not_on_command_lines),
        cmocka_unit_test(a_broker_elsewhere),
        cmocka_unit_test(a_drawn_port_is_kept),
        cmocka_unit_test(the_most_there_can_be),
        cmocka_unit_test(one_room_and_jobs_actor_in_a_house_of_our_own),
        cmocka_unit_test(several_brokers_and_edges),
        cmocka_unit_test(ports_of_brokers_on_tcp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
