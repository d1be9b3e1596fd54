/* Messages with a signed token: a client may show so many, and each waits for its turn before anything in it is done (turnstile.h). Meanwhile its socket is not read, so that what it says stays in order. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "client.h"

struct es_client_tokens {
    es_turnstile_place_t place;
    es_client_t *client;
    es_rate_t rate;
    bool passing; /* the message is being done */
    size_t len;
    char *text; /* of the message that waits; NULL: none does */
};

static void on_pass(es_turnstile_place_t *place)
{
    es_client_tokens_t *tokens = (es_client_tokens_t *)((char *)place - offsetof(es_client_tokens_t, place));
    es_client_t *self = tokens->client;
    char *text = tokens->text;
    tokens->text = NULL;
    tokens->passing = true;
    if (!self->closing) self->dialect->text(self, text, tokens->len);
    tokens->passing = false;
    free(text);
    es_client_settle(self);
}

static es_client_tokens_t *tokens_of(es_client_t *self)
{
    if (self->tokens) return self->tokens;
    self->tokens = es_alloc_zero(sizeof *self->tokens);
    self->tokens->place.pass = on_pass;
    self->tokens->client = self;
    return self->tokens;
}

bool es_client_token_waits(const es_client_t *self)
{
    return self->tokens && self->tokens->text;
}

void es_client_tokens_drop(es_client_t *self)
{
    if (!self->tokens) return;
    es_turnstile_leave(&self->env->turnstile, &self->tokens->place);
    free(self->tokens->text);
    free(self->tokens);
    self->tokens = NULL;
}

/* Who is a stranger may show one to say who it is, and else is told to. */
static bool shows_one(const es_client_t *self, const es_client_says_t *says)
{
    bool heard = es_client_known(self) || says->type == ES_SAYS_AUTH;
    return heard && says->type != ES_SAYS_RESUME && self->env->identity &&
           es_identity_signed(self->env->identity, es_span(says->token));
}

static void refuse(es_client_t *self, const es_client_says_t *says)
{
    es_refusal_t why = {.code = "rate_limited",
                        .message = "You show more tokens a minute than allowed (--auth-rate); wait a little."};
    snprintf(why.ref, sizeof why.ref, "%s",
             says->type == ES_SAYS_WATCH_JOB     ? "job.watch"
             : says->type == ES_SAYS_WATCH_HOUSE ? "house.watch"
                                                 : "session.auth");
    self->dialect->refuse(self, &why);
}

bool es_client_token_passes(es_client_t *self, const es_client_says_t *says, const char *text, size_t len)
{
    const es_client_limits_t *limits = &self->env->limits;
    if (!shows_one(self, says)) return true;
    es_client_tokens_t *tokens = tokens_of(self);
    if (tokens->passing) return true;
    if (tokens->text || !es_rate_take(&tokens->rate, limits->auth_rate, limits->auth_burst, self->env->now_us / 60)) {
        refuse(self, says);
        return false;
    }
    tokens->text = es_alloc_copy(text, len);
    tokens->len = len;
    es_turnstile_join(&self->env->turnstile, &tokens->place);
    return false;
}
