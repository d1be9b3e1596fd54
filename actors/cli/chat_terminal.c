#include "chat_terminal.h"

#include <errno.h>
#include <histedit.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

#include "alloc.h"
#include "printable.h"
#include "terminal.h"

#define UP "\033[%uA"
#define FAINT "\033[2m"
#define PLAIN "\033[0m"
enum { HISTORY_LINES = 500, TAB = 8, STATUS_MAX = 1024 };

struct es_chat_terminal {
    EditLine *edit;
    HistoryW *history;
    FILE *in, *out;
    es_chat_terminal_wait_t *wait;
    void *ctx;
    char *prompt, *line;
    bool hung_up;
    bool editing;      /* inside es_chat_terminal_read */
    bool drawn;        /* the line is on the screen, the cursor in it */
    bool status_drawn; /* and the status above it */
    bool colour;
    unsigned columns;
    wchar_t status[STATUS_MAX];
    unsigned status_width; /* as drawn */
    unsigned char input[256];
    size_t input_at, input_len;
};

/* Where a terminal's cursor is after some characters, with row 0 at the beginning of the prompt. */
typedef struct {
    unsigned row, column, columns;
} cursor_t;

static void advance(cursor_t *at, unsigned width)
{
    if (at->column + width > at->columns) { /* a wide character that does not fit */
        at->row++;
        at->column = 0;
    }
    at->column += width;
    if (at->column < at->columns) return;
    at->row++;
    at->column = 0;
}

/* As libedit shows a character. */
static void advance_over(cursor_t *at, wchar_t c)
{
    int width = wcwidth(c);
    if (c == L'\n') {
        at->row++;
        at->column = 0;
    } else if (c == L'\t')
        do advance(at, 1);
        while (at->column % TAB);
    else if (iswcntrl((wint_t)c))
        advance(at, 1), advance(at, 1);
    else
        advance(at, width > 0 ? (unsigned)width : 0);
}

static void advance_over_text(cursor_t *at, const char *text)
{
    mbstate_t state = {0};
    wchar_t c;
    for (size_t n; (n = mbrtowc(&c, text, MB_CUR_MAX, &state)) && n < (size_t)-2; text += n) advance_over(at, c);
}

/* Rows of the screen above the cursor that belong to us. */
static unsigned rows_above(const es_chat_terminal_t *self)
{
    const LineInfoW *line = el_wline(self->edit);
    cursor_t at = {.columns = self->columns};
    advance_over_text(&at, self->prompt);
    for (const wchar_t *p = line->buffer; p < line->cursor; p++) advance_over(&at, *p);
    unsigned status = self->status_drawn ? 1 + (self->status_width ? (self->status_width - 1) / self->columns : 0) : 0;
    return at.row + status;
}

static void erase(es_chat_terminal_t *self)
{
    if (!self->drawn) return;
    unsigned rows = rows_above(self);
    fputc('\r', self->out);
    if (rows) fprintf(self->out, UP, rows);
    fputs("\033[J", self->out);
    self->drawn = self->status_drawn = false;
}

static void draw_status(es_chat_terminal_t *self)
{
    if (!self->status[0]) return;
    fprintf(self->out, self->colour ? FAINT "%ls" PLAIN "\n" : "%ls\n", self->status);
    int width = wcswidth(self->status, STATUS_MAX);
    self->status_width = width > 0 ? (unsigned)width : 0;
    self->status_drawn = true;
}

void es_chat_terminal_draw(es_chat_terminal_t *self)
{
    if (self->drawn || !self->editing) return;
    draw_status(self);
    el_set(self->edit, EL_REFRESH);
    fflush(self->out);
    self->drawn = true;
}

static es_chat_terminal_t *owner(EditLine *edit)
{
    void *self = NULL;
    el_get(edit, EL_CLIENTDATA, &self);
    return self;
}

static char *prompt(EditLine *edit)
{
    return owner(edit)->prompt;
}

/* One byte of input; 0 at the end. */
static int read_byte(es_chat_terminal_t *self, char *byte)
{
    while (self->input_at == self->input_len) {
        if (!self->wait(self->ctx)) return 0;
        es_chat_terminal_draw(self); /* libedit writes what is typed to where it thinks the cursor is */
        ssize_t n = read(fileno(self->in), self->input, sizeof self->input);
        self->hung_up = n == 0 || (n == -1 && errno != EINTR && errno != EAGAIN);
        if (self->hung_up) return 0;
        self->input_at = 0;
        self->input_len = n > 0 ? (size_t)n : 0;
    }
    *byte = (char)self->input[self->input_at++];
    return 1;
}

