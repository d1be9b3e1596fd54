/* What every actor understands, and what follows from it. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "config_parts.h"
#include "endpoints.h"
#include "envelope.h"
#include "file_owner.h"
#include "metrics_setup.h"
#include "privileges.h"

#define KEY_OPTIONS                                                                                                \
    ES_OPT_STR(es_common_config_t, keys, "keys", NULL, NULL, 512,                                                  \
               "directory of key files, for tcp; default: keys in --data"),                                        \
        ES_OPT_STR(es_common_config_t, key, "key", NULL, NULL, 512,                                                \
                   "our own key file; default: NAME.key or ROLE.key in --keys, where there is one"),               \
        ES_OPT_STR(es_common_config_t, broker_key, "broker-key", NULL, NULL, 1024,                                 \
                   "public key files of the brokers, or one for all, with commas; default: broker.pub in --keys"), \
        ES_OPT_FLAG(es_common_config_t, insecure, "insecure",                                                      \
                    "serve and connect beyond this machine without keys, TLS or tokens")

const es_option_t es_common_options[] = {
    ES_OPT_STR(es_common_config_t, name, "name", NULL, NULL, ES_NAME_MAX, "name in logs, status and pid file"),
    ES_OPT_STR(
        es_common_config_t, broker, "broker", "BROKER_URL", NULL, 1024,
        "broker to use, or several with commas: ipc:///path, tcp://host:port, inproc://name; default: in --data"),
    ES_OPT_STR(es_common_config_t, data, "data", NULL, NULL, 512,
               "directory of sockets and pid files; default $XDG_RUNTIME_DIR/earshot or /tmp/earshot-<uid>"),
    ES_OPT_CHOICE(es_common_config_t, log_level, "log-level", "info", "debug|info|warn|error", "least level to log"),
    ES_OPT_CHOICE(es_common_config_t, log_format, "log-format", "logfmt", "logfmt|json", "format of log lines"),
    ES_OPT_STR(es_common_config_t, env_file, "env-file", NULL, NULL, 512,
               "file of NAME=value settings; default .env where there is one"),
    KEY_OPTIONS,
    ES_OPT_STR(es_common_config_t, metrics, "metrics", NULL, NULL, 300,
               "HOST:PORT for GET /metrics, /healthz and /readyz, such as 127.0.0.1:9100; port 0 draws one"),
    ES_OPT_STR(es_common_config_t, metrics_token_file, "metrics-token-file", NULL, NULL, 512,
               "file with the bearer token that /metrics there wants"),
    ES_OPT_DURATION(es_common_config_t, health_lag_us, "health-lag", "5s", 100000, UINT64_C(86400000000),
                    "/healthz there answers 503 where the work is later than that"),
    ES_OPT_STR(es_common_config_t, user, "user", NULL, NULL, 64,
               "become this user at once, keeping only the right to listen below port 1024; for who starts as root"),
    ES_OPT_FLAG(es_common_config_t, core_dumps, "core-dumps", "allow core files, which may hold keys and speech"),
    ES_OPT_STR(es_common_config_t, otlp_url, "otlp-url", NULL, NULL, 1000,
               "OpenTelemetry collector that gets spans over OTLP/HTTP, such as http://127.0.0.1:4318; /v1/traces is "
               "added where there is no path"),
    ES_OPT_STR(es_common_config_t, otlp_header, "otlp-header-file", NULL, NULL, 1000,
               "file with one more header line for it, such as Authorization: Bearer TOKEN"),
    ES_OPT_END};

const es_option_t es_key_options[] = {KEY_OPTIONS, ES_OPT_END};

/* Every setting of the actors in this tree. One .env may serve them all, and a name that none of them has is a typo. The test unit/house_names
 * keeps the list complete. */
