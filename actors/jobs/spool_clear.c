/* What the dead left behind. */
#include <string.h>
#include <unistd.h>

#include "job_id.h"
#include "log.h"
#include "spool_state.h"

typedef struct {
    es_spool_t *spool;
    uint64_t before_ms;
    size_t cleared;
} clearing_t;

static void cleared(clearing_t *clearing, const char *name, const struct stat *st)
{
    clearing->cleared++;
    es_metric_add(&es_spool_cleared, 1);
    es_log_info("an upload that nobody goes on with was deleted", ES_S("part", name),
                ES_U("bytes", (uint64_t)st->st_size));
}

static bool clear_part(void *arg, const char *name, const struct stat *st)
{
    clearing_t *clearing = arg;
    if (es_spool_changed_ms(st) > clearing->before_ms) return true;
    if (es_part_clear(clearing->spool, name)) cleared(clearing, name, st);
    return true;
}

typedef struct {
    const char *prefix;
    size_t len;
    bool found;
} sibling_t;

static bool is_sibling(void *arg, const char *name, const struct stat *st)
{
    sibling_t *sibling = arg;
    (void)st;
    sibling->found = strncmp(name, sibling->prefix, sibling->len) == 0 && strlen(name) == ES_PART_NAME_LEN;
    return !sibling->found;
}

/* JOB.KEY.head, whose part JOB.KEY.DRAW is gone. */
static bool clear_head(void *arg, const char *name, const struct stat *st)
{
    clearing_t *clearing = arg;
    const char *dot = strrchr(name, '.');
    if (!dot || strcmp(dot, ".head") != 0 || es_spool_changed_ms(st) > clearing->before_ms) return true;
    sibling_t sibling = {.prefix = name, .len = (size_t)(dot + 1 - name)};
    es_spool_each(clearing->spool->parts, is_sibling, &sibling);
    if (sibling.found || unlinkat(clearing->spool->parts, name, 0) != 0) return true;
    es_spool_count(clearing->spool, 0, (uint64_t)st->st_size);
    return true;
}

size_t es_spool_clear_parts(es_spool_t *self, uint64_t now_ms, uint64_t keep_ms)
{
    clearing_t clearing = {.spool = self, .before_ms = now_ms > keep_ms ? now_ms - keep_ms : 0};
    es_spool_each(self->parts, clear_part, &clearing);
    es_spool_each(self->parts, clear_head, &clearing);
    return clearing.cleared;
}

typedef struct {
    bool (*fn)(void *arg, const char *job, uint64_t changed_ms);
    void *arg;
} listing_t;

static bool list_file(void *arg, const char *name, const struct stat *st)
{
    const listing_t *listing = arg;
    return !es_job_id_valid(es_span(name)) || listing->fn(listing->arg, name, es_spool_changed_ms(st));
}

void es_spool_files(const es_spool_t *self, bool (*fn)(void *arg, const char *job, uint64_t changed_ms), void *arg)
{
    listing_t listing = {.fn = fn, .arg = arg};
    es_spool_each(self->files, list_file, &listing);
}