/* libedit asks for a character: 1, or 0 at the end. */
static int read_character(EditLine *edit, wchar_t *out)
{
    es_chat_terminal_t *self = owner(edit);
    mbstate_t state = {0};
    char byte;
    while (read_byte(self, &byte)) {
        size_t n = mbrtowc(out, &byte, 1, &state);
        if (n == 0 || n == 1) return 1;
        if (n == (size_t)-1) state = (mbstate_t){0}; /* a byte that belongs to no character: never mind */
    }
    return 0;
}

static int length(const LineInfoW *line)
{
    return (int)(line->lastchar - line->buffer);
}

/* Return: the line leaves the screen; what becomes of it is printed above. */
static unsigned char key_return(EditLine *edit, int key)
{
    const LineInfoW *line = el_wline(edit);
    (void)key;
    erase(owner(edit));
    el_cursor(edit, (int)(line->lastchar - line->cursor));
    el_winsertstr(edit, L"\n");
    return CC_NEWLINE;
}

/* Ctrl-D: the end on an empty line, else the character under the cursor goes. */
static unsigned char key_end(EditLine *edit, int key)
{
    const LineInfoW *line = el_wline(edit);
    (void)key;
    if (length(line) == 0) return CC_EOF;
    if (line->cursor == line->lastchar) return CC_ERROR;
    el_cursor(edit, 1);
    el_deletestr(edit, 1);
    return CC_REFRESH;
}

static void bind_key(EditLine *edit, const char *key, const char *function)
{
    el_set(edit, EL_BIND, key, function, NULL);
    el_set(edit, EL_BIND, "-a", key, function, NULL); /* vi's command mode */
}

/* What others say is UTF-8 whatever the locale. */
static void use_utf8(void)
{
    if (!setlocale(LC_CTYPE, "") || strcmp(nl_langinfo(CODESET), "UTF-8") != 0) setlocale(LC_CTYPE, "C.UTF-8");
}

static void prepare(es_chat_terminal_t *self)
{
    el_set(self->edit, EL_CLIENTDATA, self);
    el_set(self->edit, EL_PROMPT, prompt);
    el_set(self->edit, EL_EDITOR, "emacs");
    el_wset(self->edit, EL_HIST, history_w, self->history);
    el_set(self->edit, EL_GETCFN, read_character);
    el_set(self->edit, EL_ADDFN, "chat-say", "Say the line", key_return);
    el_set(self->edit, EL_ADDFN, "chat-end", "Leave, or delete", key_end);
    el_source(self->edit, NULL);
    bind_key(self->edit, "^M", "chat-say");
    bind_key(self->edit, "^J", "chat-say");
    bind_key(self->edit, "^D", "chat-end");
}

es_chat_terminal_t *es_chat_terminal_new(FILE *in, FILE *out, const char *prompt_text, es_chat_terminal_wait_t *wait,
                                         void *ctx)
{
    es_chat_terminal_t *self = es_alloc_zero(sizeof *self);
    HistEventW event;
    use_utf8();
    self->in = in;
    self->out = out;
    self->wait = wait;
    self->ctx = ctx;
    self->prompt = es_alloc_copy(prompt_text, strlen(prompt_text));
    self->colour = es_terminal_colour(fileno(out));
    self->columns = es_terminal_width(fileno(out));
    self->history = history_winit();
    self->edit = el_init("earshot", in, out, stderr);
    if (!self->edit || !self->history) {
        es_chat_terminal_destroy(&self);
        return NULL;
    }
    history_w(self->history, &event, H_SETSIZE, HISTORY_LINES);
    history_w(self->history, &event, H_SETUNIQUE, 1);
    prepare(self);
    return self;
}

void es_chat_terminal_destroy(es_chat_terminal_t **self_p)
{
    es_chat_terminal_t *self = *self_p;
    if (!self) return;
    if (self->edit) {
        erase(self);
        fflush(self->out);
        el_end(self->edit);
    }
    if (self->history) history_wend(self->history);
    free(self->prompt);
    free(self->line);
    free(self);
    *self_p = NULL;
}

