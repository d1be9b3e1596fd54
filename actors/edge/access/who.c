#include "who.h"

#include <assert.h>
#include <stddef.h>

#define REFUSED(code_)                                                                               \
    .code = (code_), .refused = {.name = "earshot_edge_auth_refused_total{reason=\"" code_ "\"}",    \
                                 .help = "credentials refused, or missing where they are asked for", \
                                 .type = ES_COUNTER}

static struct {
    const char *code, *sentence;
    es_metric_t refused;
} reasons[ES_WHO_REASONS] = {
    [ES_WHO_MISSING] = {REFUSED("unauthorized"), .sentence = "This server asks who you are: send a token as "
                                                             "\"Authorization: Bearer ...\", a ticket, or session.auth "
                                                             "as the first message."},
    [ES_WHO_MALFORMED] = {REFUSED("malformed_token"),
                          .sentence = "This is neither a token nor a ticket; was it cut, or quoted?"},
    [ES_WHO_FORGED] = {REFUSED("forged_token"), .sentence = "No key that this server trusts has signed the token."},
    [ES_WHO_EXPIRED] = {REFUSED("expired_token"), .sentence = "The token has expired; get a new one."},
    [ES_WHO_EARLY] = {REFUSED("early_token"),
                      .sentence = "The token is not valid yet; do the clocks of issuer and server differ?"},
    [ES_WHO_FOREIGN] = {REFUSED("foreign_token"),
                        .sentence = "The token is for another audience than this server, or of another issuer."},
    [ES_WHO_UNKNOWN] = {REFUSED("unknown_token"),
                        .sentence =
                            "The token or ticket is not known here; a ticket is good once and for a short time."},
    [ES_WHO_TOO_MANY] = {REFUSED("too_many_connections"),
                         .sentence = "As many connections as one token may have are open; close one."},
};

#define CAME(id, by)                                                   \
    [id] = {.name = "earshot_edge_auth_accepted_total{by=\"" by "\"}", \
            .help = "credentials taken, by their kind",                \
            .type = ES_COUNTER}

static es_metric_t came[ES_CAME_WAYS] = {
    CAME(ES_CAME_OPERATOR, "operator"),
    CAME(ES_CAME_API_KEY, "api_key"),
    CAME(ES_CAME_JWT, "jwt"),
    CAME(ES_CAME_TICKET, "ticket"),
};

const char *es_who_code(es_who_t who)
{
    assert(who > ES_WHO_OK && who < ES_WHO_REASONS);
    return reasons[who].code;
}

const char *es_who_sentence(es_who_t who)
{
    assert(who > ES_WHO_OK && who < ES_WHO_REASONS);
    return reasons[who].sentence;
}

es_who_t es_who_refused(es_who_t who)
{
    if (who != ES_WHO_OK) es_metric_add(&reasons[who].refused, 1);
    return who;
}

void es_who_came(es_came_t how)
{
    es_metric_add(&came[how], 1);
}

es_metric_t *const *es_who_metrics(void)
{
    static es_metric_t *const list[] = {&reasons[ES_WHO_MISSING].refused,
                                        &reasons[ES_WHO_MALFORMED].refused,
                                        &reasons[ES_WHO_FORGED].refused,
                                        &reasons[ES_WHO_EXPIRED].refused,
                                        &reasons[ES_WHO_EARLY].refused,
                                        &reasons[ES_WHO_FOREIGN].refused,
                                        &reasons[ES_WHO_UNKNOWN].refused,
                                        &reasons[ES_WHO_TOO_MANY].refused,
                                        &came[ES_CAME_OPERATOR],
                                        &came[ES_CAME_API_KEY],
                                        &came[ES_CAME_JWT],
                                        &came[ES_CAME_TICKET],
                                        NULL};
    return list;
}
