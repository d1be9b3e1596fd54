#include "batch_upload.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "batch_options.h"
#include "batch_text.h"
#include "wire.h"

#define ERASE "\r\033[2K"

typedef struct {
    const char *file;
    int fd;
    int64_t size;
    uint64_t sent, began_us;
    bool failed; /* the file cannot be read */
    FILE *bar;   /* NULL: none */
    bool in_place;
} upload_t;

/* ---- where to */

typedef struct {
    char *out;
    bool fits, first;
} path_t;

static void parameter(path_t *path, const char *name, const char *value)
{
    size_t len = strlen(path->out);
    if (!value || !*value) return;
    int n = snprintf(path->out + len, ES_BATCH_PATH_MAX - len, "%c%s=", path->first ? '?' : '&', name);
    path->first = false;
    path->fits = path->fits && n > 0 && n < (int)(ES_BATCH_PATH_MAX - len) &&
                 es_house_escape(path->out, ES_BATCH_PATH_MAX, value);
}

int es_batch_upload_path(char out[ES_BATCH_PATH_MAX], const es_batch_wish_t *wish, const char *file)
{
    path_t path = {.out = out, .fits = true, .first = true};
    snprintf(out, ES_BATCH_PATH_MAX, "/session/");
    path.fits = es_house_escape(out, ES_BATCH_PATH_MAX, wish->session);
    size_t len = strlen(out);
    int n = snprintf(out + len, ES_BATCH_PATH_MAX - len, "/upload");
    path.fits = path.fits && n < (int)(ES_BATCH_PATH_MAX - len);
    parameter(&path, "file_name", es_batch_base_name(file));
    parameter(&path, "language", wish->language);
    parameter(&path, "priority", wish->priority);
    parameter(&path, "attempts", wish->attempts);
    parameter(&path, "webhook", wish->webhook);
    parameter(&path, "delete_after_analysis", wish->delete_after ? "true" : NULL);
    return path.fits ? 0 : -1;
}

/* ---- the bar */

static void clear(upload_t *self)
{
    if (!self->in_place) return;
    fputs(ERASE, self->bar);
    fflush(self->bar);
    self->in_place = false;
}

static void draw(void *ctx, uint64_t now_us)
{
    upload_t *self = ctx;
    char bar[ES_BATCH_TEXT], sent[ES_BATCH_TEXT], size[ES_BATCH_TEXT], speed[ES_BATCH_TEXT];
    if (!self->bar) return;
    double seconds = (double)(now_us - self->began_us) / 1e6;
    double rate = seconds > 0 ? (double)self->sent / seconds : 0;
    double percent = self->size ? 100.0 * (double)self->sent / (double)self->size : 100;
    fprintf(self->bar, ERASE "%s %3.0f %%  %s of %s  %s/s", es_batch_bar(bar, percent, 100), percent,
            es_batch_size(sent, self->sent), es_batch_size(size, (uint64_t)self->size),
            es_batch_size(speed, (uint64_t)rate));
    if (self->sent >= (uint64_t)self->size) fputs("  being stored", self->bar);
    fflush(self->bar);
    self->in_place = true;
}

/* ---- the file */

static size_t on_read(void *ctx, void *out, size_t max)
{
    upload_t *self = ctx;
    uint64_t left = (uint64_t)self->size - self->sent;
    ssize_t n = read(self->fd, out, left < max ? (size_t)left : max);
    if (n < 0 || (n == 0 && left > 0)) {
        clear(self);
        fprintf(stderr, "earshot jobs submit: %s: %s\n", self->file,
                n < 0 ? strerror(errno) : "it became shorter while it was sent");
        self->failed = true;
        return SIZE_MAX;
    }
    self->sent += (uint64_t)n;
    return (size_t)n;
}

static int on_again(void *ctx)
{
    upload_t *self = ctx;
    self->sent = 0;
    self->began_us = es_now_us();
    return !self->failed && lseek(self->fd, 0, SEEK_SET) == 0 ? 0 : -1;
}

static void on_trouble(void *ctx, const char *sentence)
{
    upload_t *self = ctx;
    clear(self);
    fprintf(stderr, "earshot: %s\n", sentence);
}

static int open_file(upload_t *self)
{
    struct stat st;
    self->fd = open(self->file, O_RDONLY | O_CLOEXEC);
    if (self->fd == -1 || fstat(self->fd, &st) == -1) {
        fprintf(stderr, "earshot jobs submit: %s: %s\n", self->file, strerror(errno));
    } else if (!S_ISREG(st.st_mode)) {
        fprintf(stderr, "earshot jobs submit: %s: not a file; what may have to be sent twice cannot come from a pipe\n",
                self->file);
    } else if (st.st_size == 0) {
        fprintf(stderr, "earshot jobs submit: %s: it is empty\n", self->file);
    } else {
        self->size = st.st_size;
        return 0;
    }
    if (self->fd != -1) close(self->fd);
    return -1;
}

/* ---- all of it */

static int take_answer(const upload_t *self, const es_house_answer_t *answer, char job[64])
{
    const char *id = json_string_value(json_object_get(answer->json, "jobId"));
    if (id && es_batch_is_job(id)) {
        snprintf(job, 64, "%s", id);
        return 0;
    }
    fprintf(stderr, "earshot jobs submit: %s: %s took it but named no job: is that an earshot of this version?\n",
            self->file, answer->address);
    return -1;
}

int es_batch_upload(es_house_http_t *http, const es_batch_wish_t *wish, const char *file, const char *key, FILE *bar,
                    char job[64], bool *interrupted)
{
    upload_t self = {.file = file, .bar = bar};
    char path[ES_BATCH_PATH_MAX], header[128];
    if (es_batch_upload_path(path, wish, file) == -1) {
        fprintf(stderr, "earshot jobs submit: %s: its name and the options are too long for an address\n", file);
        return -1;
    }
    if (open_file(&self) == -1) return -1;
    snprintf(header, sizeof header, "Idempotency-Key: %.100s", key);
    es_house_request_t request = {.method = "POST",
                                  .path = path,
                                  .header = header,
                                  .type = es_batch_type(file),
                                  .read = on_read,
                                  .length = self.size,
                                  .again = on_again,
                                  .look = draw,
                                  .trouble = on_trouble,
                                  .ctx = &self};
    es_house_answer_t answer;
    int rc = es_house_http_call(http, &request, &answer);
    clear(&self);
    *interrupted = answer.interrupted;
    if (rc == 0)
        rc = take_answer(&self, &answer, job);
    else if (!self.failed)
        fprintf(stderr, "earshot jobs submit: %s: not taken: %s: %s\n", file, answer.address, answer.message);
    es_house_answer_fini(&answer);
    close(self.fd);
    return rc;
}
