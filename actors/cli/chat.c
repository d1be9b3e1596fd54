#include "chat.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chat_command.h"
#include "chat_text.h"
#include "line_reader.h"
#include "wake.h"
#include "wire.h"
#include "ws_trouble.h"

#define SAME_WISH_US \
    UINT64_C(500000) /* timeout(1) and others send one wish to the process and to its group: it arrives twice */
#define STATE_US UINT64_C(500000) /* how often the state of a connection that there is not yet is told anew */

typedef struct {
    const es_chat_setup_t *setup;
    es_chat_session_t *session;
    es_ws_client_t *ws;
    size_t address;
    bool gone; /* the connection is; why says it */
    char why[200];

    es_wake_t wake;
    bool input; /* can be read */
    bool input_over;
    unsigned interrupts;
    uint64_t interrupted_us;

    es_line_reader_t lines;
    es_chat_output_t output;
} chat_t;

/* ---- what is shown */

static void show(void *ctx, const es_message_t *message)
{
    chat_t *chat = ctx;
    es_chat_output_message(&chat->output, message, es_now_us());
}

static void note(void *ctx, es_chat_weight_t weight, const char *text)
{
    chat_t *chat = ctx;
    es_chat_output_note(&chat->output, weight == ES_CHAT_WARNING, text);
}

static void remark(void *ctx, const char *text)
{
    note(ctx, ES_CHAT_NOTE, text);
}

static void show_state(chat_t *chat, uint64_t now_us, uint64_t *wake_us)
{
    char state[300];
    es_chat_session_state(chat->session, state, sizeof state);
    es_chat_output_state(&chat->output, state, now_us, wake_us);
    if (*state && chat->output.terminal && now_us + STATE_US < *wake_us) *wake_us = now_us + STATE_US;
}

/* ---- the connection */

static void on_open(void *ctx)
{
    chat_t *chat = ctx;
    es_chat_session_open(chat->session, es_now_us());
}

static void on_text(void *ctx, const char *text, size_t len)
{
    chat_t *chat = ctx;
    es_message_t message;
    es_message_parse(&message, text, len);
    es_chat_session_hear(chat->session, &message, es_now_us());
    es_message_fini(&message);
}

static void on_failed(void *ctx, const char *why)
{
    chat_t *chat = ctx;
    chat->gone = true;
    es_ws_trouble_failed(&chat->setup->addresses.urls[chat->address], why, chat->why, sizeof chat->why);
}

static void on_closed(void *ctx, unsigned code, const char *reason)
{
    chat_t *chat = ctx;
    chat->gone = true;
    es_ws_trouble_closed(code, reason, chat->why, sizeof chat->why);
}

static void connect_to(void *ctx, size_t address)
{
    static const es_ws_client_ops_t ops = {.open = on_open, .text = on_text, .failed = on_failed, .closed = on_closed};
    chat_t *chat = ctx;
    es_ws_client_destroy(&chat->ws);
    chat->gone = false;
    chat->address = address;
    chat->ws = es_ws_client_new(&chat->setup->addresses.urls[address], chat->setup->addresses.trust, &ops, chat);
    if (es_ws_client_watch(chat->ws, es_wake_fd(&chat->wake)) == -1) {
        chat->gone = true;
        snprintf(chat->why, sizeof chat->why, "no descriptor is left");
    }
}

static void drop(void *ctx)
{
    chat_t *chat = ctx;
    es_ws_client_destroy(&chat->ws);
    chat->gone = false;
}

static void close_politely(void *ctx)
{
    chat_t *chat = ctx;
    es_ws_client_close(chat->ws);
}

static int send_text(void *ctx, const char *text)
{
    chat_t *chat = ctx;
    return es_ws_client_send(chat->ws, false, text, strlen(text));
}

/* Outside of the connection's own calls. */
static void bury(chat_t *chat)
{
    if (!chat->gone) return;
    drop(chat);
    es_chat_session_down(chat->session, chat->why, es_now_us());
}

/* ---- the user */

static void interrupt(chat_t *chat, uint64_t now_us)
{
    if (chat->interrupts && now_us - chat->interrupted_us < SAME_WISH_US) return;
    chat->interrupted_us = now_us;
    chat->interrupts++;
    if (es_chat_session_ending(chat->session))
        es_chat_session_abort(chat->session);
    else
        es_chat_session_end(chat->session, false);
}

static void stop(es_chat_terminal_t *terminal)
{
    es_chat_terminal_leave(terminal);
    kill(getpid(), SIGSTOP);
    es_chat_terminal_return(terminal);
}

