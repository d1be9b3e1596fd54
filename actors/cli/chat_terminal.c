#include "chat_terminal.h"

#include <errno.h>
#include <histedit.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "alloc.h"
#include "prompt_view.h"
#include "terminal.h"

enum { HISTORY_LINES = 500 };

struct es_chat_terminal {
    EditLine *edit;
    HistoryW *history;
    FILE *in, *out, *nowhere;
    es_chat_terminal_wait_t *wait;
    void *ctx;
    es_prompt_view_t view;
    char *line; /* the one that was read last */
    bool hung_up;
    struct termios original;
    bool editing; /* inside es_chat_terminal_read */
    unsigned char input[256];
    size_t input_at, input_len;
};

static es_chat_terminal_t *owner(EditLine *edit)
{
    void *self = NULL;
    el_get(edit, EL_CLIENTDATA, &self);
    return self;
}

/* ---- what libedit asks for */

/* One byte of input; 0 at the end. */
static int read_byte(es_chat_terminal_t *self, char *byte)
{
    while (self->input_at == self->input_len) {
        if (!self->wait(self->ctx)) return 0;
        ssize_t n = read(fileno(self->in), self->input, sizeof self->input);
        self->hung_up = n == 0 || (n == -1 && errno != EINTR && errno != EAGAIN);
        if (self->hung_up) return 0;
        self->input_at = 0;
        self->input_len = n > 0 ? (size_t)n : 0;
    }
    *byte = (char)self->input[self->input_at++];
    return 1;
}

/* A character: 1, or 0 at the end. */
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

static wchar_t *no_prompt(EditLine *edit)
{
    static wchar_t none[] = L"";
    (void)edit;
    return none;
}

/* ---- keys of ours */

/* Ctrl-D: the end on an empty line, else the character under the cursor goes. */
static unsigned char key_end(EditLine *edit, int key)
{
    const LineInfoW *line = el_wline(edit);
    (void)key;
    if (line->lastchar == line->buffer) return CC_EOF;
    if (line->cursor == line->lastchar) return CC_ERROR;
    el_cursor(edit, 1);
    el_deletestr(edit, 1);
    return CC_REFRESH;
}

/* Ctrl-L: a screen with nothing but the line. */
static unsigned char key_clear_screen(EditLine *edit, int key)
{
    es_chat_terminal_t *self = owner(edit);
    (void)key;
    es_prompt_view_erase(&self->view);
    fputs("\033[H\033[2J", self->out);
    return CC_NORM;
}

static const struct {
    const wchar_t *key, *name, *help; /* libedit keeps the pointers */
    unsigned char (*run)(EditLine *edit, int key);
} keys[] = {{L"^D", L"chat-end", L"Leave, or delete a character", key_end},
            {L"^L", L"chat-clear-screen", L"Clear the screen", key_clear_screen}};

static void bind_keys(EditLine *edit)
{
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        el_wset(edit, EL_ADDFN, keys[i].name, keys[i].help, keys[i].run);
        el_wset(edit, EL_BIND, keys[i].key, keys[i].name, NULL);
        el_wset(edit, EL_BIND, L"-a", keys[i].key, keys[i].name, NULL); /* vi's command mode */
    }
}

/* ---- life */

static void prepare_edit(es_chat_terminal_t *self)
{
    el_set(self->edit, EL_CLIENTDATA, self);
    el_wset(self->edit, EL_PROMPT, no_prompt);
    el_set(self->edit, EL_EDITOR, "emacs");
    el_wset(self->edit, EL_HIST, history_w, self->history);
    el_set(self->edit, EL_GETCFN, read_character);
    el_source(self->edit, NULL);
    el_set(self->edit, EL_SETTY, "-x", "-echo", "-icanon",
           NULL); /* between two lines as well: what is typed or pasted then must not show */
    bind_keys(self->edit);
}

