#include "chat_view.h"

#include <string.h>
#include <time.h>

#include "printable.h"

#define FAINT "\033[2m"
#define STRONG "\033[1;33m"
#define PLAIN "\033[0m"
#define INDENT "      " /* as wide as a time */
enum { NAMES_MAX = 40 };

/* Readable on black and on white. */
static const char *const colours[] = {"\033[31m", "\033[32m",       "\033[33m",      "\033[34m",
                                      "\033[35m", "\033[36m",       "\033[91m",      "\033[94m",
                                      "\033[95m", "\033[38;5;130m", "\033[38;5;64m", "\033[38;5;97m"};

void es_chat_view_init(es_chat_view_t *self, bool colour, uint64_t wall_ms)
{
    struct tm tm = {.tm_year = 0};
    time_t seconds = (time_t)(wall_ms / 1000);
    localtime_r(&seconds, &tm);
    *self = (es_chat_view_t){.colour = colour, .year = tm.tm_year, .day = tm.tm_yday};
}

static void paint(const es_chat_view_t *self, FILE *out, const char *how)
{
    if (self->colour) fputs(how, out);
}

void es_chat_view_note(const es_chat_view_t *self, FILE *out, bool strong, const char *text)
{
    paint(self, out, strong ? STRONG : FAINT);
    fputs("-- ", out);
    es_printable_write(out, text);
    paint(self, out, PLAIN);
    fputc('\n', out);
}

static const char *colour_of(const char *name)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (; *name; name++) hash = (hash ^ (unsigned char)*name) * 16777619u;
    return colours[hash % (sizeof colours / sizeof colours[0])];
}

void es_chat_view_name(const es_chat_view_t *self, FILE *out, const char *name)
{
    paint(self, out, colour_of(name));
    es_printable_write(out, name);
    paint(self, out, PLAIN);
}

static void write_time(es_chat_view_t *self, FILE *out, uint64_t time_ms)
{
    struct tm tm = {.tm_year = 0};
    time_t seconds = (time_t)(time_ms / 1000);
    char text[80];
    if (!localtime_r(&seconds, &tm)) return;
    if (tm.tm_year != self->year || tm.tm_yday != self->day) {
        strftime(text, sizeof text, "%A, %-d %B %Y", &tm);
        es_chat_view_note(self, out, false, text);
        self->year = tm.tm_year;
        self->day = tm.tm_yday;
    }
    strftime(text, sizeof text, "%H:%M ", &tm);
    paint(self, out, FAINT);
    fputs(text, out);
    paint(self, out, PLAIN);
}

/* The second and later lines of a text are set in, so that nobody can make a line that looks like another's. */
static void write_lines(FILE *out, const char *text)
{
    for (;;) {
        size_t n = strcspn(text, "\n");
        es_printable_write_part(out, text, n);
        fputc('\n', out);
        if (!text[n]) return;
        text += n + 1;
        fputs(INDENT, out);
    }
}

static void write_said(es_chat_view_t *self, FILE *out, const es_message_t *m)
{
    write_time(self, out, m->time_ms);
    es_chat_view_name(self, out, m->name);
    fputs(m->type == ES_MESSAGE_CAPTION ? " (voice): " : ": ", out);
    write_lines(out, m->text);
}

static void write_caption(es_chat_view_t *self, FILE *out, const es_message_t *m)
{
    if (m->final || m->rseq) write_said(self, out, m);
}

static void write_coming(es_chat_view_t *self, FILE *out, const es_message_t *m)
{
    if (m->rseq == 0) return; /* the answer to our own leaving */
    write_time(self, out, m->time_ms);
    es_chat_view_name(self, out, m->name);
    paint(self, out, FAINT);
    fputs(m->type == ES_MESSAGE_JOINED ? " joined" : " left", out);
    paint(self, out, PLAIN);
    fputc('\n', out);
}

static void write_names(es_chat_view_t *self, FILE *out, const es_message_t *m)
{
    const char *member, *name;
    size_t listed = 0;
    for (; listed < NAMES_MAX && es_message_member(m, listed, &member, &name); listed++) {
        fputs(listed ? ", " : "", out);
        es_chat_view_name(self, out, name);
    }
    if (m->total > listed) fprintf(out, " and %llu more", (unsigned long long)(m->total - listed));
    fprintf(out, " (%llu)\n", (unsigned long long)(m->total ? m->total : listed));
}

static void write_entry(es_chat_view_t *self, FILE *out, const es_message_t *m)
{
    if (self->entered) return; /* somebody comes back who was hardly away */
    self->entered = true;
    fputs("-- in ", out);
    es_printable_write(out, m->room);
    fputs(" as ", out);
    es_chat_view_name(self, out, m->name);
    fputs("; here: ", out);
    write_names(self, out, m);
}

static void write_members(es_chat_view_t *self, FILE *out, const es_message_t *m)
{
    fputs("-- here: ", out);
    write_names(self, out, m);
}

static void write_history(es_chat_view_t *self, FILE *out, const es_message_t *m)
{
    es_message_t event;
    if (!es_message_event(m, 0, &event)) return;
    es_chat_view_note(self, out, false, "what was before:");
    for (size_t i = 0; es_message_event(m, i, &event); i++) es_chat_view_message(self, out, &event);
}

static void (*const writers[ES_MESSAGE_INVALID + 1])(es_chat_view_t *, FILE *, const es_message_t *) = {
    [ES_MESSAGE_SPOKEN] = write_said,    [ES_MESSAGE_CAPTION] = write_caption, [ES_MESSAGE_JOINED] = write_coming,
    [ES_MESSAGE_LEFT] = write_coming,    [ES_MESSAGE_ENTERED] = write_entry,   [ES_MESSAGE_MEMBERS] = write_members,
    [ES_MESSAGE_HISTORY] = write_history};

void es_chat_view_message(es_chat_view_t *self, FILE *out, const es_message_t *message)
{
    if (writers[message->type]) writers[message->type](self, out, message);
}