static const char house_names[] =
    " ADDR_FILE ALL ALLOW_ORIGIN ANALYSIS ANALYSIS_WAIT API_KEYS ASYNC_UPLOADS ATTEMPTS AUTH_BURST "
    "AUTH_RATE AUTH_TIMEOUT "
    "BATCH_NICE BODY_LEAST BODY_TIMEOUT BROKER BROKERS BROKER_KEY BYTE_RATE CA CAPACITY CAPTION_HOLD CHUNK_MS "
    "CLOSE_TIMEOUT CONCURRENCY CONNECT_TIMEOUT CORE_DUMPS COUNT DATA DEAD_BYTES DEAD_MAX DECODERS DECODER_STARTS "
    "DECODE_CPU DECODE_MEMORY DECODE_SILENCE DEDUP DELAY_MS DELETE_AFTER_ANALYSIS DRAIN_TIMEOUT EDGES "
    "EDGE_SILENCE ENGINE ENV_FILE EXPIRES FAST FILE_RESERVE FORMAT GRACE HANDSHAKE_TIMEOUT HEAD_TIMEOUT "
    "HEALTH_LAG HEARTBEAT HISTORY HISTORY_AGE HOST INSECURE INSECURE_TLS JOBS JOIN_BURST JOIN_RATE JSON "
    "JWT_AUDIENCE JWT_ISSUER "
    "JWT_KEY JWT_LEEWAY KEEP KEEP_AGE KEEP_ALIVE KEEP_COUNT KEY KEYS KEYS_FORCE LANGUAGE LEARN LEASE LISTEN "
    "LIVE_RESERVE LLM_KEY LLM_KEY_FILE LLM_MAX_CHARS LLM_MODEL LLM_TIMEOUT LLM_TRIES LLM_URL LOG_FORMAT "
    "LOG_LEVEL MAX_ADDRESS MAX_ADDRESS_UPLOADS MAX_CHUNK MAX_CLIENTS MAX_CLIENT_ROOMS MAX_CLIENT_WATCHES "
    "MAX_CONNECTIONS "
    "MAX_DEPTH MAX_DOCUMENT MAX_DURATION MAX_FRAGMENTS MAX_HEAD MAX_HEAD_LINES MAX_HTTP MAX_MEMBERS "
    "MAX_MESSAGE MAX_QUEUE MAX_REQUEST_LINE MAX_ROOMS MAX_ROOM_MEMBERS MAX_SERVICES MAX_STRANGERS MAX_STREAMS MAX_TEXT "
    "MAX_TEXT_MESSAGE MAX_TICKETS MAX_TOKEN_CONNECTIONS MAX_TOKEN_TICKETS MAX_UPLOAD MAX_UPLOADS MAX_WAITING "
    "MAX_WATCHES MAX_WORKERS MEMBER_GRACE MESSAGE_RATE METRICS METRICS_TOKEN_FILE MODEL_DIR NAME "
    "OPERATOR_TOKEN_FILE OTLP_HEADER_FILE OTLP_URL PAGE PART PARTIALS PART_KEEP PATIENCE PENDING "
    "PING_INTERVAL PING_MISSES PORT PRIORITY Q QUARANTINE QUEUE RATE RATE_PATIENCE RAW RECENT REUSE_PORT "
    "ROOMS ROOM_BACKLOG SAVE SAY_BURST SAY_RATE SEGMENT_DEADLINE SEND_TIMEOUT SESSION SESSION_KEY "
    "SESSION_LIFETIME SETTLE SILENCE SPOOL SPOOL_FLOOR SPOOL_QUOTA STALL STATE STORE STREAM_IDLE STREAM_MEMORY "
    "SUBMIT_WAIT SUSPECT SUSPECT_TIME SYNC_MAX SYNC_TIMEOUT TCP THREADS TICK TICKET_LIFETIME TLS_CERT TLS_KEY TOKEN "
    "TOKEN_API_KEY TOKEN_FILE TOKEN_KEY TOKEN_NEW_KEY TOKEN_RIGHTS TOKEN_ROOMS TOKEN_SUB TRANSCRIBERS "
    "TRANSCRIPT UPLOAD_MEMORY UPLOAD_STALL UPLOAD_WAIT URL USER WAIT WAIT_EXPIRY WATCH WATCHDOG WEB WEBHOOK "
    "WEBHOOK_KEY_FILE WEBHOOK_PRIVATE ";

bool es_config_house_name(const char *name)
{
    char word[ES_ENV_NAME_MAX];
    if (strncmp(name, "EARSHOT_", 8) != 0 || strlen(name) >= sizeof word) return false;
    snprintf(word, sizeof word, " %s ", name + 8);
    return strstr(house_names, word) != NULL;
}