static void prepare_history(es_chat_terminal_t *self)
{
    HistEventW event;
    history_w(self->history, &event, H_SETSIZE, HISTORY_LINES);
    history_w(self->history, &event, H_SETUNIQUE, 1);
}

es_chat_terminal_t *es_chat_terminal_new(FILE *in, FILE *out, const char *prompt, es_chat_terminal_wait_t *wait,
                                         void *ctx)
{
    es_chat_terminal_t *self = es_alloc_zero(sizeof *self);
    es_terminal_use_utf8();
    *self = (es_chat_terminal_t){.in = in, .out = out, .nowhere = fopen("/dev/null", "we"), .wait = wait, .ctx = ctx};
    es_prompt_view_init(&self->view, out, es_terminal_width(fileno(out)), es_terminal_colour(fileno(out)), prompt);
    self->history = history_winit();
    if (self->nowhere)
        self->edit = el_init_fd("earshot", in, self->nowhere, self->nowhere, fileno(in), fileno(out), fileno(out));
    if (!self->edit || !self->history) {
        es_chat_terminal_destroy(&self);
        return NULL;
    }
    tcgetattr(fileno(in), &self->original);
    prepare_history(self);
    prepare_edit(self);
    return self;
}

void es_chat_terminal_destroy(es_chat_terminal_t **self_p)
{
    es_chat_terminal_t *self = *self_p;
    if (!self) return;
    es_prompt_view_erase(&self->view);
    fflush(self->out);
    if (self->edit) el_end(self->edit);
    if (self->history) history_wend(self->history);
    if (self->nowhere) fclose(self->nowhere);
    es_prompt_view_fini(&self->view);
    free(self->line);
    free(self);
    *self_p = NULL;
}

/* ---- reading */

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
    HistEventW event;
    int count = 0;
    self->editing = true;
    const wchar_t *line = el_wgets(self->edit, &count);
    self->editing = false;
    es_prompt_view_erase(&self->view);
    free(self->line);
    self->line = NULL;
    if (!line || count <= 0) return NULL;
    if (count > 1) history_w(self->history, &event, H_ENTER, line);
    return self->line = narrow(line, count);
}

bool es_chat_terminal_hung_up(const es_chat_terminal_t *self)
{
    return self->hung_up;
}

bool es_chat_terminal_clear(es_chat_terminal_t *self)
{
    const LineInfoW *line = el_wline(self->edit);
    int count = (int)(line->lastchar - line->buffer);
    if (!self->editing || count == 0) return false;
    el_cursor(self->edit, (int)(line->lastchar - line->cursor));
    el_deletestr(self->edit, count);
    return true;
}

/* ---- the screen */

void es_chat_terminal_draw(es_chat_terminal_t *self)
{
    const LineInfoW *line = el_wline(self->edit);
    if (!self->editing) return;
    es_prompt_view_line(&self->view, line->buffer, (size_t)(line->lastchar - line->buffer),
                        (size_t)(line->cursor - line->buffer));
    es_prompt_view_draw(&self->view);
    fflush(self->out);
}

FILE *es_chat_terminal_print(es_chat_terminal_t *self)
{
    es_prompt_view_erase(&self->view);
    return self->out;
}

void es_chat_terminal_status(es_chat_terminal_t *self, const char *head, const char *tail)
{
    es_prompt_view_status(&self->view, head, tail);
}

void es_chat_terminal_resize(es_chat_terminal_t *self)
{
    es_prompt_view_resize(&self->view, es_terminal_width(fileno(self->out)));
    el_resize(self->edit);
}

void es_chat_terminal_leave(es_chat_terminal_t *self)
{
    es_prompt_view_erase(&self->view);
    fflush(self->out);
    el_set(self->edit, EL_PREP_TERM, 0);
    tcsetattr(fileno(self->in), TCSADRAIN, &self->original);
}

void es_chat_terminal_return(es_chat_terminal_t *self)
{
    el_set(self->edit, EL_PREP_TERM, 1);
    es_chat_terminal_resize(self);
}
