#include "batch_bars.h"

#include <string.h>

#include "batch_text.h"
#include "printable.h"

enum { NAME = 24, STATUS = 12 };

/* A line of at most `room` columns; what others wrote is written so that it cannot steer the terminal. */
typedef struct {
    FILE *out;
    size_t room;
} line_t;

static size_t columns(const char *text)
{
    size_t n = 0;
    for (; *text; text++) n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static void write_text(line_t *line, const char *text, size_t at_least)
{
    size_t n = columns(text);
    const char *end = text;
    if (n > line->room) n = line->room;
    for (size_t seen = 0; *end; end++)
        if (((unsigned char)*end & 0xc0) != 0x80 && seen++ == n) break;
    es_printable_write_part(line->out, text, (size_t)(end - text));
    line->room -= n;
    for (; n < at_least && line->room > 0; n++, line->room--) fputc(' ', line->out);
}

static const char *label(const es_batch_job_t *job)
{
    return *job->file ? job->file : job->id;
}

static void write_job(line_t *line, const es_batch_job_t *job)
{
    char bar[ES_BATCH_TEXT], percent[32];
    const char *said = job->end == ES_BATCH_RUNS && *job->words ? job->words : job->reason;
    const char *name = columns(label(job)) > NAME ? es_batch_tail(label(job), NAME) : label(job);
    write_text(line, es_batch_bar(bar, job->progress, 100), 0);
    snprintf(percent, sizeof percent, " %3.0f %% ", job->progress);
    write_text(line, percent, 0);
    write_text(line, *job->status ? job->status : "...", STATUS);
    write_text(line, " ", 1);
    write_text(line, name, *said ? NAME : 0);
    if (!*said || line->room < 4) return;
    write_text(line, "  ", 2);
    write_text(line, job->end == ES_BATCH_RUNS ? es_batch_tail(said, line->room) : said, 0);
}

void es_batch_bars_clear(es_batch_bars_t *self)
{
    if (self->drawn == 0) return;
    fprintf(self->out, "\033[%uA\r\033[J", self->drawn);
    fflush(self->out);
    self->drawn = 0;
}

static void draw_those(es_batch_bars_t *self, const es_batch_board_t *board, bool running, unsigned max)
{
    for (size_t i = 0; i < board->count && self->drawn < max; i++) {
        if ((board->jobs[i].end == ES_BATCH_RUNS) != running) continue;
        line_t line = {.out = self->out, .room = self->width > 20 ? self->width - 1 : 20};
        write_job(&line, &board->jobs[i]);
        fputs("\n", self->out);
        self->drawn++;
    }
}

void es_batch_bars_draw(es_batch_bars_t *self, const es_batch_board_t *board)
{
    if (!self->in_place) return;
    es_batch_bars_clear(self);
    draw_those(self, board, true, ES_BATCH_LINES_MAX);
    draw_those(self, board, false, ES_BATCH_LINES_MAX);
    if (board->count > self->drawn) {
        fprintf(self->out, "and %zu more\n", board->count - self->drawn);
        self->drawn++;
    }
    fflush(self->out);
}

void es_batch_bars_news(es_batch_bars_t *self, es_batch_job_t *job)
{
    int tens = (int)(job->progress / 10);
    bool news = tens != job->shown_tens || strcmp(job->status, job->shown_status) != 0;
    if (self->in_place || !news) return;
    job->shown_tens = tens;
    snprintf(job->shown_status, sizeof job->shown_status, "%s", job->status);
    fprintf(self->out, "%s %s %.0f %%", job->id, job->status, job->progress);
    if (*job->reason) fputs(": ", self->out);
    es_printable_write(self->out, job->reason);
    fputc('\n', self->out);
    fflush(self->out);
}
