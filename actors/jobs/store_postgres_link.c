/* The connection: made, waited for, given up. Nothing here waits longer than a few seconds. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "store_postgres.h"
#include "wire.h"

#define PAUSE_US UINT64_C(250000)
#define PAUSE_MAX_US UINT64_C(2000000)
#define CONNECT_S "3"

/* What a session must be whatever the server's defaults are. A commit that is not on the disk is no commit. */
static const char settings[] =
    "SET search_path TO " ES_JOB_PG_SCHEMA ";"
    "SET statement_timeout TO 5000;"
    "SET lock_timeout TO 3000;"
    "SET idle_in_transaction_session_timeout TO 10000;"
    "SET default_transaction_isolation TO 'read committed';"
    "SET default_transaction_read_only TO off;"
    "SET standard_conforming_strings TO on;"
    "SET jit TO off;"
    "SET client_min_messages TO error;"
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';"
    "LISTEN " ES_JOB_PG_CHANNEL;

/* ---- words */

static const char *advice_of(const char *state, const char *message)
{
    static const struct {
        const char *state, *said, *advice;
    } advices[] = {
        {"28", "authentication", "the user or the password is wrong: mend the store's address"},
        {"3D000", "does not exist", "make it on the server, or mend the store's address"},
        {"42501", NULL, "give the user the right: let it own the database, or the schema " ES_JOB_PG_SCHEMA},
        {"42P01", NULL, "give the user the right: let it own the schema " ES_JOB_PG_SCHEMA},
        {"53100", NULL, "the server's disk is full: make room; until then no upload is taken"},
        {"53300", "too many clients", "the server has no connection left: raise its max_connections"},
        {"57P03", "starting up", "it will be there soon"},
        {"55P03", NULL, "another session holds the tables locked: end it"},
        {"57014", NULL, "the server is too slow: what else runs there, and is its disk well?"},
        {"25006", NULL, "this server takes no changes: name the primary (target_session_attrs=read-write)"},
    };
    for (size_t i = 0; i < sizeof advices / sizeof *advices; i++)
        if ((state && strncmp(state, advices[i].state, strlen(advices[i].state)) == 0) ||
            (!state && advices[i].said && strstr(message, advices[i].said)))
            return advices[i].advice;
    return "is the server running, and does the store's address lead to it? It is tried again by itself";
}

static void say(es_job_link_t *self, const char *why, const char *advice)
{
    const char *host = self->conn && PQhost(self->conn) ? PQhost(self->conn) : "",
               *db = self->conn && PQdb(self->conn) ? PQdb(self->conn) : "";
    int len = snprintf(self->trouble, sizeof self->trouble, "PostgreSQL%s%s%s%s: %.600s", host[0] ? " at " : "", host,
                       db[0] ? ", database " : "", db, why);
    /* libpq speaks in lines. */
    for (char *at = self->trouble; *at; at++)
        if (*at == '\n' || *at == '\t') *at = ' ';
    if (len >= (int)sizeof self->trouble) len = (int)sizeof self->trouble - 1;
    while (len > 0 && self->trouble[len - 1] == ' ') self->trouble[--len] = '\0';
    snprintf(self->trouble + len, sizeof self->trouble - (size_t)len, "; %s", advice);
}

/* ---- life */

void es_job_link_drop(es_job_link_t *self, const char *why, const char *advice)
{
    say(self, why, advice);
    PQfinish(self->conn);
    self->conn = NULL;
}

void es_job_link_fini(es_job_link_t *self)
{
    PQfinish(self->conn);
    free(self->url);
    *self = (es_job_link_t){0};
}

/* Names before the address are defaults, those behind it hold. */
static PGconn *connect_to(const char *url)
{
    const char *const names[] = {"connect_timeout",  "keepalives_idle",  "keepalives_interval",
                                 "keepalives_count", "tcp_user_timeout", "application_name",
                                 "dbname",           "client_encoding",  NULL};
    const char *const values[] = {CONNECT_S, "5", "2", "3", "6000", "earshot-jobs", url, "UTF8", NULL};
    return PQconnectdbParams(names, values, 1);
}

static es_job_link_result_t fail(es_job_link_t *self, es_job_link_result_t result)
{
    self->pause_us = self->pause_us == 0 ? PAUSE_US : 2 * self->pause_us;
    if (self->pause_us > PAUSE_MAX_US) self->pause_us = PAUSE_MAX_US;
    self->retry_us = es_now_us() + self->pause_us;
    return result;
}

