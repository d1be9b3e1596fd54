/* Seeded schedules of faults: connections that end in any moment, with everything under way lost; sessions that are not taken over; lines refused for now; events that
 * are given up. After each, with a good server: every line is in the room once and in order, and every event was shown once and in order or told to be gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "chat_session.h"

enum { SCHEDULES = 400, STEPS = 600, EVENTS = 1000, QUEUE = 400, HISTORY = 50 };
#define S UINT64_C(1000000)

typedef struct {
    char session[16], text[32], msg_id[48];
} event_t;

typedef struct {
    char *items[QUEUE];
    size_t head, count;
} queue_t;

typedef struct {
    uint64_t random, now, wake;
    bool refusals, gaps, strangers; /* which faults there are */
    es_chat_session_t *session;
    /* the server */
    event_t events[EVENTS];
    unsigned last, floor, sessions;
    bool connected, connecting, inside;
    char member[16];
    queue_t up, down;
    /* what the user saw */
    unsigned shown; /* number of the last event shown or told to be gone */
    unsigned said;
} world_t;

static unsigned draw(world_t *w, unsigned below)
{
    w->random = w->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(w->random >> 33) % below;
}

static void push(queue_t *q, const char *text)
{
    assert_true(q->count < QUEUE);
    q->items[(q->head + q->count++) % QUEUE] = strdup(text);
}

static char *pop(queue_t *q)
{
    if (q->count == 0) return NULL;
    char *text = q->items[q->head];
    q->head = (q->head + 1) % QUEUE;
    q->count--;
    return text;
}

static void empty(queue_t *q)
{
    for (char *text; (text = pop(q));) free(text);
}

__attribute__((format(printf, 3, 4))) static void answer(world_t *w, const char *type, const char *format, ...)
{
    char fields[1000], text[1200];
    va_list args;
    va_start(args, format);
    vsnprintf(fields, sizeof fields, format, args);
    va_end(args);
    snprintf(text, sizeof text, "{\"type\":\"%s\",\"payload\":{%s},\"timestamp\":1}", type, fields);
    push(&w->down, text);
}

/* ---- the server */

static void tell(world_t *w, unsigned n)
{
    const event_t *e = &w->events[n];
    answer(w, "room.message",
           "\"room\":\"r\",\"rseq\":%u,\"time\":1,\"member\":\"%s\",\"name\":\"x\",\"text\":\"%s\",\"msg_id\":\"%s\"",
           n, e->session, e->text, e->msg_id);
}

static unsigned store(world_t *w, const char *session, const char *text, const char *msg_id)
{
    for (unsigned n = 1; n <= w->last; n++)
        if (strcmp(w->events[n].session, session) == 0 && strcmp(w->events[n].msg_id, msg_id) == 0) return n;
    assert_true(w->last + 1 < EVENTS);
    event_t *e = &w->events[++w->last];
    snprintf(e->session, sizeof e->session, "%s", session);
    snprintf(e->text, sizeof e->text, "%s", text);
    snprintf(e->msg_id, sizeof e->msg_id, "%s", msg_id);
    if (w->inside) tell(w, w->last);
    return w->last;
}

static void on_resume(world_t *w, const json_t *payload)
{
    if (w->strangers && draw(w, 3) == 0) {
        answer(w, "session.resumed", "\"ok\":false,\"reason\":\"no\"");
        return;
    }
    snprintf(w->member, sizeof w->member, "%s", json_string_value(json_object_get(payload, "token")));
    answer(w, "session.resumed", "\"ok\":true,\"session\":\"%s\",\"token\":\"%s\"", w->member, w->member);
}

static void on_join(world_t *w, const json_t *payload)
{
    const json_t *since = json_object_get(payload, "since");
    unsigned recent = w->last > HISTORY ? w->last - HISTORY : 0;
    unsigned at = since ? (unsigned)json_integer_value(since) : recent;
    if (at + 1 < w->floor) at = w->floor - 1;
    answer(w, "room.joined",
           "\"room\":\"r\",\"log\":\"L\",\"rseq\":%u,\"members\":[],\"history\":{\"from\":%u,\"complete\":true}",
           w->last, at + 1);
    for (unsigned n = at + 1; n <= w->last; n++) tell(w, n);
    w->inside = true;
}

static void on_say(world_t *w, const json_t *payload)
{
    const char *msg_id = json_string_value(json_object_get(payload, "msg_id"));
    if (w->refusals && draw(w, 8) == 0) {
        answer(w, "error", "\"code\":\"rate_limited\",\"message\":\"m\",\"ref\":\"room.say\",\"msg_id\":\"%s\"",
               msg_id);
        return;
    }
    unsigned n = store(w, w->member, json_string_value(json_object_get(payload, "text")), msg_id);
    answer(w, "room.said", "\"room\":\"r\",\"msg_id\":\"%s\",\"rseq\":%u", msg_id, n);
}

static void on_leave(world_t *w, const json_t *payload)
{
    (void)payload;
    answer(w, "room.left", "\"room\":\"r\",\"member\":\"%s\"", w->member);
}

static void on_ping(world_t *w, const json_t *payload)
{
    (void)payload;
    answer(w, "pong", "%s", "");
}

static void serve(world_t *w, const char *text)
{
    static const struct {
        const char *type;
        void (*on)(world_t *, const json_t *);
    } types[] = {{"session.resume", on_resume},
                 {"room.join", on_join},
                 {"room.say", on_say},
                 {"room.leave", on_leave},
                 {"ping", on_ping}};
    json_t *message = json_loads(text, 0, NULL);
    const char *type = json_string_value(json_object_get(message, "type"));
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(types[i].type, type) == 0) types[i].on(w, json_object_get(message, "payload"));
    json_decref(message);
}

