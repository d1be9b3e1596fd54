/* Who a client is, and what it may do.
 *
 *     new --- credentials came along, or none are needed --> KNOWN <--.  session.auth of the same principal
 *      |                                                       |  '---'
 *      '--> STRANGER --- session.auth, right --------->--------'--- expired -----.
 *               '--- wrong, or too late ----------------------------------------> closed 1008
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "client.h"
#include "edge_metrics.h"
#include "json_out.h"
#include "rights.h"

static uint64_t wall_s(const es_client_t *self)
{
    return self->env->wall_ms / 1000;
}

bool es_client_known(const es_client_t *self)
{
    return self->principal || !self->env->identity;
}

const char *es_client_principal(const es_client_t *self)
{
    return self->principal ? es_principal_name(self->principal) : "";
}

void es_client_say_principal(es_client_t *self)
{
    uint64_t expires = self->principal ? es_principal_expires(self->principal) : UINT64_MAX;
    es_json_raw(&self->out, ",\"principal\":");
    es_json_string(&self->out, es_span(es_client_principal(self)));
    if (expires == UINT64_MAX) return;
    es_json_raw(&self->out, ",\"expires\":");
    es_json_uint(&self->out, expires);
}

/* ---- one more connection of a principal. All may be nobody. */

static bool is_somebody(const es_principal_t *principal)
{
    return principal && *es_principal_name(principal);
}

static es_who_t count(const es_client_t *self, es_principal_t *principal)
{
    return is_somebody(principal) ? es_principal_enter(self->env->identity, principal) : ES_WHO_OK;
}

static void uncount(es_principal_t *principal)
{
    if (is_somebody(principal)) es_principal_leave(principal);
}

/* Takes the reference over. */
static es_who_t become(es_client_t *self, es_principal_t *principal)
{
    es_principal_t *former = self->principal;
    uncount(former);
    es_who_t who = count(self, principal);
    if (who != ES_WHO_OK) {
        if (former) count(self, former);
        es_principal_unref(&principal);
        return who;
    }
    es_principal_unref(&self->principal);
    self->principal = principal;
    return ES_WHO_OK;
}

/* ---- refusals */

static void refuse(es_client_t *self, const char *code, const char *ref, const char *message)
{
    es_refusal_t why = {.code = code};
    snprintf(why.ref, sizeof why.ref, "%s", ref);
    snprintf(why.message, sizeof why.message, "%s", message);
    self->dialect->refuse(self, &why);
}

void es_client_want_credentials(es_client_t *self, const char *ref)
{
    es_metric_add(&es_edge_strangers_refused, 1);
    refuse(self, es_who_code(ES_WHO_MISSING), ref, es_who_sentence(ES_WHO_MISSING));
}

/* ---- strangers, the oldest first */

static void wait_for(es_client_t *self, const char *query)
{
    es_client_env_t *env = self->env;
    size_t len = strlen(query) + 1;
    self->opening = es_alloc(sizeof *self->opening + len);
    self->opening->known_by_us = env->now_us + env->limits.auth_us;
    memcpy(self->opening->query, query, len);
    self->older = env->strangers.newest;
    *(self->older ? &self->older->newer : &env->strangers.oldest) = self;
    env->strangers.newest = self;
    es_metric_set(&es_edge_strangers, ++env->strangers.count);
}

static void wait_no_more(es_client_t *self)
{
    es_client_env_t *env = self->env;
    if (!self->opening) return;
    free(self->opening);
    self->opening = NULL;
    *(self->older ? &self->older->newer : &env->strangers.oldest) = self->newer;
    *(self->newer ? &self->newer->older : &env->strangers.newest) = self->older;
    self->older = self->newer = NULL;
    es_metric_set(&es_edge_strangers, --env->strangers.count);
}

static void show_out(es_client_t *self, const char *code, const char *message, es_ws_why_t why)
{
    refuse(self, code, "", message);
    es_client_close(self, why);
    wait_no_more(self);
}

static void turn_out(es_client_t *self, es_who_t who)
{
    show_out(self, es_who_code(who), es_who_sentence(who), ES_WS_REFUSED);
}

/* Who is about to say who it is has come just now: whoever fills the places with silence is older. */
static void make_room(es_client_env_t *env)
{
    if (!env->limits.max_strangers || env->strangers.count < env->limits.max_strangers) return;
    es_metric_add(&es_edge_strangers_pushed, 1);
    show_out(env->strangers.oldest, es_who_code(ES_WHO_MISSING), "Too many wait to say who they are (--max-strangers).",
             ES_WS_UNKNOWN);
}

static void become_stranger(es_client_t *self, const char *query)
{
    make_room(self->env);
    wait_for(self, query);
}

/* ---- coming and going */

