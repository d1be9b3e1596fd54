#include "access.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edge_metrics.h"
#include "http/origin.h"
#include "jobs/jobs_metrics.h"
#include "json_out.h"
#include "log.h"
#include "rights.h"

enum { MESSAGE_MAX = 1400, TICKET_MAX = 64, ORIGIN_MAX = 512, NAME_SHOWN = 100 };

int es_access_init(es_access_t *self, const es_edge_config_t *config, const es_operator_t *operator_token,
                   es_client_env_t *env, char *err, size_t err_len)
{
    const es_identity_config_t settings = es_edge_identity_config(config, operator_token);
    *self = (es_access_t){.allow_origin = config->allow_origin,
                          .tls = config->tls_cert && *config->tls_cert,
                          .ticket_us = config->ticket_us,
                          .operator= operator_token,
                          .env = env};
    env->identity = es_identity_new(&settings, err, err_len);
    self->nameless = env->identity && !es_identity_required(env->identity) && !self->tls;
    if (env->identity && es_identity_warning(env->identity)) es_log_warn(es_identity_warning(env->identity));
    return env->identity ? 0 : -1;
}

void es_access_reload(es_access_t *self)
{
    char err[MESSAGE_MAX];
    if (!es_identity_required(self->env->identity)) return;
    if (es_identity_reload(self->env->identity, err, sizeof err))
        es_log_error("the keys of tokens are not changed", ES_S("error", err));
    else
        es_log_info("the keys of tokens were read again");
}

void es_access_fini(es_access_t *self)
{
    if (self->env) es_identity_destroy(&self->env->identity);
}

static uint64_t wall_s(const es_access_t *self)
{
    return self->env->wall_ms / 1000;
}

static bool asked(const es_access_t *self)
{
    return es_identity_required(self->env->identity);
}

/* ---- refusals */

/* {"error":code,"message":...}; challenge: what WWW-Authenticate says. */
static void refuse(es_http_exchange_t *x, unsigned status, const char *code, const char *message, const char *challenge)
{
    const char *headers[] = {"www-authenticate", challenge, NULL};
    es_frame_buf_t json = {0};
    es_json_raw(&json, "{\"error\":");
    es_json_string(&json, es_span(code));
    es_json_raw(&json, ",\"message\":");
    es_json_string(&json, es_span(message));
    es_json_raw(&json, "}\n");
    es_http_reply(x, status, "application/json", headers, json.data + json.head, es_frame_buf_size(&json));
    es_frame_buf_clear(&json);
}

static void refuse_credentials(const es_access_t *self, es_http_exchange_t *x, es_who_t who)
{
    char message[MESSAGE_MAX];
    const char *challenge =
        who == ES_WHO_MISSING ? "Bearer realm=\"earshot\"" : "Bearer realm=\"earshot\", error=\"invalid_token\"";
    es_metric_add(&es_edge_unauthorized, 1);
    if (asked(self))
        snprintf(message, sizeof message, "%s", es_who_sentence(who));
    else
        snprintf(message, sizeof message,
                 "This wants the operator's token: send Authorization: Bearer and what lies in the file %s on the "
                 "server.",
                 self->operator->file);
    refuse(x, 401, asked(self) ? es_who_code(who) : "unauthorized", message, challenge);
}

static void refuse_right(es_http_exchange_t *x, es_right_t right)
{
    char message[MESSAGE_MAX], challenge[128];
    es_right_missing(right);
    snprintf(message, sizeof message, "This needs the right %s; your token does not give it.", es_right_name(right));
    snprintf(challenge, sizeof challenge, "Bearer realm=\"earshot\", error=\"insufficient_scope\", scope=\"%s\"",
             es_right_name(right));
    refuse(x, 403, "forbidden", message, challenge);
}

/* ---- pages of others: they must not change anything in the name of somebody whose browser can reach us, nor read it under a name that they have pointed here */