static void remember(es_chat_terminal_t *self, const wchar_t *line)
{
    HistEventW event;
    history_w(self->history, &event, H_ENTER, line);
}

/* In multibyte, without the line's end. */
static char *narrow(const wchar_t *line, int count)
{
    size_t cap = (size_t)count * MB_CUR_MAX + 1;
    char *text = es_alloc(cap);
    mbstate_t state = {0};
    size_t n = wcsrtombs(text, &line, cap - 1, &state);
    text[n == (size_t)-1 ? 0 : n] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return text;
}

const char *es_chat_terminal_read(es_chat_terminal_t *self)
{
    int count = 0;
    erase(self);
    self->columns = es_terminal_width(fileno(self->out));
    draw_status(self);
    fflush(self->out);
    self->editing = self->drawn = true; /* libedit draws the line first of all */
    const wchar_t *line = el_wgets(self->edit, &count);
    erase(self);
    fflush(self->out);
    self->editing = false;
    free(self->line);
    self->line = NULL;
    if (!line || count <= 0) return NULL;
    if (count > 1) remember(self, line);
    return self->line = narrow(line, count);
}

bool es_chat_terminal_hung_up(const es_chat_terminal_t *self)
{
    return self->hung_up;
}

FILE *es_chat_terminal_print(es_chat_terminal_t *self)
{
    erase(self);
    return self->out;
}

static size_t widen(wchar_t *out, size_t cap, const char *text)
{
    mbstate_t state = {0};
    size_t len = 0, n;
    wchar_t c;
    for (; len + 1 < cap && (n = mbrtowc(&c, text, MB_CUR_MAX, &state)) && n < (size_t)-2; text += n)
        if (wcwidth(c) >= 0) out[len++] = c;
    out[len] = L'\0';
    return len;
}

/* How many characters from the end of text fit into `columns`. */
static size_t fitting_tail(const wchar_t *text, size_t len, unsigned columns)
{
    size_t n = 0;
    for (unsigned width = 0; n < len; n++) {
        width += (unsigned)wcwidth(text[len - n - 1]);
        if (width > columns) break;
    }
    return n;
}

static size_t fitting_head(const wchar_t *text, size_t len, unsigned columns, unsigned *width)
{
    size_t n = 0;
    for (*width = 0; n < len && *width + (unsigned)wcwidth(text[n]) <= columns; n++)
        *width += (unsigned)wcwidth(text[n]);
    return n;
}

void es_chat_terminal_status(es_chat_terminal_t *self, const char *head, const char *tail)
{
    wchar_t wide[STATUS_MAX], status[STATUS_MAX];
    unsigned columns = self->columns > 1 ? self->columns - 1 : 1, used;
    size_t len = widen(wide, STATUS_MAX / 4, head), n = fitting_head(wide, len, columns, &used);
    wmemcpy(status, wide, n);
    len = widen(wide, STATUS_MAX, tail);
    size_t rest = fitting_tail(wide, len, columns - used);
    if (rest < len && rest) rest = fitting_tail(wide, len, columns - used - 1), status[n++] = L'\u2026';
    if (n + rest >= STATUS_MAX) rest = STATUS_MAX - 1 - n;
    wmemcpy(status + n, wide + len - rest, rest);
    status[n + rest] = L'\0';
    if (wcscmp(status, self->status) == 0) return;
    erase(self);
    wcscpy(self->status, status);
}

bool es_chat_terminal_clear(es_chat_terminal_t *self)
{
    const LineInfoW *line = el_wline(self->edit);
    int count = length(line);
    if (!self->editing || count == 0) return false;
    erase(self);
    el_cursor(self->edit, (int)(line->lastchar - line->cursor));
    el_deletestr(self->edit, count);
    return true;
}

void es_chat_terminal_resize(es_chat_terminal_t *self)
{
    self->columns = es_terminal_width(fileno(self->out));
    erase(self);
    el_resize(self->edit);
}

void es_chat_terminal_leave(es_chat_terminal_t *self)
{
    erase(self);
    fflush(self->out);
    el_set(self->edit, EL_PREP_TERM, 0);
}

void es_chat_terminal_return(es_chat_terminal_t *self)
{
    el_set(self->edit, EL_PREP_TERM, 1);
    es_chat_terminal_resize(self);
}
