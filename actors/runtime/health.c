#include "health.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>

#include "log.h"

typedef struct {
    bool open;
    atomic_uint_fast64_t beat_us; /* 0: its loop has not turned yet */
    char name[64];
    uint64_t lag_us[ES_HEALTH_PARTS];
    char reason[ES_HEALTH_PARTS][ES_HEALTH_TEXT];
    char unready[ES_HEALTH_TEXT], said[ES_HEALTH_TEXT];
} slot_t;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all but the beats */
static slot_t slots[ES_HEALTH_ACTORS];
static atomic_uint_fast64_t limit_us = UINT64_C(5000000);
static _Thread_local slot_t *own;

static slot_t *take_slot(const char *name)
{
    for (size_t i = 0; i < ES_HEALTH_ACTORS; i++) {
        if (slots[i].open) continue;
        memset(slots[i].lag_us, 0, sizeof slots[i].lag_us);
        slots[i].unready[0] = slots[i].said[0] = 0;
        atomic_store(&slots[i].beat_us, 0);
        snprintf(slots[i].name, sizeof slots[i].name, "%s", name);
        slots[i].open = true;
        return &slots[i];
    }
    return NULL;
}

void es_health_open(const char *name)
{
    pthread_mutex_lock(&lock);
    own = take_slot(name);
    pthread_mutex_unlock(&lock);
    if (!own) es_log_warn("the health of this actor is not watched: too many in one process", ES_S("name", name));
}

void es_health_close(void)
{
    if (!own) return;
    pthread_mutex_lock(&lock);
    own->open = false;
    pthread_mutex_unlock(&lock);
    own = NULL;
}

void es_health_beat(uint64_t now_us)
{
    if (own) atomic_store_explicit(&own->beat_us, now_us, memory_order_relaxed);
}

void es_health_lag(es_health_part_t part, uint64_t lag_us, const char *format, ...)
{
    if (!own) return;
    va_list args;
    va_start(args, format);
    pthread_mutex_lock(&lock);
    own->lag_us[part] = lag_us;
    vsnprintf(own->reason[part], ES_HEALTH_TEXT, format, args);
    pthread_mutex_unlock(&lock);
    va_end(args);
}

void es_health_unready(const char *reason)
{
    if (!own) return;
    pthread_mutex_lock(&lock);
    snprintf(own->unready, ES_HEALTH_TEXT, "%s", reason ? reason : "");
    pthread_mutex_unlock(&lock);
}

void es_health_say(const char *format, ...)
{
    if (!own) return;
    va_list args;
    va_start(args, format);
    pthread_mutex_lock(&lock);
    vsnprintf(own->said, ES_HEALTH_TEXT, format, args);
    pthread_mutex_unlock(&lock);
    va_end(args);
}

void es_health_limit(uint64_t lag_us)
{
    atomic_store(&limit_us, lag_us);
}

static void look_at_beat(const slot_t *slot, es_health_t *out, uint64_t now_us)
{
    uint64_t beat_us = atomic_load_explicit(&slot->beat_us, memory_order_relaxed);
    uint64_t age_us = beat_us && beat_us < now_us ? now_us - beat_us : 0;
    if (!beat_us && !out->unready[0]) snprintf(out->unready, sizeof out->unready, "%s is starting", slot->name);
    if (age_us > out->beat_us) out->beat_us = age_us;
    if (age_us < ES_HEALTH_STUCK_US || (out->state == ES_HEALTH_STUCK && age_us < out->lag_us)) return;
    out->state = ES_HEALTH_STUCK;
    out->lag_us = age_us;
    snprintf(out->reason, sizeof out->reason, "the work loop of %s has not turned for %.1f s", slot->name,
             (double)age_us / 1e6);
}

static void look_at_lag(const slot_t *slot, es_health_t *out)
{
    for (int part = 0; part < ES_HEALTH_PARTS && out->state != ES_HEALTH_STUCK; part++) {
        if (slot->lag_us[part] <= out->lag_us) continue;
        out->lag_us = slot->lag_us[part];
        if (out->lag_us <= atomic_load(&limit_us)) continue;
        out->state = ES_HEALTH_LATE;
        snprintf(out->reason, sizeof out->reason, "%s", slot->reason[part]);
    }
}

void es_health_look(es_health_t *out, uint64_t now_us)
{
    bool any = false;
    memset(out, 0, sizeof *out);
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < ES_HEALTH_ACTORS; i++) {
        const slot_t *slot = &slots[i];
        if (!slot->open) continue;
        look_at_beat(slot, out, now_us);
        look_at_lag(slot, out);
        if (!out->unready[0]) memcpy(out->unready, slot->unready, sizeof out->unready);
        if (!any) memcpy(out->said, slot->said, sizeof out->said);
        any = true;
    }
    pthread_mutex_unlock(&lock);
    if (!any) snprintf(out->unready, sizeof out->unready, "no actor has started");
}

const char *es_health_word(es_health_state_t state)
{
    static const char *const words[] = {[ES_HEALTH_OK] = "ok", [ES_HEALTH_LATE] = "late", [ES_HEALTH_STUCK] = "stuck"};
    return words[state];
}

void es_health_print(FILE *out, uint64_t now_us)
{
    es_health_t health;
    es_health_look(&health, now_us);
    fprintf(out,
            "# HELP earshot_health_lag_seconds How late this process is with what it has to do.\n"
            "# TYPE earshot_health_lag_seconds gauge\nearshot_health_lag_seconds %.3f\n",
            (double)health.lag_us / 1e6);
    fprintf(out,
            "# HELP earshot_loop_beat_age_seconds Time since the slowest work loop has turned.\n"
            "# TYPE earshot_loop_beat_age_seconds gauge\nearshot_loop_beat_age_seconds %.3f\n",
            (double)health.beat_us / 1e6);
}