static void copy(es_span_t text, char out[ORIGIN_MAX])
{
    snprintf(out, ORIGIN_MAX, "%.*s", (int)text.len, text.len ? text.ptr : "");
}

static bool of_foreign_page(const es_access_t *self, const char *origin, const char *host)
{
    if (es_origin_allowed(origin, host, self->tls, self->allow_origin)) return false;
    es_metric_add(&es_edge_origin_refused, 1);
    es_log_info("a page of another origin is refused; --allow-origin would let it in", ES_S("origin", origin),
                ES_S("host", host));
    return true;
}

static bool of_foreign_name(const es_access_t *self, const char *host)
{
    if (!self->nameless || !es_origin_rebound(host, self->allow_origin)) return false;
    es_metric_add(&es_edge_host_refused, 1);
    es_log_info("a request by a name that may be anybody's is refused; --allow-origin would let it in",
                ES_S("host", host));
    return true;
}

static void refuse_name(es_http_exchange_t *x, const char *host)
{
    int len = (int)strcspn(host, ":");
    es_http_refuse(x, 421, "foreign_host",
                   "This edge asks nobody who comes, so it answers to addresses, localhost and names without a dot: a "
                   "page of anybody's could come by the name %.*s. If it is yours, start the edge with --allow-origin "
                   "http://%.*s (or EARSHOT_ALLOW_ORIGIN).",
                   len < NAME_SHOWN ? len : NAME_SHOWN, host, len < NAME_SHOWN ? len : NAME_SHOWN, host);
}

static bool changes_something(const es_http_exchange_t *x)
{
    es_span_t method = es_http_method(x);
    return !es_span_eq(method, es_span("GET")) && !es_span_eq(method, es_span("HEAD"));
}

static bool page_may(const es_access_t *self, es_http_exchange_t *x)
{
    char origin[ORIGIN_MAX], host[ORIGIN_MAX];
    copy(es_http_header(x, "host"), host);
    if (of_foreign_name(self, host)) {
        refuse_name(x, host);
        return false;
    }
    if (!changes_something(x)) return true;
    copy(es_http_header(x, "origin"), origin);
    if (!of_foreign_page(self, origin, host)) return true;
    es_http_refuse(x, 403, "foreign_origin", "Pages of this origin may not change anything here; see --allow-origin.");
    return false;
}

es_turnstile_t *es_access_turnstile(es_access_t *self, const es_http_exchange_t *x)
{
    bool is_signed = es_identity_signed(self->env->identity, es_http_header(x, "authorization"));
    return is_signed ? &self->env->turnstile : NULL;
}

/* ---- routes */

/* Where nobody is asked, everybody who is not somebody is nobody. */
static es_who_t who_asks(const es_access_t *self, es_span_t authorization, es_principal_t **principal)
{
    es_who_t who = es_identity_authorization(self->env->identity, authorization, wall_s(self), principal);
    if (who == ES_WHO_OK || asked(self)) return who;
    return es_identity_bearer(self->env->identity, es_span(NULL), wall_s(self), principal);
}

/* Where nobody is asked, what is made is everybody's, whatever token comes along. */
static void let_in(const es_access_t *self, es_http_exchange_t *x, const es_principal_t *principal)
{
    es_http_ask_as(x, asked(self) ? es_principal_name(principal) : NULL,
                   es_principal_may(principal, ES_RIGHT_DASHBOARD));
}

static void let_anybody_in(const es_access_t *self, es_http_exchange_t *x)
{
    es_principal_t *principal = NULL;
    es_span_t authorization = es_http_header(x, "authorization");
    if (authorization.len && who_asks(self, authorization, &principal) == ES_WHO_OK) let_in(self, x, principal);
    es_principal_unref(&principal);
}

