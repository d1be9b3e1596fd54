#include "batch_watch.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "batch_options.h"
#include "printable.h"
#include "stream_link.h"
#include "wire.h"

#define LOOK_US UINT64_C(100000)     /* between two looks at signals, and at most so often a drawing */
#define ASK_US UINT64_C(7000000)     /* after so much silence all is asked for again */
#define SILENT_US UINT64_C(15000000) /* and after so much the connection is given up */

typedef struct {
    const es_batch_watch_t *watch;
    es_stream_link_t *link;
    uint64_t now_us, heard_us, asked_us, up_us; /* up: when there was last a connection */
    bool dirty, said_lost;
    int status; /* -1: goes on */
} run_t;

__attribute__((format(printf, 2, 3))) static void say(run_t *run, const char *format, ...)
{
    va_list args;
    es_batch_bars_clear(run->watch->bars);
    va_start(args, format);
    fputs("earshot: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    run->dirty = true;
}

/* ---- what is said */

static void send_watch(run_t *run, json_t *payload)
{
    json_t *message = json_object();
    json_object_set_new(message, "type", json_string("job.watch"));
    json_object_set_new(message, "payload", payload);
    json_object_set_new(message, "timestamp", json_integer((json_int_t)(es_wall_us() / 1000)));
    char *text = json_dumps(message, JSON_COMPACT);
    if (es_stream_link_send(run->link, false, text, strlen(text)) == -1)
        es_stream_link_fail(run->link, "it does not read what is sent");
    free(text);
    json_decref(message);
}

static json_t *with(const char *name, const char *value)
{
    json_t *payload = json_object();
    json_object_set_new(payload, name, json_string(value));
    return payload;
}

/* Asked again it answers with how all stands: what was lost on the way comes so. */
static void ask(run_t *run)
{
    const es_batch_watch_t *watch = run->watch;
    run->asked_us = run->now_us;
    if (watch->session)
        send_watch(run, with("session_id", watch->session));
    else if (watch->token) {
        json_t *payload = with("token", watch->token);
        json_object_set_new(payload, "all", json_true());
        send_watch(run, payload);
    } else
        for (size_t i = 0; i < watch->board->count; i++)
            if (watch->board->jobs[i].end == ES_BATCH_RUNS) send_watch(run, with("job_id", watch->board->jobs[i].id));
}

/* ---- what is heard */

static void on_open(void *ctx)
{
    run_t *run = ctx;
    if (run->said_lost) say(run, "connected again to %s", es_stream_link_address(run->link));
    run->said_lost = false;
    run->heard_us = run->up_us = run->now_us = es_now_us();
    ask(run);
}

static void on_error(run_t *run, const json_t *payload)
{
    const char *message = json_string_value(json_object_get(payload, "message"));
    const char *ref = json_string_value(json_object_get(payload, "ref"));
    if (ref && strcmp(ref, "job.watch") != 0) return;
    char shown[400];
    snprintf(shown, sizeof shown, "%s", message ? message : "it gives no reason");
    for (char *c = shown; *c; c++)
        if (es_printable_control(c)) *c = ' ';
    say(run, "the server refuses to have this watched: %s", shown);
    run->status = ES_BATCH_FAILED;
}

static void on_event(run_t *run, const char *type, const json_t *payload)
{
    es_batch_job_t *job = es_batch_board_event(run->watch->board, type, payload);
    if (!job) return;
    run->dirty = true;
    if (run->watch->json) {
        json_dumpf(payload, run->watch->json, JSON_COMPACT | JSON_REAL_PRECISION(6));
        fputc('\n', run->watch->json);
        fflush(run->watch->json);
    } else
        es_batch_bars_news(run->watch->bars, job);
}

static void on_text(void *ctx, const char *text, size_t len)
{
    run_t *run = ctx;
    json_t *message = json_loadb(text, len, 0, NULL);
    const char *type = json_string_value(json_object_get(message, "type"));
    const json_t *payload = json_object_get(message, "payload");
    run->heard_us = run->up_us = es_now_us();
    if (type && strcmp(type, "error") == 0)
        on_error(run, payload);
    else if (type)
        on_event(run, type, payload);
    json_decref(message);
}

static void on_lost(void *ctx)
{
    run_t *run = ctx;
    say(run, "the connection to %s is lost (%s); trying again", es_stream_link_address(run->link),
        es_stream_link_why(run->link));
    run->said_lost = true;
}

static void on_failed(void *ctx, size_t address, const char *why, bool listens)
{
    run_t *run = ctx;
    (void)listens;
    if (!run->said_lost) say(run, "cannot connect to %s: %s; trying again", run->watch->addresses->names[address], why);
    run->said_lost = true;
}

/* ---- time */

static bool over(const run_t *run)
{
    return !run->watch->session && !run->watch->token && es_batch_board_over(run->watch->board);
}

static void look(run_t *run)
{
    run->now_us = es_now_us();
    bool open = es_stream_link_is_open(run->link);
    if (run->watch->interrupted())
        run->status = ES_BATCH_INTERRUPTED;
    else if (over(run))
        run->status = ES_BATCH_OK;
    else if (!open && run->now_us > run->up_us + run->watch->patience_us) {
        say(run, "no server of the house answered for %.0f s (--patience). The jobs go on without being watched",
            (double)run->watch->patience_us / 1e6);
        run->status = ES_BATCH_NOBODY;
    } else if (open && run->now_us > run->heard_us + SILENT_US)
        es_stream_link_fail(run->link, "it says nothing");
    else if (open && run->now_us > run->heard_us + ASK_US && run->now_us > run->asked_us + ASK_US)
        ask(run);
}

int es_batch_watch(const es_batch_watch_t *watch)
{
    static const es_stream_link_ops_t ops = {.open = on_open, .text = on_text, .lost = on_lost, .failed = on_failed};
    run_t run = {.watch = watch, .status = -1, .dirty = true};
    uint64_t drawn_us = 0;
    run.now_us = run.up_us = es_now_us();
    if (over(&run)) return ES_BATCH_OK;
    run.link = es_stream_link_new(watch->addresses, watch->connect_us, watch->seed, &ops, &run);
    for (look(&run); run.status == -1; look(&run)) {
        es_stream_link_turn(run.link, run.now_us + LOOK_US, run.now_us);
        if (!run.dirty || es_now_us() < drawn_us + LOOK_US) continue;
        es_batch_bars_draw(watch->bars, watch->board);
        run.dirty = false;
        drawn_us = es_now_us();
    }
    es_batch_bars_draw(watch->bars, watch->board);
    watch->bars->drawn = 0; /* it stays */
    es_stream_link_destroy(&run.link);
    return run.status;
}
