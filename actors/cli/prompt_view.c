#include "prompt_view.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

#define FAINT "\033[2m"
#define PLAIN "\033[0m"
/* From the beginning of a row to the end of the screen. Not in one: what is cleared from the first place of the screen on, tmux takes for a screen worth keeping. */
#define CLEAR "\033[C\033[J\r\033[K"
enum { TAB = 8, COLUMNS_MIN = 2 };

/* Where the cursor is after some characters; out NULL: only that is of interest. */
typedef struct {
    FILE *out;
    unsigned row, column, columns;
} pen_t;

/* ---- characters */

static void put(const pen_t *pen, wchar_t c)
{
    char bytes[MB_LEN_MAX];
    mbstate_t state = {0};
    size_t n = pen->out ? wcrtomb(bytes, c, &state) : (size_t)-1;
    if (n != (size_t)-1) fwrite(bytes, 1, n, pen->out);
}

/* A character that is so many columns wide. A wide one that does not fit goes to the next row. */
static void write_wide(pen_t *pen, wchar_t c, unsigned width)
{
    if (pen->column + width > pen->columns) {
        for (; pen->column < pen->columns; pen->column++) put(pen, L' ');
        pen->row++;
        pen->column = 0;
    }
    put(pen, c);
    pen->column += width;
}

/* The cursor may stand behind the last column, where terminals wait for the next character before they wrap. */
static void wrap(pen_t *pen)
{
    if (pen->column < pen->columns) return;
    put(pen, L' ');
    put(pen, L'\r');
    pen->row++;
    pen->column = 0;
}

static void write_newline(pen_t *pen)
{
    put(pen, L'\n');
    pen->row++;
    pen->column = 0;
}

static void write_tab(pen_t *pen)
{
    do write_wide(pen, L' ', 1);
    while (pen->column % TAB && pen->column < pen->columns);
}

static void write_character(pen_t *pen, wchar_t c)
{
    int width = wcwidth(c);
    if (c == L'\n')
        write_newline(pen);
    else if (c == L'\t')
        write_tab(pen);
    else if (width >= 0)
        write_wide(pen, c, (unsigned)width);
    else if (c < L' ') {
        write_wide(pen, L'^', 1);
        write_wide(pen, c + L'@', 1);
    } else
        write_wide(pen, L'\ufffd', 1);
}

static void write_text(pen_t *pen, const wchar_t *text, size_t len)
{
    for (size_t i = 0; i < len; i++) write_character(pen, text[i]);
}

/* The prompt and the line up to a character, without writing it. */
static pen_t measure(const es_prompt_view_t *self, const es_prompt_line_t *line, size_t len)
{
    pen_t pen = {.columns = self->columns};
    write_text(&pen, self->prompt, wcslen(self->prompt));
    write_text(&pen, line->text, len);
    wrap(&pen);
    return pen;
}

/* ---- the two on the screen */

static void copy_line(es_prompt_line_t *to, const wchar_t *text, size_t len, size_t cursor)
{
    if (len > to->cap) {
        free(to->text);
        to->cap = len * 2;
        to->text = es_alloc(to->cap * sizeof *to->text);
    }
    if (len) wmemcpy(to->text, text, len);
    to->len = len;
    to->cursor = cursor;
}

static void draw_status(es_prompt_view_t *self)
{
    if (!self->status[0]) return;
    pen_t pen = {.out = self->out, .columns = self->columns};
    if (self->colour) fputs(FAINT, self->out);
    write_text(&pen, self->status, wcslen(self->status));
    fputs(self->colour ? PLAIN "\n" : "\n", self->out);
    self->status_width = pen.column;
    self->status_visible = true;
}

static void move_from(const es_prompt_view_t *self, const pen_t *end, const pen_t *to)
{
    if (end->row > to->row) fprintf(self->out, "\033[%uA", end->row - to->row);
    if (end->row == to->row && end->column == to->column) return;
    fputc('\r', self->out);
    if (to->column) fprintf(self->out, "\033[%uC", to->column);
}

static void draw_line(es_prompt_view_t *self)
{
    const es_prompt_line_t *line = &self->line;
    pen_t pen = {.out = self->out, .columns = self->columns}, cursor = measure(self, line, line->cursor);
    write_text(&pen, self->prompt, wcslen(self->prompt));
    write_text(&pen, line->text, line->len);
    wrap(&pen);
    move_from(self, &pen, &cursor);
    copy_line(&self->drawn, line->text, line->len, line->cursor);
}

