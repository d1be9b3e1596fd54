#include <string.h>

#include "cmd.h"
#include "config.h"
#include "endpoints.h"
#include "house_brokers.h"
#include "houses.h"
#include "log.h"
#include "sender_link.h"
#include "watch.h"
#include "wire.h"

enum { DRAIN_OK = 0, DRAIN_STAYS = 1, DRAIN_USAGE = 2, DRAIN_NOBODY = 3, DRAIN_UNKNOWN = 4 };
enum { TARGETS_MAX = 64, HEAR_US = 2000000, GATHER_US = 700000, TELL_US = 2000000, LOOK_US = 20000 };

typedef struct {
    es_common_config_t common; /* only broker, data, env_file and keys are asked for */
    uint64_t wait_us;
} config_t;

static const es_option_t options[] = {
    ES_OPT_DURATION(config_t, wait_us, "wait", "30s", 0, 600000000,
                    "for the actor to be gone; 0s: only tell it to drain"),
    ES_OPT_STR(config_t, common.broker, "broker", "BROKER_URL", NULL, 1024,
               "brokers to ask; default: those of the `earshot up` in --data"),
    ES_OPT_STR(config_t, common.data, "data", NULL, NULL, 512,
               "directory of a running `earshot up`; default $XDG_RUNTIME_DIR/earshot or /tmp/earshot-<uid>"),
    ES_OPT_STR(config_t, common.env_file, "env-file", NULL, NULL, 512,
               "file of NAME=value settings; default .env where there is one"),
    ES_OPT_END};
static const es_option_t *const tables[] = {options, es_key_options, NULL};
static const es_option_t *const common_tables[] = {es_common_options, NULL};

static const es_config_about_t about = {
    .program = "earshot drain",
    .usage = "[OPTIONS] ACTOR",
    .about = "Has a transcriber, room actor, jobs actor, edge or broker give its work away and end, as on SIGTERM,\n"
             "wherever it runs: no word is lost and no client that can resume is closed. Waits until it is gone. Who "
             "supervises it\n"
             "(`earshot up`, a container's restart policy) starts it anew.",
    .epilog = "Exit codes:\n"
              "  0    it is gone (with --wait 0s: it was told)\n"
              "  1    it is still there\n"
              "  2    wrong options\n"
              "  3    no broker was heard\n"
              "  4    there is no actor of this name"};

typedef enum { HEARING, TELLING, WAITING } phase_t;

typedef struct {
    const config_t *config;
    const char *name;
    es_loop_t *loop;
    es_sender_link_t *link;
    es_houses_t houses;
    size_t brokers; /* that are listed */
    phase_t phase;
    uint64_t begun_us, heard_us, told_us; /* of the first beacon, of the request; 0: not yet */
    bool sent[ES_BROKERS_MAX];
    es_house_actor_t targets[TARGETS_MAX];
    size_t n_targets;
    json_int_t before; /* what they had when they were told */
    uint64_t told;     /* actors, as the broker says that told the most */
    int status;        /* -1: none yet */
} drain_t;

static void finish(drain_t *self, int status)
{
    self->status = status;
    es_loop_stop(self->loop);
}

static json_int_t total(const drain_t *self)
{
    json_int_t n = 0;
    for (size_t i = 0; i < self->n_targets; i++) n += self->targets[i].load;
    return n;
}

static void on_beacon(void *ctx, const char *key, json_t *house)
{
    drain_t *self = ctx;
    uint64_t now_us = es_now_us();
    if (self->heard_us == 0) self->heard_us = now_us;
    es_houses_take(&self->houses, key, house, now_us);
}

static void on_message(void *ctx, int broker, es_span_t key, const es_msg_t *msg, const void *body, size_t len,
                       uint64_t now_us)
{
    drain_t *self = ctx;
    (void)broker, (void)key, (void)body, (void)len, (void)now_us;
    if (msg->kind == ES_DRAINED && msg->count > self->told) self->told = msg->count;
}

