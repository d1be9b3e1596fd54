/* Log lines to stderr, logfmt or JSON, rate-limited per call site. Thread-safe; a line is one write(2).
 *
 *     es_log_info("worker lost", ES_S("worker", name), ES_U("streams", n));
 *
 * gives `time=... level=info actor=broker msg="worker lost" worker=transcriber-1 streams=3`.
 */
#ifndef ES_LOG_H
#define ES_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum { ES_LOG_DEBUG, ES_LOG_INFO, ES_LOG_WARN, ES_LOG_ERROR } es_log_level_t;

typedef struct {
    const char *key; /* NULL ends the list */
    enum { ES_FIELD_STR, ES_FIELD_BYTES, ES_FIELD_UINT, ES_FIELD_INT, ES_FIELD_REAL } type;
    const char *s;
    size_t len;
    uint64_t u;
    int64_t i;
    double f;
} es_field_t;

#define ES_S(k, v) ((es_field_t){.key = (k), .type = ES_FIELD_STR, .s = (v)}) /* NUL-terminated or NULL */
#define ES_B(k, p, n) ((es_field_t){.key = (k), .type = ES_FIELD_BYTES, .s = (p), .len = (n)}) /* bytes, escaped */
#define ES_U(k, v) ((es_field_t){.key = (k), .type = ES_FIELD_UINT, .u = (v)})
#define ES_I(k, v) ((es_field_t){.key = (k), .type = ES_FIELD_INT, .i = (v)})
#define ES_R(k, v) ((es_field_t){.key = (k), .type = ES_FIELD_REAL, .f = (v)})

typedef struct {
    atomic_uint_fast64_t window; /* second of the current window */
    atomic_uint count, dropped;
} es_log_site_t;

/* Process-wide settings; call once in main before threads. actor may be overridden for a thread with es_log_actor. */
void es_log_init(const char *actor, es_log_level_t level, bool json);
/* The name this thread's lines carry (copied, 63 bytes). */
void es_log_actor(const char *actor);
bool es_log_enabled(es_log_level_t level);
/* At most ES_LOG_BURST lines a second a site; the next line after a drop carries dropped=N. */
#define ES_LOG_BURST 20u
void es_log_write(es_log_site_t *site, es_log_level_t level, const char *msg, const es_field_t *fields);

#define ES_LOG(level, msg, ...)                                                                                     \
    do {                                                                                                            \
        static es_log_site_t es_site_;                                                                              \
        if (es_log_enabled(level))                                                                                  \
            es_log_write(&es_site_, (level), (msg), (const es_field_t[]){__VA_ARGS__ __VA_OPT__(, ){.key = NULL}}); \
    } while (0)
#define es_log_debug(...) ES_LOG(ES_LOG_DEBUG, __VA_ARGS__)
#define es_log_info(...) ES_LOG(ES_LOG_INFO, __VA_ARGS__)
#define es_log_warn(...) ES_LOG(ES_LOG_WARN, __VA_ARGS__)
#define es_log_error(...) ES_LOG(ES_LOG_ERROR, __VA_ARGS__)

#endif