bool es_access_allows(void *ctx, es_http_exchange_t *x, const es_http_route_t *route)
{
    const es_access_t *self = ctx;
    es_principal_t *principal = NULL;
    const es_right_t right = route->right & ES_RIGHTS_ALL;
    const bool guarded = route->right & ES_HTTP_GUARDED;
    if (!page_may(self, x)) return false;
    if (route->right & ES_HTTP_PUBLIC) return true;
    if (!guarded && !asked(self)) {
        let_anybody_in(self, x);
        return true;
    }
    es_who_t who =
        es_identity_authorization(self->env->identity, es_http_header(x, "authorization"), wall_s(self), &principal);
    if (who == ES_WHO_OK && guarded && !*es_principal_name(principal)) who = ES_WHO_MISSING;
    bool may = who == ES_WHO_OK && es_principal_may(principal, right);
    if (may) let_in(self, x, principal);
    es_principal_unref(&principal);
    if (who != ES_WHO_OK)
        refuse_credentials(self, x, who);
    else if (!may)
        refuse_right(x, right);
    return may;
}

static void say_ticket(const es_access_t *self, es_http_exchange_t *x, const char *ticket)
{
    static const char *const headers[] = {"cache-control", "no-store", NULL};
    char text[128];
    int len = snprintf(text, sizeof text, "{\"ticket\":\"%s\",\"expires_in\":%llu}\n", ticket,
                       (unsigned long long)(self->ticket_us / 1000000));
    es_http_reply(x, 200, "application/json", headers, text, (size_t)len);
}

static void ticket(void *ctx, es_http_exchange_t *x, const es_span_t *ids)
{
    const es_access_t *self = ctx;
    es_principal_t *principal = NULL;
    char drawn[TICKET_MAX];
    (void)ids;
    es_who_t who = who_asks(self, es_http_header(x, "authorization"), &principal);
    if (who != ES_WHO_OK)
        refuse_credentials(self, x, who);
    else if (es_identity_ticket(self->env->identity, principal, self->env->now_us, drawn))
        es_http_refuse(x, 503, "too_many_tickets",
                       "Too many tickets wait to be used (--max-tickets); try again in a moment.");
    else
        say_ticket(self, x, drawn);
    es_principal_unref(&principal);
}

const es_http_route_t es_access_routes[] = {{"POST", "/api/ticket", ticket, ES_HTTP_PUBLIC}, {0}};

/* ---- WebSockets */

static es_who_t redeem(const es_access_t *self, const es_http_exchange_t *x, es_principal_t **principal)
{
    char text[TICKET_MAX];
    if (es_http_parameter(x, "ticket", text, sizeof text) < 0) *text = 0; /* no ticket is so long */
    es_who_t who = es_identity_redeem(self->env->identity, es_span(text), self->env->now_us, principal);
    if (who != ES_WHO_OK || wall_s(self) < es_principal_expires(*principal)) return who;
    es_principal_unref(principal);
    return es_who_refused(ES_WHO_EXPIRED);
}

static bool brings_ticket(const es_http_exchange_t *x)
{
    char text[TICKET_MAX];
    return es_http_parameter(x, "ticket", text, sizeof text) != 0;
}

static es_guest_t *guest_of(const es_access_t *self, const es_http_exchange_t *x)
{
    es_principal_t *principal = NULL;
    es_span_t authorization = es_http_header(x, "authorization");
    es_who_t who = ES_WHO_MISSING;
    if (authorization.len)
        who = es_identity_authorization(self->env->identity, authorization, wall_s(self), &principal);
    if (who == ES_WHO_MISSING && brings_ticket(x)) /* Authorization may be a proxy's */
        who = redeem(self, x, &principal);
    if (who == ES_WHO_MISSING || (who != ES_WHO_OK && !asked(self))) return NULL;
    if (who != ES_WHO_OK)
        es_log_info("credentials of a WebSocket client are refused", ES_S("reason", es_who_code(who)));
    return es_guest_new(who, principal);
}

unsigned es_access_admit(es_access_t *self, const es_http_exchange_t *x, const char *origin, const char *host,
                         es_guest_t **guest)
{
    if (of_foreign_name(self, host)) return 421;
    if (of_foreign_page(self, origin, host)) return 403;
    *guest = guest_of(self, x);
    return 0;
}
