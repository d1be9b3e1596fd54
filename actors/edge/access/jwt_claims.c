#include "jwt_claims.h"

#include <stdio.h>
#include <string.h>

#include "room_wire.h"

static const double latest = 1e15; /* far beyond any calendar, and whole in a double */

/* A time of the claims: 1, 0 where it is not there, -1 where it is none. */
static int time_of(const json_t *claims, const char *name, uint64_t *out)
{
    const json_t *value = json_object_get(claims, name);
    if (!value) return 0;
    double seconds = json_number_value(value);
    if (!json_is_number(value) || !(seconds >= 0 && seconds <= latest)) return -1;
    *out = (uint64_t)seconds;
    return 1;
}

static es_who_t check_times(const json_t *claims, uint64_t leeway, uint64_t wall_s, uint64_t *expires)
{
    uint64_t end = 0, begin = 0, issued = 0;
    if (time_of(claims, "exp", &end) != 1) return ES_WHO_MALFORMED;
    if (time_of(claims, "nbf", &begin) < 0 || time_of(claims, "iat", &issued) < 0) return ES_WHO_MALFORMED;
    if (issued > end) return ES_WHO_MALFORMED;
    *expires = end + leeway;
    if (wall_s >= *expires) return ES_WHO_EXPIRED;
    return begin > wall_s + leeway || issued > wall_s + leeway ? ES_WHO_EARLY : ES_WHO_OK;
}

static bool all_texts(const json_t *list)
{
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item) if (!json_is_string(item)) return false;
    return true;
}

static bool text_or_list(const json_t *value)
{
    return json_is_string(value) || (json_is_array(value) && all_texts(value));
}

/* One of them, where there may be several. */
static bool names(const json_t *value, const char *wanted)
{
    if (json_is_string(value)) return strcmp(json_string_value(value), wanted) == 0;
    size_t i;
    json_t *item;
    json_array_foreach(value, i, item) if (strcmp(json_string_value(item), wanted) == 0) return true;
    return false;
}

static es_who_t check_ends(const json_t *claims, const es_jwt_rules_t *rules)
{
    const json_t *audience = json_object_get(claims, "aud"), *issuer = json_object_get(claims, "iss");
    if ((audience && !text_or_list(audience)) || (issuer && !json_is_string(issuer))) return ES_WHO_MALFORMED;
    if (rules->audience && !(audience && names(audience, rules->audience))) return ES_WHO_FOREIGN;
    return rules->issuer && !(issuer && names(issuer, rules->issuer)) ? ES_WHO_FOREIGN : ES_WHO_OK;
}

static int check_subject(const json_t *claims, char out[ES_PRINCIPAL_NAME_MAX + 1])
{
    const json_t *subject = json_object_get(claims, "sub");
    es_span_t text = es_span_of(json_string_value(subject), json_string_length(subject));
    if (!text.len || text.len > ES_JWT_SUBJECT_MAX || !es_room_text_valid(text, false)) return -1;
    snprintf(out, ES_PRINCIPAL_NAME_MAX + 1, "jwt:%s", text.ptr);
    return 0;
}

static unsigned rights_in(const char *text)
{
    unsigned rights = 0;
    for (size_t len; *text; text += len + (text[len] == ' ')) {
        len = strcspn(text, " ");
        rights |= es_right_named(es_span_of(text, len));
    }
    return rights;
}

static int read_rights(const json_t *claims, unsigned *rights)
{
    const json_t *said = json_object_get(claims, "rights");
    if (!said) said = json_object_get(claims, "scope");
    if (!said) return 0;
    if (!text_or_list(said)) return -1;
    if (json_is_string(said)) *rights = rights_in(json_string_value(said));
    size_t i;
    json_t *item;
    json_array_foreach(said, i, item) *rights |= es_right_named(es_span(json_string_value(item)));
    return 0;
}

static void add_room(es_grant_t *grant, const json_t *room)
{
    es_grant_room(grant, es_span_of(json_string_value(room), json_string_length(room)));
}

static int read_rooms(const json_t *claims, es_grant_t *grant)
{
    const json_t *said = json_object_get(claims, "rooms");
    if (!said) return 0;
    if (!text_or_list(said)) return -1;
    grant->limited = true;
    if (json_is_string(said)) add_room(grant, said);
    size_t i;
    json_t *item;
    json_array_foreach(said, i, item) add_room(grant, item);
    return 0;
}

es_who_t es_jwt_claims_check(es_jwt_claims_t *out, const json_t *claims, const es_jwt_rules_t *rules, uint64_t wall_s)
{
    *out = (es_jwt_claims_t){.expires = 0};
    es_who_t who = check_times(claims, rules->leeway_s, wall_s, &out->expires);
    if (who == ES_WHO_OK) who = check_ends(claims, rules);
    if (who != ES_WHO_OK) return who;
    bool fine = check_subject(claims, out->name) == 0 && read_rights(claims, &out->grant.rights) == 0 &&
                read_rooms(claims, &out->grant) == 0;
    if (fine) return ES_WHO_OK;
    es_grant_fini(&out->grant);
    return ES_WHO_MALFORMED;
}
