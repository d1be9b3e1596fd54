#include "identity.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "alloc.h"
#include "api_keys.h"
#include "base64url.h"
#include "jwt_claims.h"
#include "jwt_keys.h"

enum { DIGEST = 32, WHY_MAX = 900 };

struct es_identity {
    es_identity_config_t config;
    es_principal_t *anonymous, *operator;
    es_api_keys_t *api_keys; /* NULL: none */
    es_jwt_keys_t *jwt_keys; /* likewise */
    es_seats_t *seats;
    es_tickets_t *tickets;
};

static es_principal_t *built_in(const char *name, unsigned rights)
{
    es_grant_t grant = {.rights = rights};
    return es_principal_new(name, &grant, UINT64_MAX, NULL);
}

es_identity_t *es_identity_new(const es_identity_config_t *config, char *err, size_t err_len)
{
    es_identity_t *self = es_alloc_zero(sizeof *self);
    self->config = *config;
    self->anonymous = built_in("", ES_RIGHTS_ALL & ~(unsigned)(ES_RIGHT_DASHBOARD | ES_RIGHT_ADMIN));
    self->operator= built_in("operator", ES_RIGHTS_ALL);
    self->seats = es_seats_new();
    uint64_t each = config->tickets_each ? config->tickets_each : config->max_tickets;
    self->tickets = es_tickets_new(config->max_tickets, each, config->ticket_us, self->seats);
    if (es_identity_reload(self, err, err_len) != 0) es_identity_destroy(&self);
    return self;
}

void es_identity_destroy(es_identity_t **self_p)
{
    es_identity_t *self = *self_p;
    if (!self) return;
    es_tickets_destroy(&self->tickets);
    es_seats_destroy(&self->seats);
    es_api_keys_destroy(&self->api_keys);
    es_jwt_keys_destroy(&self->jwt_keys);
    es_principal_unref(&self->anonymous);
    es_principal_unref(&self->operator);
    free(self);
    *self_p = NULL;
}

static void take(es_identity_t *self, es_api_keys_t *api_keys, es_jwt_keys_t *jwt_keys)
{
    if (self->api_keys) es_api_keys_hand_over(self->api_keys, api_keys);
    if (self->jwt_keys) es_jwt_keys_hand_over(self->jwt_keys, jwt_keys);
    es_api_keys_destroy(&self->api_keys);
    es_jwt_keys_destroy(&self->jwt_keys);
    self->api_keys = api_keys;
    self->jwt_keys = jwt_keys;
}

static int complain(const char *option, const char *why, char *err, size_t err_len)
{
    snprintf(err, err_len, "--%s: %s", option, why);
    return -1;
}

int es_identity_reload(es_identity_t *self, char *err, size_t err_len)
{
    const es_identity_config_t *config = &self->config;
    char why[WHY_MAX];
    es_api_keys_t *api_keys = config->api_keys ? es_api_keys_load(config->api_keys, why, sizeof why) : NULL;
    if (config->api_keys && !api_keys) return complain("api-keys", why, err, err_len);
    es_jwt_keys_t *jwt_keys = config->jwt_keys ? es_jwt_keys_load(config->jwt_keys, why, sizeof why) : NULL;
    if (config->jwt_keys && !jwt_keys) {
        es_api_keys_destroy(&api_keys);
        return complain("jwt-key", why, err, err_len);
    }
    take(self, api_keys, jwt_keys);
    return 0;
}

bool es_identity_required(const es_identity_t *self)
{
    return self->config.api_keys || self->config.jwt_keys;
}

const char *es_identity_warning(const es_identity_t *self)
{
    if (self->config.audience || !self->jwt_keys || !es_jwt_keys_public(self->jwt_keys)) return NULL;
    return "tokens of any audience are taken: whatever the issuer signs for other services opens this one too; "
           "--jwt-audience says which are meant for it";
}

/* ---- tokens */

static void digest(es_span_t text, uint8_t out[DIGEST])
{
    unsigned n = 0;
    if (!EVP_Digest(text.len ? text.ptr : "", text.len, out, &n, EVP_sha256(), NULL) || n != DIGEST) abort();
}

/* RFC 6750, section 2.1. */
static bool is_token(es_span_t text)
{
    size_t n = 0;
    for (; n < text.len && text.ptr[n] != '='; n++) {
        char c = text.ptr[n];
        bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                    c == '.' || c == '_' || c == '~' || c == '+' || c == '/';
        if (!fine) return false;
    }
    if (n == 0 || text.len > ES_TOKEN_MAX) return false;
    while (n < text.len && text.ptr[n] == '=') n++;
    return n == text.len;
}

static es_who_t found(es_principal_t *principal, es_came_t how, es_principal_t **out)
{
    *out = es_principal_ref(principal);
    es_who_came(how);
    return ES_WHO_OK;
}