/* What is typed at the end of the line needs no drawing of what is before it. */
static bool draw_addition(es_prompt_view_t *self)
{
    const es_prompt_line_t *line = &self->line, *drawn = &self->drawn;
    bool at_end = drawn->cursor == drawn->len && line->cursor == line->len;
    if (!at_end || line->len < drawn->len || (drawn->len && wmemcmp(line->text, drawn->text, drawn->len) != 0))
        return false;
    pen_t pen = measure(self, drawn, drawn->len);
    pen.out = self->out;
    write_text(&pen, line->text + drawn->len, line->len - drawn->len);
    if (line->len > drawn->len) wrap(&pen);
    copy_line(&self->drawn, line->text, line->len, line->cursor);
    return true;
}

static bool as_drawn(const es_prompt_view_t *self)
{
    const es_prompt_line_t *line = &self->line, *drawn = &self->drawn;
    return line->len == drawn->len && line->cursor == drawn->cursor &&
           (line->len == 0 || wmemcmp(line->text, drawn->text, line->len) == 0);
}

void es_prompt_view_draw(es_prompt_view_t *self)
{
    if (self->visible && (as_drawn(self) || draw_addition(self))) return;
    es_prompt_view_erase(self);
    draw_status(self);
    draw_line(self);
    self->visible = true;
}

static unsigned status_rows(const es_prompt_view_t *self)
{
    if (!self->status_visible) return 0;
    return self->status_width ? (self->status_width - 1) / self->columns + 1 : 1;
}

void es_prompt_view_erase(es_prompt_view_t *self)
{
    if (!self->visible) return;
    unsigned rows = measure(self, &self->drawn, self->drawn.cursor).row + status_rows(self);
    fputc('\r', self->out);
    if (rows) fprintf(self->out, "\033[%uA", rows);
    fputs(CLEAR, self->out);
    self->visible = self->status_visible = false;
}

/* ---- what they are */

static wchar_t *widen(const char *text)
{
    size_t cap = strlen(text) + 1, len = 0, n;
    wchar_t *wide = es_alloc(cap * sizeof *wide), c;
    mbstate_t state = {0};
    for (; (n = mbrtowc(&c, text, MB_CUR_MAX, &state)) && n < (size_t)-2; text += n)
        if (wcwidth(c) >= 0) wide[len++] = c;
    wide[len] = L'\0';
    return wide;
}

void es_prompt_view_init(es_prompt_view_t *self, FILE *out, unsigned columns, bool colour, const char *prompt)
{
    *self = (es_prompt_view_t){.out = out, .colour = colour, .prompt = widen(prompt)};
    es_prompt_view_resize(self, columns);
}

void es_prompt_view_fini(es_prompt_view_t *self)
{
    free(self->prompt);
    free(self->line.text);
    free(self->drawn.text);
}

void es_prompt_view_line(es_prompt_view_t *self, const wchar_t *text, size_t len, size_t cursor)
{
    copy_line(&self->line, text, len, cursor);
}

/* How many characters from the beginning fit; *columns is lowered by what they take. */
static size_t fitting_head(const wchar_t *text, size_t max, unsigned *columns)
{
    size_t n = 0;
    for (; text[n] && n < max && (unsigned)wcwidth(text[n]) <= *columns; n++) *columns -= (unsigned)wcwidth(text[n]);
    return n;
}

static const wchar_t *fitting_tail(const wchar_t *text, size_t max, unsigned columns)
{
    const wchar_t *p = text + wcslen(text);
    for (; p > text && max && (unsigned)wcwidth(p[-1]) <= columns; p--, max--) columns -= (unsigned)wcwidth(p[-1]);
    return p;
}

/* The last column stays free: nothing wraps. */
static void compose(const es_prompt_view_t *self, wchar_t *status, const wchar_t *head, const wchar_t *tail)
{
    unsigned columns = self->columns - 1;
    size_t n = fitting_head(head, ES_PROMPT_STATUS_MAX / 2, &columns);
    wmemcpy(status, head, n);
    const wchar_t *rest = fitting_tail(tail, ES_PROMPT_STATUS_MAX / 2 - 2, columns);
    if (rest > tail && columns) {
        rest = fitting_tail(tail, ES_PROMPT_STATUS_MAX / 2 - 2, columns - 1);
        status[n++] = L'\u2026';
    }
    wmemcpy(status + n, rest, wcslen(rest) + 1);
}

void es_prompt_view_status(es_prompt_view_t *self, const char *head, const char *tail)
{
    wchar_t status[ES_PROMPT_STATUS_MAX], *wide_head = widen(head), *wide_tail = widen(tail);
    compose(self, status, wide_head, wide_tail);
    free(wide_head);
    free(wide_tail);
    if (wcscmp(status, self->status) == 0) return;
    es_prompt_view_erase(self);
    wmemcpy(self->status, status, wcslen(status) + 1);
}

void es_prompt_view_resize(es_prompt_view_t *self, unsigned columns)
{
    self->columns = columns < COLUMNS_MIN ? COLUMNS_MIN : columns;
    es_prompt_view_erase(self);
}