/* ---- one function a phase; each returns when it wants to look again */

static uint64_t hear(drain_t *self, uint64_t now_us)
{
    bool all = es_houses_fresh(&self->houses, now_us) >= self->brokers;
    if (!all && self->heard_us == 0 && now_us >= self->begun_us + HEAR_US) {
        fprintf(stderr,
                "earshot drain: no broker was heard at %s within %.1f s. Is the system up? Say where it is with --data "
                "DIR or --broker URL%s\n",
                self->config->common.broker, HEAR_US / 1e6, es_house_brokers_hint(self->config->common.broker));
        finish(self, DRAIN_NOBODY);
    } else if (all || (self->heard_us && now_us >= self->heard_us + GATHER_US)) {
        self->n_targets = es_houses_find(&self->houses, self->name, now_us, self->targets, TARGETS_MAX);
        self->phase = TELLING;
        self->told_us = now_us;
        if (self->n_targets > 0) return now_us;
        fprintf(stderr, "earshot drain: there is no actor \"%s\". There are: ", self->name);
        es_houses_print_names(&self->houses, now_us, stderr);
        fputc('\n', stderr);
        finish(self, DRAIN_UNKNOWN);
    }
    return now_us + LOOK_US;
}

/* By incarnation: one that is started meanwhile is not meant. */
static bool send_to(drain_t *self, int broker)
{
    for (size_t i = 0; i < self->n_targets; i++) {
        es_msg_t msg = {.kind = ES_DRAIN};
        ES_SET(&msg, ES_M_NAME, name, es_span(self->name));
        ES_SET(&msg, ES_M_INC, inc, strtoull(self->targets[i].inc, NULL, 16));
        if (es_sender_link_send(self->link, broker, es_span(es_sender_link_key(self->link)), &msg, NULL, 0) != 0)
            return false; /* not connected yet */
    }
    return true;
}

static uint64_t tell(drain_t *self, uint64_t now_us)
{
    bool all = true;
    for (size_t i = 0; i < self->brokers; i++) {
        if (!self->sent[i]) self->sent[i] = send_to(self, (int)i);
        all = all && self->sent[i];
    }
    bool late = now_us >= self->told_us + TELL_US;
    if (self->told == 0 && late) {
        fprintf(stderr,
                "earshot drain: no broker has said within %.1f s that %s was told. Try again; actors of \"earshot up "
                "--threads\" "
                "cannot be told from outside of their process\n",
                TELL_US / 1e6, self->name);
        finish(self, DRAIN_STAYS);
    } else if (self->told > 0 && (all || late)) {
        json_int_t n = self->before = total(self);
        printf("%s was told to drain, with %lld %s%s\n", self->name, n, self->targets[0].serves, n == 1 ? "" : "s");
        fflush(stdout);
        self->phase = WAITING;
        if (self->config->wait_us == 0) finish(self, DRAIN_OK);
    }
    return now_us + LOOK_US;
}

static void say_gone(const drain_t *self, uint64_t now_us)
{
    es_house_actor_t anew;
    json_int_t left = total(self), before = self->before;
    printf("%s %s after %.1f s", self->name,
           es_houses_find(&self->houses, self->name, now_us, &anew, 1) ? "ended and is back anew" : "is gone",
           (double)(now_us - self->told_us) / 1e6);
    if (before > 0 && left == 0)
        printf("; its %lld %s%s moved before\n", before, self->targets[0].serves, before == 1 ? "" : "s");
    else if (before > 0)
        printf("; %lld of its %lld %s%s were last seen with it and begin anew elsewhere\n", left, before,
               self->targets[0].serves, before == 1 ? "" : "s");
    else
        putchar('\n');
}

