#include "chat_command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HISTORY = 50, HISTORY_MAX = 100 };

typedef struct {
    es_chat_session_t *session;
    void (*note)(void *ctx, const char *text);
    void *ctx;
} speaker_t;

static void say(const speaker_t *by, const char *line, size_t len)
{
    if (es_chat_session_say(by->session, line, len) == -1)
        by->note(by->ctx,
                 "too many lines wait for their confirmation: this one was not taken (the key up brings it back)");
}

static void outside(const speaker_t *by)
{
    by->note(by->ctx, "not in the room at the moment; ask again once back");
}

static void who(const speaker_t *by, const char *rest)
{
    (void)rest;
    if (!es_chat_session_who(by->session)) outside(by);
}

static void history(const speaker_t *by, const char *rest)
{
    char *end;
    long count = *rest ? strtol(rest, &end, 10) : HISTORY;
    if (*rest && (*end || count < 1 || count > HISTORY_MAX))
        by->note(by->ctx, "/history takes a number from 1 to 100");
    else if (!es_chat_session_history(by->session, (unsigned)count))
        outside(by);
}

static void leave(const speaker_t *by, const char *rest)
{
    (void)rest;
    es_chat_session_end(by->session, false);
}

static void help(const speaker_t *by, const char *rest);

static const struct {
    const char *name, *takes, *about;
    void (*run)(const speaker_t *by, const char *rest);
} commands[] = {{"who", "", "who is here", who},
                {"history", " [N]", "N events (50) before those that were shown", history},
                {"leave", "", "leave the room once everything is confirmed; so does Ctrl-D", leave},
                {"quit", "", "the same", leave},
                {"help", "", "this list; //word says /word", help}};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void help(const speaker_t *by, const char *rest)
{
    char line[120], usage[40];
    (void)rest;
    for (size_t i = 0; i < COMMANDS; i++) {
        snprintf(usage, sizeof usage, "/%s%s", commands[i].name, commands[i].takes);
        snprintf(line, sizeof line, "%-14s%s", usage, commands[i].about);
        by->note(by->ctx, line);
    }
}

static void command(const speaker_t *by, const char *name)
{
    char unknown[120];
    size_t len = strcspn(name, " ");
    const char *rest = name + len + strspn(name + len, " ");
    for (size_t i = 0; i < COMMANDS; i++)
        if (strlen(commands[i].name) == len && strncmp(commands[i].name, name, len) == 0) {
            commands[i].run(by, rest);
            return;
        }
    snprintf(unknown, sizeof unknown, "there is no command /%.*s; /help lists them, and //%.*s says /%.*s",
             len < 20 ? (int)len : 20, name, len < 20 ? (int)len : 20, name, len < 20 ? (int)len : 20, name);
    by->note(by->ctx, unknown);
}

void es_chat_command_run(es_chat_session_t *session, const char *line, void (*note)(void *ctx, const char *text),
                         void *ctx)
{
    const speaker_t by = {.session = session, .note = note, .ctx = ctx};
    size_t blank = strspn(line, " \t"), len = strlen(line);
    while (len > blank && (line[len - 1] == ' ' || line[len - 1] == '\t')) len--;
    if (len == blank) return;
    if (line[0] == '/' && line[1] != '/') {
        char *name = strndup(line + 1, len - 1);
        command(&by, name);
        free(name);
    } else
        say(&by, line[0] == '/' ? line + 1 : line, line[0] == '/' ? len - 1 : len);
}