static void accept_connection(world_t *w)
{
    w->connected = true;
    w->connecting = false;
    snprintf(w->member, sizeof w->member, "s%u", ++w->sessions);
    answer(w, "welcome", "\"session\":\"%s\",\"token\":\"%s\",\"limits\":{\"say_rate\":0}", w->member, w->member);
    es_chat_session_open(w->session, w->now);
}

static void forget_connection(world_t *w)
{
    w->connected = w->connecting = w->inside = false;
    empty(&w->up);
    empty(&w->down);
}

/* ---- what the session does */

static void on_connect(void *ctx, size_t address)
{
    world_t *w = ctx;
    (void)address;
    forget_connection(w);
    w->connecting = true;
}

static void on_drop(void *ctx)
{
    forget_connection(ctx);
}

static int on_send(void *ctx, const char *text)
{
    world_t *w = ctx;
    assert_true(w->connected);
    push(&w->up, text);
    return 0;
}

static void on_show(void *ctx, const es_message_t *m)
{
    world_t *w = ctx;
    if (m->type != ES_MESSAGE_SPOKEN) return;
    assert_int_equal(m->rseq, w->shown + 1);
    assert_string_equal(m->text, w->events[m->rseq].text);
    w->shown++;
}

static void on_note(void *ctx, es_chat_weight_t weight, const char *text)
{
    world_t *w = ctx;
    const char *range = strstr(text, "never come (number ");
    unsigned from, to;
    if (!range) return;
    assert_int_equal(weight, ES_CHAT_WARNING);
    assert_int_equal(sscanf(range, "never come (number %u to %u)", &from, &to), 2);
    assert_int_equal(from, w->shown + 1);
    assert_true(to < w->floor);
    w->shown = to;
}

/* ---- the schedule */

static void hear(world_t *w)
{
    char *text = pop(&w->down);
    es_message_t m;
    if (!text) return;
    es_message_parse(&m, text, strlen(text));
    es_chat_session_hear(w->session, &m, w->now);
    es_message_fini(&m);
    free(text);
}

static void serve_one(world_t *w)
{
    char *text = pop(&w->up);
    if (text) serve(w, text);
    free(text);
}

static void cut(world_t *w)
{
    if (!w->connected && !w->connecting) return;
    forget_connection(w);
    es_chat_session_down(w->session, "cut", w->now);
}

static void say_line(world_t *w)
{
    char text[16];
    int n = snprintf(text, sizeof text, "line %u", w->said + 1);
    if (!es_chat_session_full(w->session) && es_chat_session_say(w->session, text, (size_t)n) == 0) w->said++;
}

static void pass_time(world_t *w)
{
    uint64_t step = draw(w, 300000);
    w->now += step;
}

static void fault(world_t *w)
{
    if (draw(w, 3) == 0) cut(w);
    if (w->gaps && draw(w, 4) == 0 && w->floor + 5 < w->last && !w->inside) w->floor += 5;
}

static void step(world_t *w, unsigned choices)
{
    static void (*const actions[])(world_t *) = {serve_one, serve_one, serve_one, hear,     hear,
                                                 hear,      hear,      pass_time, say_line, fault};
    actions[draw(w, choices)](w);
    w->wake = es_chat_session_tick(w->session, w->now);
    if (w->connecting && draw(w, 2)) accept_connection(w);
}

/* A good server, as long as it takes. */
static void settle(world_t *w)
{
    es_chat_session_end(w->session, true);
    for (unsigned i = 0; !es_chat_session_over(w->session); i++) {
        assert_true(i < 100000);
        if (w->connecting) accept_connection(w);
        if (w->up.count)
            serve_one(w);
        else if (w->down.count)
            hear(w);
        else if (w->wake > w->now && w->wake < UINT64_MAX)
            w->now = w->wake;
        w->wake = es_chat_session_tick(w->session, w->now);
    }
}

/* Every line is there; once, where every session was taken over or the history told; in order, where none was refused. */
static void check_room(const world_t *w)
{
    unsigned expected = 1;
    for (unsigned n = 1; n <= w->last; n++) {
        unsigned line;
        if (sscanf(w->events[n].text, "line %u", &line) != 1) continue;
        if (!w->refusals && !(w->strangers && w->gaps)) assert_int_equal(line, expected);
        expected++;
    }
    if (w->strangers && w->gaps)
        assert_true(expected >= w->said + 1);
    else
        assert_int_equal(expected, w->said + 1);
}

static void run(uint64_t seed)
{
    static const char *const addresses[] = {"a", "b"};
    static const es_chat_ops_t ops = {
        .connect = on_connect, .drop = on_drop, .close = on_drop, .send = on_send, .show = on_show, .note = on_note};
    const es_chat_options_t options = {.room = "r",
                                       .name = "n",
                                       .addresses = addresses,
                                       .address_count = 2,
                                       .connect_us = 3600 * S,
                                       .silence_us = 15 * S,
                                       .wait_us = 3600 * S,
                                       .history = 50,
                                       .pending = 256,
                                       .seed = seed};
    world_t *w = calloc(1, sizeof *w);
    w->random = seed;
    w->now = S;
    w->floor = 1;
    w->refusals = seed & 1, w->gaps = seed & 2, w->strangers = seed & 4;
    w->session = es_chat_session_new(&options, &ops, w);
    for (unsigned i = 0; i < STEPS; i++) step(w, 10);
    settle(w);
    assert_int_equal(es_chat_session_status(w->session), ES_CHAT_OK);
    assert_int_equal(w->shown, w->last);
    check_room(w);
    forget_connection(w);
    es_chat_session_destroy(&w->session);
    free(w);
}

static void nothing_is_lost_or_doubled(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SCHEDULES; seed++) run(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_lost_or_doubled)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
