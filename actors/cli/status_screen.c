#include "status_screen.h"

#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "status_page.h"
#include "terminal.h"

#define ENTER "\033[?1049h\033[?25l\033[?7l" /* the alternate screen, no cursor, no wrapping */
#define LEAVE "\033[?7h\033[?25h\033[?1049l"
#define BOLD "\033[1m"
#define RED "\033[31m"
#define FAINT "\033[2m"
#define PLAIN "\033[0m"
#define END_OF_LINE "\033[K"
enum { KEYS_MAX = 64, PAGE_ROWS = 10, ROWS_MIN = 3 };

/* ---- the terminal */

static void take(es_status_screen_t *self)
{
    struct termios raw = self->original;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO); /* Ctrl-C and Ctrl-Z stay signals */
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    tcsetattr(self->in, TCSADRAIN, &raw);
    fputs(ENTER, self->out);
    self->shown = true;
}

int es_status_screen_open(es_status_screen_t *self, int in, FILE *out)
{
    *self = (es_status_screen_t){.in = in, .out = out, .colour = es_terminal_colour(fileno(out))};
    if (tcgetattr(in, &self->original) == -1) return -1;
    es_terminal_use_utf8();
    take(self);
    return 0;
}

void es_status_screen_close(es_status_screen_t *self)
{
    if (!self->shown) return;
    fputs(LEAVE, self->out);
    fflush(self->out);
    tcsetattr(self->in, TCSADRAIN, &self->original);
    self->shown = false;
}

void es_status_screen_resume(es_status_screen_t *self)
{
    if (!self->shown) take(self);
}

/* ---- a line */

/* The line at `text` in at most `columns` columns; what is no character of the locale, or would steer, is a question mark. */
static void write_cut(FILE *out, const char *text, size_t len, unsigned columns)
{
    mbstate_t state = {0};
    for (const char *end = text + len; text < end;) {
        wchar_t c;
        size_t n = mbrtowc(&c, text, (size_t)(end - text), &state);
        bool odd = n == 0 || n > (size_t)(end - text);
        int width = odd ? -1 : wcwidth(c);
        unsigned taken = width < 0 ? 1 : (unsigned)width;
        if (odd) {
            state = (mbstate_t){0};
            n = 1;
        }
        if (taken > columns) return;
        columns -= taken;
        if (width < 0)
            fputc('?', out);
        else
            fwrite(text, 1, n, out);
        text += n;
    }
}

static const char *style_of(const es_status_screen_t *self, const char *line, bool foot)
{
    if (!self->colour) return NULL;
    if (foot) return FAINT;
    if (strncmp(line, ES_STATUS_PAGE_WRONG, strlen(ES_STATUS_PAGE_WRONG)) == 0) return RED;
    return strncmp(line, "ACTOR ", 6) == 0 ? BOLD : NULL;
}

static void write_line(const es_status_screen_t *self, const char *line, size_t len, unsigned columns, bool foot)
{
    const char *style = style_of(self, line, foot);
    if (style) fputs(style, self->out);
    write_cut(self->out, line, len, columns);
    fputs(style ? PLAIN END_OF_LINE : END_OF_LINE, self->out);
    if (!foot) fputs("\r\n", self->out);
}

/* ---- the page */

static size_t count_lines(const char *page)
{
    size_t n = 0;
    for (; *page; page++) n += *page == '\n';
    return n;
}

static const char *skip_lines(const char *page, size_t n)
{
    for (; n > 0 && *page; n--) page = strchr(page, '\n') + 1;
    return page;
}

/* page ends each of its lines. */
int es_status_screen_draw(es_status_screen_t *self, const char *page, const char *foot)
{
    unsigned columns = es_terminal_width(fileno(self->out)), rows = es_terminal_height(fileno(self->out));
    size_t room = rows > ROWS_MIN ? rows - 1 : ROWS_MIN - 1, all = count_lines(page), row = 0;
    char below[160] = "";
    if (self->top + room > all) self->top = all > room ? all - room : 0;
    fputs("\033[H", self->out);
    const char *line = skip_lines(page, self->top);
    for (; *line && row < room; row++) {
        size_t len = strcspn(line, "\n");
        write_line(self, line, len, columns, false);
        line += len + 1;
    }
    for (; row < room; row++) fputs(END_OF_LINE "\r\n", self->out);
    if (all > room) snprintf(below, sizeof below, "  lines %zu to %zu of %zu", self->top + 1, self->top + room, all);
    char last[400];
    snprintf(last, sizeof last, "%.200s%s", foot, below);
    write_line(self, last, strlen(last), columns, true);
    return fflush(self->out) == 0 ? 0 : -1;
}

/* ---- keys */

static const struct {
    const char *typed;
    int move; /* lines; 0: quit */
} keys[] = {
    {"q", 0},      {"Q", 0},      {"j", 1},       {"k", -1},      {" ", PAGE_ROWS},       {"b", -PAGE_ROWS},
    {"\033[B", 1}, {"\033OB", 1}, {"\033[A", -1}, {"\033OA", -1}, {"\033[6~", PAGE_ROWS}, {"\033[5~", -PAGE_ROWS}};

static void move(es_status_screen_t *self, int lines)
{
    size_t up = (size_t)(lines < 0 ? -lines : 0);
    self->top = lines > 0 ? self->top + (size_t)lines : self->top - (up < self->top ? up : self->top);
}

/* The key that begins at `typed`, or -1. */
static int find_key(const char *typed)
{
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (strncmp(typed, keys[i].typed, strlen(keys[i].typed)) == 0) return (int)i;
    return -1;
}

es_status_key_t es_status_screen_keys(es_status_screen_t *self)
{
    char typed[KEYS_MAX + 1];
    ssize_t n = read(self->in, typed, KEYS_MAX);
    if (n <= 0) return ES_STATUS_KEY_QUIT;
    typed[n] = '\0';
    for (const char *at = typed; *at;) {
        int key = find_key(at);
        at += key < 0 ? 1 : (ssize_t)strlen(keys[key].typed);
        if (key >= 0 && keys[key].move == 0) return ES_STATUS_KEY_QUIT;
        if (key >= 0) move(self, keys[key].move);
    }
    return ES_STATUS_KEY_MOVED;
}