static es_who_t who_comes(const es_client_t *self, es_guest_t *guest, es_principal_t **principal)
{
    es_who_t who = guest ? guest->who : ES_WHO_MISSING;
    if (guest && who != ES_WHO_MISSING) {
        *principal = guest->principal;
        guest->principal = NULL;
    } else if (!es_identity_required(self->env->identity)) {
        who = es_identity_bearer(self->env->identity, es_span(NULL), wall_s(self), principal);
    }
    es_guest_destroy(&guest);
    return who;
}

void es_client_enter(es_client_t *self, es_guest_t *guest, const char *query)
{
    es_principal_t *principal = NULL;
    if (!self->env->identity) {
        self->dialect->open(self, query);
        return;
    }
    es_who_t who = who_comes(self, guest, &principal);
    if (who == ES_WHO_OK) who = become(self, principal);
    if (who == ES_WHO_OK) {
        self->dialect->open(self, query);
        return;
    }
    become_stranger(self, query);
    if (who != ES_WHO_MISSING)
        turn_out(self, who);
    else if (self->dialect->strange)
        self->dialect->strange(self);
}

void es_client_leave(es_client_t *self)
{
    wait_no_more(self);
    es_client_tokens_drop(self);
    uncount(self->principal);
    es_principal_unref(&self->principal);
    es_principal_unref(&self->lender);
}

void es_client_lend(es_client_t *self, es_principal_t *principal)
{
    es_principal_unref(&self->lender);
    self->lender = principal;
}

/* ---- a token in a message */

static bool is_another(const es_client_t *self, const es_principal_t *principal)
{
    return is_somebody(self->principal) && strcmp(es_client_principal(self), es_principal_name(principal)) != 0;
}

static unsigned rights_of(const es_client_t *self)
{
    unsigned rights = 0;
    for (unsigned right = 1; right < ES_RIGHTS_ALL; right <<= 1)
        if (es_client_may(self, right, es_span(NULL))) rights |= right;
    return rights;
}

static void tell_known(es_client_t *self, unsigned former)
{
    self->dialect->known(self);
    if (self->opening)
        self->dialect->open(self, self->opening->query);
    else
        self->dialect->rights(self, former & ~rights_of(self));
    wait_no_more(self);
}

void es_client_authenticate(es_client_t *self, const char *token)
{
    es_principal_t *principal = NULL;
    es_who_t who = ES_WHO_MISSING;
    unsigned former = rights_of(self);
    if (self->env->identity) who = es_identity_bearer(self->env->identity, es_span(token), wall_s(self), &principal);
    if (who == ES_WHO_OK && is_another(self, principal)) {
        es_principal_unref(&principal);
        refuse(self, "other_principal", "session.auth",
               "This connection is somebody else's already; open one of your own for this token.");
        return;
    }
    if (who == ES_WHO_OK) who = become(self, principal);
    bool needless = !self->env->identity || !es_identity_required(self->env->identity);
    if (who != ES_WHO_OK && !needless)
        turn_out(self, who);
    else
        tell_known(self, former);
}

/* ---- time */

static bool over(const es_client_t *self, const es_principal_t *principal)
{
    return principal && wall_s(self) >= es_principal_expires(principal);
}

void es_client_check(es_client_t *self)
{
    if (self->closing || !self->env->identity) return;
    if (self->opening && !es_client_token_waits(self) && self->env->now_us >= self->opening->known_by_us) {
        es_metric_add(&es_edge_strangers_late, 1);
        show_out(self, es_who_code(ES_WHO_MISSING), "No token has come in time (--auth-timeout).", ES_WS_UNKNOWN);
    } else if (over(self, self->principal) || over(self, self->lender)) {
        es_metric_add(&es_edge_expired, 1);
        show_out(self, es_who_code(ES_WHO_EXPIRED), es_who_sentence(ES_WHO_EXPIRED), ES_WS_EXPIRED);
    }
}

/* ---- rights */

bool es_client_may(const es_client_t *self, es_right_t right, es_span_t room)
{
    if (!self->env->identity) return true;
    if (!self->principal) return false;
    return room.len ? es_principal_may_room(self->principal, right, room) : es_principal_may(self->principal, right);
}

void es_client_forbid(es_right_t right, es_span_t room, const char *ref, es_refusal_t *why)
{
    *why = (es_refusal_t){.code = "forbidden"};
    es_right_missing(right);
    snprintf(why->ref, sizeof why->ref, "%s", ref);
    snprintf(why->room, sizeof why->room, "%.*s", (int)room.len, room.len ? room.ptr : "");
    if (room.len)
        snprintf(why->message, sizeof why->message,
                 "This needs the right %s in the room \"%s\"; your token does not give it.", es_right_name(right),
                 why->room);
    else
        snprintf(why->message, sizeof why->message, "This needs the right %s; your token does not give it.",
                 es_right_name(right));
}

bool es_client_allowed(es_client_t *self, es_right_t right, es_span_t room, const char *ref)
{
    es_refusal_t why;
    if (es_client_may(self, right, room)) return true;
    es_client_forbid(right, room, ref, &why);
    self->dialect->refuse(self, &why);
    return false;
}
