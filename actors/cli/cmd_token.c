#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api_key_line.h"
#include "cmd.h"
#include "config.h"
#include "room_wire.h"
#include "token_grant.h"
#include "token_jwt.h"

enum { TOKEN_OK = 0, TOKEN_FAILED = 1, TOKEN_USAGE = 2, SUBJECT_MAX = 200, SECOND = 1000000 };

typedef struct {
    char *key, *new_key, *api_key;
    char *subject, *rights, *rooms, *audience, *issuer, *api_keys, *env_file;
    uint64_t life_us;
} config_t;

static const es_option_t options[] = {
    ES_OPT_STR_AS(config_t, key, "key", "TOKEN_KEY", 1024,
                  "file with the key that signs: a secret, or a private key as PEM"),
    ES_OPT_STR_AS(config_t, subject, "sub", "TOKEN_SUB", SUBJECT_MAX, "who shall have the token"),
    ES_OPT_STR_AS(config_t, rights, "rights", "TOKEN_RIGHTS", 256,
                  "what it may be used for, with commas: stream, room.join, room.say, jobs, dashboard, admin"),
    ES_OPT_STR_AS(config_t, rooms, "rooms", "TOKEN_ROOMS", 4096,
                  "rooms that the rights on rooms are for, or patterns such as 'team-*', with commas; default: all"),
    ES_OPT_DURATION(config_t, life_us, "expires", "1h", SECOND, UINT64_C(315360000000000),
                    "the token is good for so long"),
    ES_OPT_STR_AS(config_t, audience, "audience", "JWT_AUDIENCE", 256, "edges that it is for: their --jwt-audience"),
    ES_OPT_STR_AS(config_t, issuer, "issuer", "JWT_ISSUER", 256, "who gives it: the edges' --jwt-issuer"),
    ES_OPT_STR_AS(config_t, new_key, "new-key", "TOKEN_NEW_KEY", 1024, "draw a secret for signing into this new file"),
    ES_OPT_STR_AS(config_t, api_key, "api-key", "TOKEN_API_KEY", 64, "draw an API key of this name instead of a token"),
    ES_OPT_STR_AS(config_t, api_keys, "api-keys", "API_KEYS", 1024,
                  "and append it to this file, which is the edges' --api-keys"),
    ES_OPT_STR(config_t, env_file, "env-file", NULL, NULL, 512,
               "file of NAME=value settings; default .env where there is one"),
    ES_OPT_END};
static const es_option_t *const tables[] = {options, NULL};

static const es_config_about_t about = {
    .program = "earshot token",
    .usage = "--key FILE --sub NAME --rights RIGHT,... | --api-key NAME --rights RIGHT,... | --new-key FILE",
    .about =
        "Makes what somebody shows an edge to be let in, and prints it: a token (JWT) signed with a key of yours, "
        "which\n"
        "the edge knows by --jwt-key; or an API key, which it knows by its line in the file of --api-keys. A token\n"
        "ends by itself; an API key when its line is removed and the edge told so (SIGHUP).",
    .epilog = "Exit codes:\n"
              "  0    it is made\n"
              "  1    it could not be made\n"
              "  2    wrong options"};

static int fail(int status, const char *what)
{
    fprintf(stderr, "earshot token: %s\n", what);
    return status;
}

static bool check_grant(const config_t *config)
{
    char err[600];
    if (es_token_check_rights(config->rights, err, sizeof err) == 0 &&
        es_token_check_rooms(config->rooms, err, sizeof err) == 0)
        return true;
    fail(TOKEN_USAGE, err);
    return false;
}

/* ---- a token */

static void set_text(json_t *claims, const char *name, const char *text)
{
    if (text) json_object_set_new(claims, name, json_string(text));
}

static json_t *claims_of(const config_t *config, time_t now)
{
    json_t *claims = json_object();
    set_text(claims, "sub", config->subject);
    set_text(claims, "aud", config->audience);
    set_text(claims, "iss", config->issuer);
    json_object_set_new(claims, "iat", json_integer(now));
    json_object_set_new(claims, "exp", json_integer((json_int_t)now + (json_int_t)(config->life_us / SECOND)));
    json_object_set_new(claims, "rights", es_token_list(config->rights));
    if (config->rooms) json_object_set_new(claims, "rooms", es_token_list(config->rooms));
    return claims;
}

static int make_token(const config_t *config)
{
    char err[700];
    if (!config->subject || !*config->subject || !es_room_text_valid(es_span(config->subject), false))
        return fail(TOKEN_USAGE, "--sub is missing: who shall have the token, 1 to 200 bytes of UTF-8");
    if (!check_grant(config)) return TOKEN_USAGE;
    json_t *claims = claims_of(config, time(NULL));
    char *token = es_token_sign(config->key, claims, err, sizeof err);
    json_decref(claims);
    if (!token) return fail(TOKEN_FAILED, err);
    puts(token);
    OPENSSL_cleanse(token, strlen(token));
    free(token);
    return TOKEN_OK;
}

/* ---- keys */

static int make_key(const config_t *config)
{
    char err[700];
    if (es_token_new_key(config->new_key, err, sizeof err) != 0) return fail(TOKEN_FAILED, err);
    fprintf(stderr,
            "made %s, a secret that signs and verifies tokens, to be read by you alone\n"
            "next: start the edges with --jwt-key %s\n"
            "next: earshot token --key %s --sub NAME --rights stream\n",
            config->new_key, config->new_key, config->new_key);
    return TOKEN_OK;
}

static int keep_line(const config_t *config, const es_api_key_t *key)
{
    char err[700];
    if (!config->api_keys) {
        fprintf(stderr, "the line for the file of --api-keys; the key itself is not kept anywhere:\n%s\n", key->line);
        return TOKEN_OK;
    }
    if (es_api_key_append(key, config->api_key, config->api_keys, err, sizeof err) != 0) return fail(TOKEN_FAILED, err);
    fprintf(stderr,
            "%s knows it now; the key itself is not kept anywhere\n"
            "next: start the edges with --api-keys %s, or send them SIGHUP\n",
            config->api_keys, config->api_keys);
    return TOKEN_OK;
}

static int make_api_key(const config_t *config)
{
    char err[700];
    es_api_key_t key;
    if (!check_grant(config)) return TOKEN_USAGE;
    if (es_api_key_make(&key, config->api_key, config->rights, config->rooms, err, sizeof err) != 0)
        return fail(TOKEN_USAGE, err);
    int status = keep_line(config, &key);
    if (status == TOKEN_OK) puts(key.key);
    OPENSSL_cleanse(&key, sizeof key);
    return status;
}

static int make(const config_t *config)
{
    int wanted = !!config->key + !!config->new_key + !!config->api_key;
    if (wanted != 1)
        return fail(TOKEN_USAGE, wanted ? "--key, --api-key and --new-key are three things to make; one at a time"
                                        : "say what to make: --key FILE for a token, --api-key NAME or --new-key FILE");
    return config->key ? make_token(config) : config->api_key ? make_api_key(config) : make_key(config);
}

int es_cmd_token(int argc, char **argv)
{
    config_t config;
    int rest = argc, status = TOKEN_USAGE;
    switch (es_config_load(&config, tables, &about, argc, argv, &rest)) {
    case ES_CONFIG_OK:
        status = rest == argc ? make(&config) : fail(TOKEN_USAGE, "it takes options only; see --help");
        break;
    case ES_CONFIG_HELP:
        status = TOKEN_OK;
        break;
    default:
        break;
    }
    es_config_fini(&config, tables);
    return status;
}
