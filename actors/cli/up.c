#include "up.h"

#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "health.h"
#include "house_brokers.h"
#include "log.h"
#include "metrics_setup.h"
#include "notify.h"
#include "otlp.h"
#include "runner.h"
#include "terminal.h"
#include "wire.h"

void es_up_say(es_up_t *self, const char *format, ...)
{
    char line[1024];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line - 1, format, args);
    va_end(args);
    if (self->config->common.log_format == 1) {
        es_log_warn(line);
        return;
    }
    size_t len = n < 0 ? 0 : n > (int)sizeof line - 2 ? sizeof line - 2 : (size_t)n;
    line[len] = '\n';
    es_log_mux_feed(self->mux, self->mux_self, line, len + 1);
}

void es_up_ended(es_up_t *self, size_t child, const char *why, bool hopeless, uint64_t now_us)
{
    if (!es_supervisor_stopping(self->supervisor) || strcmp(why, "ended") != 0)
        es_up_say(self, "%s %s", self->plan.actors[child].name, why);
    es_pidfile_remove(self->config->common.data, self->plan.actors[child].name);
    es_supervisor_exited(self->supervisor, child, hopeless, now_us);
}

static void on_restarting(void *ctx, size_t child, uint64_t pause_us)
{
    es_up_t *self = ctx;
    es_up_say(self, "%s will be started again in %.1f s", self->plan.actors[child].name, (double)pause_us / 1e6);
}

static void on_gave_up(void *ctx, size_t child, es_gave_up_t why)
{
    static const char *const reasons[] = {[ES_GAVE_UP_NOT] = "",
                                          [ES_GAVE_UP_HOPELESS] = "another try would end alike",
                                          [ES_GAVE_UP_START] = "it never lived long enough to be of use",
                                          [ES_GAVE_UP_INTENSITY] = "it was restarted too often within a minute"};
    es_up_t *self = ctx;
    es_up_say(self, "giving up on %s: %s. Its own last lines above tell more. Stopping everything",
              self->plan.actors[child].name, reasons[why]);
}

static void reload(es_up_t *self)
{
    es_up_say(self, "asked to read files anew");
    for (size_t i = 0; i < self->plan.count; i++)
        if (es_supervisor_state(self->supervisor, i) == ES_CHILD_UP) self->backend->reload(self, i);
}

static void on_signal(void *ctx, short revents, uint64_t now_us)
{
    (void)revents;
    es_up_t *self = ctx;
    struct signalfd_siginfo info;
    while (read(self->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCHLD) continue; /* every turn reaps */
        if (info.ssi_signo == SIGHUP && !es_runner_hung_up()) {
            reload(self);
            continue;
        }
        bool again = es_supervisor_stopping(self->supervisor);
        if (again && now_us - self->stop_us < ES_RUNNER_SAME_STOP_US) continue;
        self->stop_us = now_us;
        es_notify_stopping();
        es_health_unready("it is going down");
        es_up_say(self,
                  again ? "killing what is left"
                        : "stopping: edges, jobs, transcribers with analysis and rooms, brokers, each within %.1f s",
                  (double)self->config->grace_us / 1e6);
        es_supervisor_stop(self->supervisor, now_us);
    }
}

static uint64_t on_tick(void *ctx, uint64_t now_us)
{
    es_up_t *self = ctx;
    self->backend->reap(self, now_us);
    if (self->backend->watch) self->backend->watch(self, now_us);
    uint64_t next = es_supervisor_tick(self->supervisor, now_us);
    if (es_supervisor_done(self->supervisor)) es_loop_stop(self->loop);
    uint64_t look = es_supervisor_stopping(self->supervisor) ? UINT64_MAX : es_up_look(self, now_us);
    uint64_t notice = es_notify_tick(now_us);
    if (notice < next) next = notice;
    uint64_t poll = self->backend == &es_up_threads ? now_us + 50000 : UINT64_MAX; /* a thread's end wakes nobody */
    if (look < next) next = look;
    return poll < next ? poll : next;
}