/* The signature first: who is not ours learns nothing of what else is wrong. */
static es_who_t read_jwt(es_identity_t *self, const es_jwt_token_t *token, uint64_t wall_s, es_principal_t **out)
{
    const es_identity_config_t *config = &self->config;
    const es_jwt_rules_t rules = {.audience = config->audience, .issuer = config->issuer, .leeway_s = config->leeway_s};
    es_jwt_claims_t claims;
    es_principal_t *signer = es_jwt_keys_signer(self->jwt_keys, token);
    if (!signer) return ES_WHO_FORGED;
    es_who_t who = es_jwt_claims_check(&claims, token->claims, &rules, wall_s);
    if (who != ES_WHO_OK) return who;
    *out = es_principal_new(claims.name, &claims.grant, claims.expires, signer);
    es_who_came(ES_CAME_JWT);
    return ES_WHO_OK;
}

static es_who_t look_at_jwt(es_identity_t *self, es_span_t text, uint64_t wall_s, es_principal_t **out)
{
    es_jwt_token_t token;
    es_who_t who = es_jwt_token_parse(&token, text) == 0 ? read_jwt(self, &token, wall_s, out) : ES_WHO_MALFORMED;
    es_jwt_token_fini(&token);
    return who;
}

static es_who_t look_up(es_identity_t *self, es_span_t token, uint64_t wall_s, es_principal_t **out)
{
    if (self->config.operator_token && es_operator_is(self->config.operator_token, token))
        return found(self->operator, ES_CAME_OPERATOR, out);
    uint8_t key[DIGEST];
    digest(token, key);
    es_principal_t *holder = self->api_keys ? es_api_keys_find(self->api_keys, key) : NULL;
    if (holder) return found(holder, ES_CAME_API_KEY, out);
    bool jwt = self->jwt_keys && memchr(token.ptr, '.', token.len);
    return jwt ? look_at_jwt(self, token, wall_s, out) : ES_WHO_UNKNOWN;
}

bool es_identity_signed(const es_identity_t *self, es_span_t credentials)
{
    return self->jwt_keys && credentials.len && memchr(credentials.ptr, '.', credentials.len);
}

es_who_t es_identity_bearer(es_identity_t *self, es_span_t token, uint64_t wall_s, es_principal_t **out)
{
    *out = NULL;
    if (token.len) return es_who_refused(is_token(token) ? look_up(self, token, wall_s, out) : ES_WHO_MALFORMED);
    if (es_identity_required(self)) return es_who_refused(ES_WHO_MISSING);
    *out = es_principal_ref(self->anonymous);
    return ES_WHO_OK;
}

es_who_t es_identity_authorization(es_identity_t *self, es_span_t header_value, uint64_t wall_s, es_principal_t **out)
{
    static const char scheme[] = "Bearer";
    const size_t n = sizeof scheme - 1;
    es_span_t value = header_value;
    *out = NULL;
    bool bearer = value.len >= n && strncasecmp(value.ptr, scheme, n) == 0 && (value.len == n || value.ptr[n] == ' ');
    if (!bearer) return es_identity_bearer(self, (es_span_t){0}, wall_s, out);
    size_t at = n;
    while (at < value.len && value.ptr[at] == ' ') at++;
    if (at == value.len) return es_who_refused(ES_WHO_MALFORMED);
    return es_identity_bearer(self, es_span_of(value.ptr + at, value.len - at), wall_s, out);
}

/* ---- tickets */

int es_identity_ticket(es_identity_t *self, es_principal_t *principal, uint64_t now_us, char out[ES_TICKET_LEN + 1])
{
    uint8_t drawn[ES_TICKET_BYTES], key[DIGEST];
    if (getrandom(drawn, sizeof drawn, 0) != (ssize_t)sizeof drawn) abort();
    es_base64url_encode(drawn, sizeof drawn, out);
    OPENSSL_cleanse(drawn, sizeof drawn);
    digest(es_span(out), key);
    if (es_tickets_add(self->tickets, key, principal, now_us) == 0) return 0;
    OPENSSL_cleanse(out, ES_TICKET_LEN + 1);
    return -1;
}

es_who_t es_identity_redeem(es_identity_t *self, es_span_t ticket, uint64_t now_us, es_principal_t **out)
{
    uint8_t key[DIGEST];
    *out = NULL;
    if (ticket.len != ES_TICKET_LEN || es_base64url_decode(ticket, NULL) < 0) return es_who_refused(ES_WHO_MALFORMED);
    digest(ticket, key);
    es_principal_t *principal = es_tickets_redeem(self->tickets, key, now_us);
    if (principal && es_principal_expires(principal) == 0) es_principal_unref(&principal);
    if (!principal) return es_who_refused(ES_WHO_UNKNOWN);
    *out = principal;
    es_who_came(ES_CAME_TICKET);
    return ES_WHO_OK;
}

/* ---- connections */

es_who_t es_principal_enter(es_identity_t *self, es_principal_t *p)
{
    bool counted = p != self->anonymous && p != self->operator;
    return es_who_refused(es_principal_sit(p, self->seats, counted ? self->config.max_connections : 0));
}