static int fail(const char *what, const char *value, const char *advice)
{
    fprintf(stderr, "earshot: %s: \"%.200s\" %s\n", what, value, advice);
    return -1;
}

static void replace(char **field, const char *text)
{
    char *fresh = es_alloc_copy(text, strlen(text));
    free(*field);
    *field = fresh;
}

static bool unset(const char *text)
{
    return !text || !*text;
}

/* The name becomes a file's name. */
static int settle_name(es_common_config_t *common, const char *default_name)
{
    if (unset(common->name)) replace(&common->name, default_name);
    for (const char *c = common->name; *c; c++)
        if (!isalnum((unsigned char)*c) && (c == common->name || !strchr("._-", *c)))
            return fail("--name", common->name, "may hold letters, digits, and after the first also . _ and -");
    return 0;
}

static int make_parts(const char *path)
{
    char part[600];
    size_t len = strlen(path);
    if (len >= sizeof part) {
        errno = ENAMETOOLONG;
        return -1;
    }
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != 0) continue;
        memcpy(part, path, i);
        part[i] = 0;
        if (mkdir(part, 0700) != 0 && errno != EEXIST) return -1;
    }
    return 0;
}

/* Like mkdir -p; directories made are the user's alone, or of the user in whose directory they are. */
static int make_path(const char *path)
{
    if (access(path, F_OK) == 0) return 0;
    es_file_owner_t us = es_file_owner_enter(path);
    int rc = make_parts(path);
    es_file_owner_leave(&us);
    return rc;
}

/* Under /tmp others may have made the directory before us, to listen or to steal the sockets. */
static bool safe(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() && (st.st_mode & 022) == 0;
}

static bool is_ours(const char *path)
{
    struct stat st;
    return !unset(path) && stat(path, &st) == 0 && st.st_uid == geteuid() && access(path, W_OK) == 0;
}

static int fail_data(const char *path)
{
    char why[500];
    bool others = es_file_owner_explain(why, sizeof why, path, errno);
    fprintf(stderr, "earshot: --data: \"%.200s\": %s%s\n", path, why,
            others ? "; chown it, ask as its owner (sudo -u), or choose another with --data" : "");
    return -1;
}

static int settle_data(es_common_config_t *common)
{
    char text[640];
    if (unset(common->data)) {
        const char *runtime = getenv("XDG_RUNTIME_DIR");
        if (!is_ours(runtime))
            snprintf(text, sizeof text, "/tmp/earshot-%lu", (unsigned long)geteuid());
        else
            snprintf(text, sizeof text, "%.512s/earshot", runtime);
        replace(&common->data, text);
        if (make_path(text) == 0 && !safe(text))
            return fail("--data", text, "belongs to somebody else or is open to others; choose another with --data");
    }
    if (make_path(common->data) != 0) return fail_data(common->data);
    char *real = realpath(common->data, NULL);
    if (!real) return fail_data(common->data);
    replace(&common->data, real);
    free(real);
    snprintf(text, sizeof text, "%.512s/run", common->data);
    if (make_path(text) != 0 || access(text, W_OK) != 0) return fail_data(text);
    return 0;
}

static void settle_keys(es_common_config_t *common)
{
    char text[640];
    if (!unset(common->keys)) return;
    snprintf(text, sizeof text, "%.512s/keys", common->data);
    replace(&common->keys, text);
}

static int settle_broker(es_common_config_t *common)
{
    char text[640], err[512];
    es_endpoints_t list[ES_BROKERS_MAX];
    if (unset(common->broker)) {
        snprintf(text, sizeof text, "ipc://%.512s/broker", common->data);
        replace(&common->broker, text);
    }
    if (es_endpoints_parse_list(list, common->broker, err, sizeof err) > 0) return 0;
    fprintf(stderr, "earshot: --broker: %s\n", err);
    return -1;
}

int es_common_config_settle(es_common_config_t *common, const char *default_name)
{
    if (es_privileges_settle(common) != 0) return -1;
    if (settle_name(common, default_name) != 0 || settle_data(common) != 0) return -1;
    if (es_metrics_setup_check(common) != 0) return -1;
    settle_keys(common);
    return settle_broker(common);
}