static uint64_t wait_for_end(drain_t *self, uint64_t now_us)
{
    size_t there = 0;
    for (size_t i = 0; i < self->n_targets; i++)
        there += es_houses_has(&self->houses, self->targets[i].inc, now_us, &self->targets[i].load);
    if (there == 0) {
        say_gone(self, now_us);
        finish(self, DRAIN_OK);
    } else if (now_us >= self->told_us + self->config->wait_us) {
        fprintf(stderr, "earshot drain: %s is still there after %.1f s, with %lld %ss. It goes on draining\n",
                self->name, (double)self->config->wait_us / 1e6, total(self), self->targets[0].serves);
        finish(self, DRAIN_STAYS);
    }
    return now_us + LOOK_US;
}

static uint64_t on_tick(void *ctx, uint64_t now_us)
{
    static uint64_t (*const phases[])(drain_t *,
                                      uint64_t) = {[HEARING] = hear, [TELLING] = tell, [WAITING] = wait_for_end};
    drain_t *self = ctx;
    uint64_t link = es_sender_link_tick(self->link, now_us), next = phases[self->phase](self, now_us);
    es_sender_link_flush(self->link);
    return link < next ? link : next;
}

static bool on_link(void *ctx, uint64_t now_us)
{
    return es_sender_link_drain(((drain_t *)ctx)->link, ES_LOOP_BATCH, now_us);
}

static int drain(const config_t *config, const char *name)
{
    static const es_sender_link_ops_t ops = {.message = on_message};
    drain_t self = {.config = config, .name = name, .loop = es_loop_new(), .begun_us = es_now_us(), .status = -1};
    void *sockets[ES_BROKERS_MAX];
    char prefix[17];
    es_hex16(es_random_u64(), prefix);
    prefix[ES_PREFIX_LEN] = '\0';
    self.link = es_sender_link_new(config->common.broker, prefix, &ops, &self);
    es_watch_t *watch = es_watch_new(config->common.broker, on_beacon, &self);
    self.brokers = (size_t)es_sender_link_sockets(self.link, sockets, ES_BROKERS_MAX);
    for (size_t i = 0; i < self.brokers; i++) es_loop_add_socket(self.loop, sockets[i], on_link, &self);
    es_watch_attach(watch, self.loop);
    es_loop_add_tick(self.loop, on_tick, &self);
    es_loop_run(self.loop);
    es_loop_destroy(&self.loop);
    es_watch_destroy(&watch);
    es_sender_link_destroy(&self.link);
    es_houses_fini(&self.houses);
    return self.status;
}

static int check_and_drain(config_t *config, int rest, int argc, char **argv)
{
    if (argc - rest != 1) {
        fprintf(stderr, "earshot drain: %s. \"earshot status\" lists the actors.\n",
                rest == argc ? "ACTOR is missing" : "one ACTOR at a time");
        return DRAIN_USAGE;
    }
    es_span_t name = es_span(argv[rest]);
    if (name.len == 0 || name.len > ES_NAME_MAX || !es_utf8_valid(name.ptr, name.len)) {
        fprintf(stderr, "earshot drain: ACTOR: a name has 1 to %d bytes of UTF-8\n", ES_NAME_MAX);
        return DRAIN_USAGE;
    }
    return es_house_brokers_settle(&config->common, "drain") == -1 ? DRAIN_USAGE : drain(config, argv[rest]);
}

int es_cmd_drain(int argc, char **argv)
{
    config_t config = {.wait_us = 0};
    int rest, status;
    es_log_init("drain", ES_LOG_ERROR, false);
    switch (es_config_load(&config, tables, &about, argc, argv, &rest)) {
    case ES_CONFIG_OK:
        status = check_and_drain(&config, rest, argc, argv);
        break;
    case ES_CONFIG_HELP:
        status = DRAIN_OK;
        break;
    default:
        status = DRAIN_USAGE;
    }
    es_config_fini(&config, tables);
    es_config_fini(&config.common, common_tables);
    zsys_shutdown();
    return status;
}