/* The tables may have been changed while there was no connection. */
static es_job_link_result_t settle(es_job_link_t *self)
{
    char err[512] = "";
    const char *encoding = PQparameterStatus(self->conn, "server_encoding");
    if (!encoding || strcmp(encoding, "UTF8") != 0) {
        es_job_link_drop(self, "the database's encoding is not UTF8",
                         "make another: CREATE DATABASE earshot ENCODING 'UTF8' TEMPLATE template0");
        return ES_JOB_LINK_REFUSED;
    }
    if (!es_job_link_check(self, es_job_link_exec(self, settings, ES_JOB_PG_ANSWER_MS))) return ES_JOB_LINK_DOWN;
    int rc = es_job_pg_schema(self, &es_job_schema_postgres, err, sizeof err);
    if (rc < 0) es_job_link_drop(self, err, "nothing was changed there");
    return rc == 0 ? ES_JOB_LINK_OK : rc < 0 ? ES_JOB_LINK_REFUSED : ES_JOB_LINK_DOWN;
}

es_job_link_result_t es_job_link_up(es_job_link_t *self)
{
    if (self->conn) return ES_JOB_LINK_OK;
    if (es_now_us() < self->retry_us) return ES_JOB_LINK_DOWN;
    self->conn = connect_to(self->url);
    if (PQstatus(self->conn) != CONNECTION_OK || PQsetnonblocking(self->conn, 1) != 0) {
        const char *message = PQerrorMessage(self->conn);
        es_job_link_drop(self, message, advice_of(NULL, message));
        return fail(self, ES_JOB_LINK_DOWN);
    }
    es_job_link_result_t result = settle(self);
    if (result != ES_JOB_LINK_OK) {
        if (self->conn) es_job_link_drop(self, "the tables could not be made", advice_of(NULL, ""));
        return fail(self, result);
    }
    self->connections++;
    self->pause_us = 0;
    self->trouble[0] = '\0';
    return ES_JOB_LINK_OK;
}

/* ---- questions and answers */

static PGresult *lose(es_job_link_t *self, const char *why)
{
    es_job_link_drop(self, why, advice_of(NULL, why));
    return NULL;
}

/* Sends what is left, and reads until there is a result. 0; -1: the connection is broken or slow, with the reason in *why. */
static int await(PGconn *conn, uint64_t deadline_us, const char **why)
{
    for (;;) {
        int unsent = PQflush(conn);
        if (unsent < 0) break;
        if (unsent == 0 && !PQisBusy(conn)) return 0;
        uint64_t now = es_now_us();
        *why = "the server does not answer";
        if (now >= deadline_us) return -1;
        struct pollfd fd = {.fd = PQsocket(conn), .events = (short)(POLLIN | (unsent ? POLLOUT : 0))};
        int ready = poll(&fd, 1, (int)((deadline_us - now + 999) / 1000));
        if (ready < 0 && errno != EINTR) break;
        if (ready > 0 && fd.revents & (POLLIN | POLLERR | POLLHUP) && !PQconsumeInput(conn)) break;
    }
    *why = PQerrorMessage(conn);
    return -1;
}

PGresult *es_job_link_answer(es_job_link_t *self, uint64_t within_ms)
{
    uint64_t deadline_us = es_now_us() + within_ms * 1000;
    PGresult *kept = NULL, *next;
    const char *why = "";
    for (;;) {
        if (await(self->conn, deadline_us, &why) != 0) {
            PQclear(kept);
            return lose(self, why);
        }
        next = PQgetResult(self->conn);
        if (!next) break;
        if (kept && PQresultStatus(kept) == PGRES_FATAL_ERROR) {
            PQclear(next);
            continue;
        }
        PQclear(kept);
        kept = next;
    }
    /* An error that ends the session comes as a result. */
    if (kept && PQstatus(self->conn) == CONNECTION_OK) return kept;
    PQclear(kept);
    return lose(self, PQerrorMessage(self->conn));
}

PGresult *es_job_link_exec(es_job_link_t *self, const char *sql, uint64_t within_ms)
{
    if (!self->conn) return NULL;
    return PQsendQuery(self->conn, sql) ? es_job_link_answer(self, within_ms) : lose(self, PQerrorMessage(self->conn));
}

/* Another actor's turn was in the way (40), or the values are at fault: the server is well. */
static bool statements_fault(const char *state)
{
    static const char *const classes[] = {"40", "22", "23"};
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (strncmp(state, classes[i], strlen(classes[i])) == 0) return true;
    return false;
}

bool es_job_link_check(es_job_link_t *self, PGresult *result)
{
    if (!result) return false;
    ExecStatusType status = PQresultStatus(result);
    bool fine = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (!fine && !(state && statements_fault(state))) {
        const char *message = PQresultErrorMessage(result);
        es_job_link_drop(self, message, advice_of(state, message));
    }
    PQclear(result);
    return fine;
}