static void look(chat_t *chat)
{
    unsigned what = es_wake_look(&chat->wake);
    es_chat_terminal_t *terminal = chat->output.terminal;
    chat->input = what & ES_WAKE_INPUT;
    bool cleared = what & ES_WAKE_INTERRUPT && terminal && es_chat_terminal_clear(terminal);
    if ((what & ES_WAKE_INTERRUPT && !cleared) || what & ES_WAKE_END) interrupt(chat, es_now_us());
    if (!terminal) return;
    if (what & ES_WAKE_RESIZE) es_chat_terminal_resize(terminal);
    if (what & ES_WAKE_STOP) stop(terminal);
}

static bool wants_input(const chat_t *chat)
{
    if (chat->output.terminal) return true;
    return !chat->input_over && !chat->interrupts && !chat->output.broken && !es_chat_session_full(chat->session);
}

/* One turn: what is due, then waiting until something happens. */
static void turn(chat_t *chat)
{
    uint64_t now = es_now_us(), wake = es_chat_session_tick(chat->session, now);
    show_state(chat, now, &wake);
    if (es_chat_output_flush(&chat->output) == -1) es_chat_session_end(chat->session, false);
    if (es_chat_session_over(chat->session)) return;
    es_wake_want_input(&chat->wake, wants_input(chat));
    if (chat->wake.is_file && chat->wake.wanted) wake = now;
    if (chat->ws)
        es_ws_client_turn(chat->ws, wake, now);
    else
        es_wake_wait(&chat->wake, wake > now ? wake - now : 0);
    bury(chat);
    look(chat);
}

/* ---- a pipe */

static void take_lines(chat_t *chat)
{
    const char *line;
    size_t len;
    while (!es_chat_session_full(chat->session) && es_line_reader_next(&chat->lines, &line, &len))
        es_chat_session_say(chat->session, line, len);
    if (chat->input_over || !es_line_reader_ended(&chat->lines)) return;
    chat->input_over = true;
    es_chat_session_end(chat->session, true);
}

static void run_pipe(chat_t *chat)
{
    es_line_reader_init(&chat->lines, STDIN_FILENO, ES_CHAT_LINE_MAX);
    chat->input_over = chat->setup->listen;
    while (!es_chat_session_over(chat->session)) {
        turn(chat);
        if (chat->input && wants_input(chat)) es_line_reader_fill(&chat->lines);
        take_lines(chat);
    }
    es_line_reader_fini(&chat->lines);
}

/* ---- a terminal */

static bool wait_for_key(void *ctx)
{
    chat_t *chat = ctx;
    do turn(chat);
    while (!chat->input && !es_chat_session_over(chat->session));
    return !es_chat_session_over(chat->session);
}

static void take_line(chat_t *chat, const char *line)
{
    if (line)
        es_chat_command_run(chat->session, line, remark, chat);
    else
        es_chat_session_end(chat->session, false);
}

/* -1 where the terminal is none that a line can be edited on. */
static int run_terminal(chat_t *chat)
{
    char prompt[ES_CHAT_ID_MAX + 3];
    snprintf(prompt, sizeof prompt, "%s> ", chat->setup->session.name);
    es_chat_terminal_t *terminal = es_chat_terminal_new(stdin, stdout, prompt, wait_for_key, chat);
    if (!terminal) return -1;
    chat->output.terminal = terminal;
    while (!es_chat_session_over(chat->session) && !es_chat_terminal_hung_up(terminal))
        take_line(chat, es_chat_terminal_read(terminal));
    chat->output.terminal = NULL;
    es_chat_terminal_destroy(&terminal);
    chat->input_over = true;
    while (!es_chat_session_over(chat->session)) turn(chat);
    return 0;
}

/* ---- the end */

static void tell_unsaid(const chat_t *chat)
{
    const char *line;
    for (size_t i = 0; (line = es_chat_session_unsaid(chat->session, i)); i++)
        fprintf(stderr, "earshot: not confirmed: %s\n", line);
}

static void run(chat_t *chat)
{
    static const es_chat_ops_t ops = {
        .connect = connect_to, .drop = drop, .close = close_politely, .send = send_text, .show = show, .note = note};
    bool terminal = chat->setup->mode == ES_CHAT_TERMINAL;
    es_wake_init(&chat->wake, STDIN_FILENO, terminal);
    es_chat_output_init(&chat->output, chat->setup->mode);
    chat->session = es_chat_session_new(&chat->setup->session, &ops, chat);
    if (!terminal || run_terminal(chat) == -1) run_pipe(chat);
}

int es_chat_run(const es_chat_setup_t *setup)
{
    chat_t chat = {.setup = setup};
    run(&chat);
    int status = es_chat_session_status(chat.session);
    if (chat.output.broken && !chat.interrupts && status != ES_CHAT_UNSAID) status = ES_CHAT_REFUSED;
    tell_unsaid(&chat);
    es_ws_client_destroy(&chat.ws);
    es_chat_session_destroy(&chat.session);
    es_chat_output_fini(&chat.output);
    es_wake_fini(&chat.wake);
    return status;
}
