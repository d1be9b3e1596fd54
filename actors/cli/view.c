#include "view.h"

#include <string.h>

#include "printable.h"

#define ERASE "\r\033[2K"
#define FAINT "\033[2m"
#define PLAIN "\033[0m"
enum { BAR = 24 };

void es_view_init(es_view_t *self, FILE *out, FILE *bar, es_view_mode_t mode, unsigned width, bool colour)
{
    *self = (es_view_t){.out = out, .bar = bar, .mode = mode, .width = width, .colour = colour, .percent = -1};
}

static bool continues(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

/* Where the last `columns` characters of text begin. A character counts as one column. */
static const char *tail(const char *text, unsigned columns)
{
    const char *p = text + strlen(text);
    while (p > text && columns > 0) {
        p--;
        if (!continues(*p)) columns--;
    }
    return p;
}

void es_view_clear(es_view_t *self)
{
    if (!self->in_place) return;
    FILE *f = self->bar ? self->bar : self->out;
    fputs(ERASE, f);
    fflush(f);
    self->in_place = false;
}

static void provisional(es_view_t *self, const char *text)
{
    if (self->bar || !*text) return;
    const char *shown = tail(text, self->width > 4 ? self->width - 3 : 1);
    fprintf(self->out, ERASE "%s%s", self->colour ? FAINT : "", shown == text ? "" : "… ");
    es_printable_write(self->out, shown);
    fputs(self->colour ? PLAIN : "", self->out);
    fflush(self->out);
    self->in_place = true;
}

static void save(es_view_t *self, const es_message_t *message)
{
    if (!self->save || !message->final || !*message->text) return;
    es_printable_write(self->save, message->text);
    fputc('\n', self->save);
}

static void transcript(es_view_t *self, const es_message_t *message)
{
    if (!message->final) {
        if (self->mode == ES_VIEW_TERMINAL) provisional(self, message->text);
        return;
    }
    es_view_clear(self);
    if (!*message->text) return;
    es_printable_write(self->out, message->text);
    fputc('\n', self->out);
    fflush(self->out);
}

static void status(es_view_t *self, const es_message_t *message)
{
    char line[80];
    if (self->mode != ES_VIEW_TERMINAL || message->queue == 0) return;
    snprintf(line, sizeof line, "(waiting for a transcriber, place %llu in the queue)",
             (unsigned long long)message->queue);
    provisional(self, line);
}

void es_view_message(es_view_t *self, const es_message_t *message)
{
    if (message->type == ES_MESSAGE_TRANSCRIPT) save(self, message);
    if (self->mode == ES_VIEW_JSON) {
        if (message->line) fprintf(self->out, "%s\n", message->line);
        fflush(self->out);
    } else if (message->type == ES_MESSAGE_TRANSCRIPT)
        transcript(self, message);
    else if (message->type == ES_MESSAGE_STATUS)
        status(self, message);
}

void es_view_progress(es_view_t *self, uint64_t done, uint64_t total, double audio_s, double elapsed_s)
{
    if (!self->bar) return;
    int percent = total ? (int)(done >= total ? 100 : done * 100 / total)
                        : (int)audio_s; /* a sign of life where the total is not known */
    if (percent == self->percent && self->in_place) return;
    self->percent = percent;
    char speed[32] = "";
    if (elapsed_s > 0.5) snprintf(speed, sizeof speed, "  %.1f x real time", audio_s / elapsed_s);
    if (total) {
        int full = percent * BAR / 100;
        fprintf(self->bar, ERASE "[%.*s%*s] %3d %%  %.1f s%s", full, "########################", BAR - full, "",
                percent, audio_s, speed);
    } else
        fprintf(self->bar, ERASE "%.1f s%s", audio_s, speed);
    fflush(self->bar);
    self->in_place = true;
}
