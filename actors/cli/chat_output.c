#include "chat_output.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "terminal.h"
#include "wire.h"

void es_chat_output_init(es_chat_output_t *self, es_chat_mode_t mode)
{
    *self = (es_chat_output_t){.mode = mode};
    es_chat_view_init(&self->view, es_terminal_colour(STDOUT_FILENO), es_wall_us() / 1000);
}

void es_chat_output_fini(es_chat_output_t *self)
{
    es_chat_captions_fini(&self->captions);
}

static FILE *lines(es_chat_output_t *self)
{
    return self->terminal ? es_chat_terminal_print(self->terminal) : stdout;
}

void es_chat_output_message(es_chat_output_t *self, const es_message_t *message, uint64_t now_us)
{
    if (self->mode != ES_CHAT_JSON) {
        es_chat_captions_hear(&self->captions, message, now_us);
        es_chat_view_message(&self->view, lines(self), message);
    } else if (message->line)
        printf("%s\n", message->line);
}

void es_chat_output_note(es_chat_output_t *self, bool strong, const char *text)
{
    if (self->mode != ES_CHAT_JSON)
        es_chat_view_note(&self->view, lines(self), strong, text);
    else if (strong)
        fprintf(stderr, "earshot: %s\n", text);
}

void es_chat_output_state(es_chat_output_t *self, const char *text, uint64_t now_us, uint64_t *wake_us)
{
    unsigned others;
    char head[200];
    if (!self->terminal) return;
    const es_chat_speaker_t *speaker = es_chat_captions_latest(&self->captions, now_us, &others, wake_us);
    if (*text || !speaker) {
        es_chat_terminal_status(self->terminal, text, "");
        return;
    }
    if (others)
        snprintf(head, sizeof head, "%s (voice, and %u more): ", speaker->name, others);
    else
        snprintf(head, sizeof head, "%s (voice): ", speaker->name);
    es_chat_terminal_status(self->terminal, head, speaker->text);
}

int es_chat_output_flush(es_chat_output_t *self)
{
    if (self->terminal) es_chat_terminal_draw(self->terminal);
    if (self->broken) return -1;
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout)) return 0;
    self->broken = true;
    fprintf(stderr, "earshot: cannot write to standard output: %s\n",
            errno ? strerror(errno) : "an earlier write failed");
    return -1;
}