static int open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void make_supervisor(es_up_t *self)
{
    int stages[ES_UP_ACTORS_MAX];
    es_supervisor_config_t config = es_supervisor_defaults();
    es_supervisor_ops_t ops = self->backend->ops;
    ops.restarting = on_restarting;
    ops.gave_up = on_gave_up;
    config.grace_us = self->config->grace_us;
    for (size_t i = 0; i < self->plan.count; i++) stages[i] = self->plan.actors[i].stage;
    self->supervisor = es_supervisor_new(&config, &ops, self, stages, self->plan.count);
}

static void make_mux(es_up_t *self)
{
    bool json = self->config->common.log_format == 1;
    self->mux = es_log_mux_new(STDERR_FILENO, !json, es_terminal_colour(STDERR_FILENO));
    for (size_t i = 0; i < self->plan.count; i++) es_log_mux_add(self->mux, self->plan.actors[i].name);
    self->mux_self = es_log_mux_add(self->mux, "up");
}

/* Files of an `up` that was killed. */
static void sweep(const es_up_t *self)
{
    es_house_brokers_forget(self->config->common.data);
    for (size_t i = 0; i < self->plan.count; i++) {
        const es_up_actor_t *actor = &self->plan.actors[i];
        if (actor->addr_file[0]) unlink(actor->addr_file);
        es_pidfile_remove(self->config->common.data, actor->name);
    }
}

static void run_loop(es_up_t *self)
{
    self->loop = es_loop_new();
    self->watch = es_watch_new(self->bases, es_up_on_beacon, self);
    if (self->config->threads && strcmp(self->bases, self->config->common.broker) != 0)
        es_watch_relay(self->watch, self->config->common.broker);
    es_watch_attach(self->watch, self->loop);
    es_loop_add_fd(self->loop, self->signals, POLLIN, on_signal, self);
    es_loop_add_tick(self->loop, on_tick, self);
    es_loop_run(self->loop);
    es_watch_destroy(&self->watch);
}

/* Exit status. */
static int run(es_up_t *self)
{
    const es_up_config_t *config = self->config;
    es_house_brokers_note(config->common.data, config->threads ? config->common.broker : self->bases);
    make_supervisor(self);
    run_loop(self);
    self->backend->close(self);
    sweep(self);
    int status = es_supervisor_gave_up(self->supervisor) == ES_GAVE_UP_NOT ? 0 : 1;
    es_loop_destroy(&self->loop);
    es_supervisor_destroy(&self->supervisor);
    return status;
}

/* Processes have a server of metrics each; threads have one together. */
static int start_metrics(es_up_t *self)
{
    const es_common_config_t *common = &self->config->common;
    if (!self->config->threads) return 0;
    if (es_metrics_setup_start(&self->metrics, common) != 0) return -1;
    es_metrics_setup_announce(self->metrics, common);
    return 0;
}

/* Threads export their spans together, processes each its own. What they said last goes out when all of them are gone. */
static int run_exporting(es_up_t *self)
{
    const es_up_config_t *config = self->config;
    es_otlp_t *otlp = NULL;
    int status = 1;
    if (self->backend->open(self) != 0) return status;
    bool fine = !config->threads || es_otlp_start(&otlp, &config->common, "earshot") == 0;
    if (fine && start_metrics(self) == 0)
        status = run(self);
    else
        self->backend->close(self);
    es_otlp_stop(&otlp);
    return status;
}

int es_up_run(const es_up_config_t *config, const es_up_backend_t *backend, bool own_broker, const char *bases)
{
    es_up_t self = {.config = config, .backend = backend, .bases = bases, .signals = open_signals()};
    self.brokers = own_broker ? config->brokers : 1;
    es_log_init("up", (es_log_level_t)config->common.log_level, config->common.log_format == 1);
    es_up_plan_make(&self.plan, config, own_broker, bases);
    make_mux(&self);
    sweep(&self);
    es_health_open("up");
    es_health_unready("not all actors are registered with the broker yet");
    int status = run_exporting(&self);
    es_metrics_setup_stop(&self.metrics, &config->common);
    es_health_close();
    es_log_mux_destroy(&self.mux);
    es_up_plan_fini(&self.plan);
    close(self.signals);
    return status;
}
