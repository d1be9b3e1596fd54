#include "status_watch.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "house_brokers.h"
#include "status_live.h"
#include "status_page.h"
#include "status_screen.h"
#include "status_trouble.h"
#include "terminal.h"
#include "wake.h"
#include "watch.h"
#include "wire.h"

#define DRAW_US UINT64_C(500000) /* as beacons come */
#define LINE_US UINT64_C(1000000)

typedef struct {
    const es_status_watch_t *config;
    es_loop_t *loop;
    es_status_live_t live;
    es_status_screen_t screen;
    es_wake_t wake;
    uint64_t begun_us, due_us;
    bool dead; /* no broker was heard in time */
} watch_t;

bool es_status_watch_terminal(void)
{
    const char *term = getenv("TERM");
    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && term && *term && strcmp(term, "dumb") != 0;
}

/* ---- what is heard */

static void on_beacon(void *ctx, const char *key, json_t *house)
{
    watch_t *self = ctx;
    es_status_live_beacon(&self->live, key, house, es_now_us());
}

static void on_jobs(void *ctx, const char *name, json_t *stats)
{
    watch_t *self = ctx;
    es_status_live_jobs(&self->live, name, stats, es_now_us());
}

/* ---- what is shown */

static void print_nobody(const watch_t *self, FILE *out, uint64_t now_us)
{
    const char *brokers = self->config->brokers;
    fprintf(out, ES_STATUS_PAGE_WRONG "no broker was heard at %s for %.0f s%s\n", brokers,
            (double)(now_us - self->begun_us) / 1e6, es_house_brokers_hint(brokers));
    fputs("is the system up? Start it with: earshot up. Or say where it is with --data DIR or --broker URL\n", out);
}

static void draw(watch_t *self, uint64_t now_us)
{
    char *page = NULL, foot[120], clock[16] = "";
    size_t len;
    time_t now = (time_t)(es_wall_us() / 1000000);
    struct tm at;
    json_t *status = es_status_live_join(&self->live, now_us);
    FILE *out = open_memstream(&page, &len);
    if (status)
        es_status_page_print(out, status);
    else
        print_nobody(self, out, now_us);
    fclose(out);
    json_decref(status);
    if (localtime_r(&now, &at)) strftime(clock, sizeof clock, "%H:%M:%S", &at);
    snprintf(foot, sizeof foot, "%s  q: end, arrows: move", clock);
    if (es_status_screen_draw(&self->screen, page, foot) != 0) es_loop_stop(self->loop);
    free(page);
}

static void print_line(watch_t *self, uint64_t now_us)
{
    json_t *status = es_status_live_join(&self->live, now_us);
    if (!status) {
        self->dead = now_us >= self->begun_us + self->config->wait_us;
        if (self->dead) es_loop_stop(self->loop);
        return;
    }
    json_object_set_new(status, "troubles", es_status_troubles(status));
    bool ok = json_dumpf(status, stdout, JSON_COMPACT) == 0 && fputc('\n', stdout) != EOF && fflush(stdout) == 0;
    json_decref(status);
    if (!ok) es_loop_stop(self->loop);
}

static uint64_t on_tick(void *ctx, uint64_t now_us)
{
    watch_t *self = ctx;
    if (now_us < self->due_us) return self->due_us;
    if (self->config->json)
        print_line(self, now_us);
    else
        draw(self, now_us);
    self->due_us = now_us + (self->config->json ? LINE_US : DRAW_US);
    return self->due_us;
}

/* ---- the user */

static void stop(watch_t *self)
{
    es_status_screen_close(&self->screen);
    kill(getpid(), SIGSTOP);
    es_status_screen_resume(&self->screen);
}

static void on_wake(void *ctx, short revents, uint64_t now_us)
{
    watch_t *self = ctx;
    unsigned what = es_wake_look(&self->wake);
    bool quit = what & (ES_WAKE_INTERRUPT | ES_WAKE_END);
    (void)revents;
    if (what & ES_WAKE_INPUT) quit = quit || es_status_screen_keys(&self->screen) == ES_STATUS_KEY_QUIT;
    if (quit) {
        es_loop_stop(self->loop);
        return;
    }
    if (self->config->json) return;
    if (what & ES_WAKE_STOP) stop(self);
    if (what) draw(self, now_us);
}

static void listen_to(watch_t *self)
{
    bool terminal = !self->config->json;
    es_wake_init(&self->wake, STDIN_FILENO, terminal);
    es_wake_want_input(&self->wake, terminal);
    self->loop = es_loop_new();
    es_watch_t *watch = es_watch_new(self->config->brokers, on_beacon, self);
    es_watch_on_jobs(watch, on_jobs);
    es_watch_attach(watch, self->loop);
    es_loop_add_fd(self->loop, es_wake_fd(&self->wake), POLLIN, on_wake, self);
    es_loop_add_tick(self->loop, on_tick, self);
    if (!terminal || es_status_screen_open(&self->screen, STDIN_FILENO, stdout) == 0) es_loop_run(self->loop);
    es_status_screen_close(&self->screen);
    es_loop_destroy(&self->loop);
    es_watch_destroy(&watch);
    es_wake_fini(&self->wake);
}

int es_status_watch_run(const es_status_watch_t *config)
{
    watch_t *self = &(watch_t){.config = config, .begun_us = es_now_us()};
    self->due_us = self->begun_us + 100000; /* for a beacon, before "nobody" is said */
    listen_to(self);
    es_status_live_fini(&self->live);
    return self->dead ? -1 : 0;
}
