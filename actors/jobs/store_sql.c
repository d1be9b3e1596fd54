#include "store_sql.h"

#define COLUMNS(analysis)                                                                                         \
    "id, session, key, file_name, content_type, language, webhook, spool, format, worker, note, error, " analysis \
    ", state, priority, bytes, duration, done, checkpoint, created_ms, updated_ms, run_at_ms, started_ms, "       \
    "finished_ms, attempts, attempt, deaths, warnings, delete_after, has_audio, version, token, lease_until_ms, " \
    "trace, "                                                                                                     \
    "principal"
#define WHOLE COLUMNS("analysis")
#define BRIEF COLUMNS("CAST(NULL AS TEXT)")

#define CHANGED "version = version + 1, updated_ms = "
/* The id alone finds the row. A planner without statistics may take the index of states for as good: + 0 hides it. */
#define HELD "WHERE id = $1 AND token = $2 AND state + 0 "

#define ENDED "RETURNING number, CAST(CASE WHEN webhook IS NULL THEN 0 ELSE 1 END AS BIGINT)"

/* The whole conditions of the partial indexes job_waiting, job_held and job_over (store_*_schema.c), or they are not used. */
#define WAITING "spool = $1 AND state = 0 "
#define RUNNING "state IN (1, 2) "
#define OVER "spool = $1 AND state >= 3 "
/* True of every job. The index job_state has it as its condition, so that it is offered to those who ask for it and to nobody else: without statistics a planner would take it for as good as
 * job_waiting. */
#define LISTED_BY_STATE "created_ms >= 0 "

#define LISTED(columns, where, rest) "SELECT " columns " FROM job" where rest
#define PAGE " ORDER BY number DESC LIMIT $5 OFFSET $6"
#define STATE LISTED_BY_STATE "AND state = $1"
#define SESSION "session = $2"
#define STATE_OF_SESSION "state + 0 = $1 AND " SESSION /* a session has fewer jobs than a state */
#define SESSION_OF_PRINCIPAL "principal = $3 AND " SESSION
#define PART "(find LIKE $4 ESCAPE '\\' OR find_error LIKE $4 ESCAPE '\\')"
#define BOTH(sql) sql, sql
#define LIST_AND_TOTAL(n, where)                                                       \
    [ES_JOB_SQL_LIST + (n)] = {"ittsuu", BOTH(LISTED("number, " BRIEF, where, PAGE))}, \
                       [ES_JOB_SQL_TOTAL + (n)] = {"itts", BOTH(LISTED("count(*)", where, ""))}

/* Rows that a transaction will change, locked. SQLite has one writer at a time and needs no such words. */
#define LOCKING(sql) sql, sql " FOR UPDATE"
/* The same, without those that another actor has locked: it is about to take them. */
#define SKIP " FOR UPDATE SKIP LOCKED"

/* The first that waits, and the first whose owner let the lease run out: whichever comes before the other. */
#define IN_ORDER "ORDER BY priority DESC, run_at_ms, number LIMIT 1"
#define FIRST_WAITING "SELECT number FROM job WHERE " WAITING "AND run_at_ms <= $2 " IN_ORDER
#define FIRST_LEFT "SELECT number FROM job WHERE " RUNNING "AND spool = $1 AND lease_until_ms <= $2 " IN_ORDER
#define NEXT(skip) \
    "SELECT number, state FROM job WHERE number IN ((" FIRST_WAITING skip "), (" FIRST_LEFT skip ")) " IN_ORDER

#define NOT_TO(param) "AND (" param " IS NULL OR substr(url || '/', 1, length(" param ")) <> " param ") "
#define DUE_DELIVERY                                                                         \
    "SELECT number FROM delivery WHERE due_ms <= $1 " NOT_TO("$3") NOT_TO("$4") NOT_TO("$5") \
        NOT_TO("$6") "ORDER BY due_ms, number LIMIT 1"
#define LEASE_DELIVERY(due) "UPDATE delivery SET due_ms = $2 WHERE number = (" due ") RETURNING number, id, url, tries"

static const struct {
    const char *types, *sqlite, *postgres;
} statements[ES_JOB_SQL_STATEMENTS] = {
    [ES_JOB_SQL_PROBE] = {"", BOTH("UPDATE house SET probes = probes + 1")},
    [ES_JOB_SQL_INSERT] =
        {"tttttttttiuuuuuustt",
         BOTH("INSERT INTO job (id, session, key, file_name, content_type, language, webhook, spool, format, priority, "
              "bytes, duration, created_ms, updated_ms, run_at_ms, attempts, delete_after, find, trace, principal) "
              "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13, $14, $15, $16, $17, $18, $19) "
              "ON CONFLICT DO NOTHING")},
    [ES_JOB_SQL_THERE] = {"tttt",
                          BOTH("SELECT id FROM job WHERE id = $1 OR (session = $2 AND key = $3 AND principal = $4) "
                               "ORDER BY CASE WHEN id = $1 THEN 0 ELSE 1 END LIMIT 1")},
    [ES_JOB_SQL_NEXT] = {"tu", NEXT(""), NEXT(SKIP)},
    [ES_JOB_SQL_NEXT_AT] = {"t", BOTH("SELECT min(at_ms) FROM (SELECT min(run_at_ms) AS at_ms FROM job WHERE " WAITING
                                      "AND state = 0 "
                                      "UNION ALL SELECT min(lease_until_ms) FROM job WHERE " RUNNING
                                      "AND spool = $1) AS due")},
    [ES_JOB_SQL_TAKE] = {"ituu", BOTH("UPDATE job SET deaths = deaths + CASE WHEN state = 0 THEN 0 ELSE 1 END, "
                                      "state = CASE WHEN state = 0 THEN 1 ELSE state END, "
                                      "attempt = CASE WHEN attempt = 0 THEN 1 ELSE attempt END, "
                                      "started_ms = CASE WHEN started_ms = 0 THEN $3 ELSE started_ms END, "
                                      "worker = $2, lease_until_ms = $4, token = token + 1, note = NULL, error = NULL, "
                                      "find_error = '', " CHANGED "$3 WHERE number = $1 RETURNING number, " WHOLE)},
    [ES_JOB_SQL_HELD_BY] = {"tt", LOCKING("SELECT number FROM job WHERE " RUNNING "AND spool = $1 AND worker = $2")},
    [ES_JOB_SQL_GIVE_BACK] = {"iu",
                              BOTH("UPDATE job SET state = 0, deaths = deaths + 1, token = token + 1, note = NULL, "
                                   "lease_until_ms = 0, " CHANGED "$2 WHERE number = $1")},
    [ES_JOB_SQL_RENEW] = {"tuu", BOTH("UPDATE job SET lease_until_ms = $3 " HELD "IN (1, 2)")},
    [ES_JOB_SQL_PROBED] = {"tuutu", BOTH("UPDATE job SET duration = $3, format = $4, " CHANGED "$5 " HELD "IN (1, 2)")},
    [ES_JOB_SQL_NOTE] = {"tutu", BOTH("UPDATE job SET note = $3, " CHANGED "$4 " HELD "IN (1, 2)")},
    [ES_JOB_SQL_FINAL] = {"tuubuu",
                          BOTH("UPDATE job SET done = $3, checkpoint = $4, warnings = warnings + $5, "
                               "deaths = 0, note = NULL, " CHANGED "$6 " HELD "= 1 AND done < $3 RETURNING number")},
    [ES_JOB_SQL_SEGMENT] = {"iuuuuuusb", BOTH("INSERT INTO segment (job, pos_from, pos_to, starts, ends, confidence, "
                                              "failed, text, words) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)")},
    [ES_JOB_SQL_TRANSCRIBED] = {"tuu", BOTH("UPDATE job SET state = 2, duration = done, note = NULL, " CHANGED
                                            "$3 " HELD "= 1")},
    [ES_JOB_SQL_COMPLETED] =
        {"tutu",
         BOTH("UPDATE job SET state = 3, analysis = $3, finished_ms = $4, lease_until_ms = 0, note = NULL, "
              "has_audio = CASE WHEN delete_after = 1 THEN 0 ELSE has_audio END, " CHANGED "$4 " HELD "= 2 " ENDED)},
    [ES_JOB_SQL_FAILED] = {"tutsu", BOTH("UPDATE job SET state = 4, error = $3, find_error = $4, finished_ms = $5, "
                                         "lease_until_ms = 0, note = NULL, " CHANGED "$5 " HELD "IN (1, 2) " ENDED)},
    [ES_JOB_SQL_AGAIN] = {"tuutsuu",
                          BOTH("UPDATE job SET state = 0, attempt = attempt + $3, error = $4, find_error = $5, "
                               "run_at_ms = $6, lease_until_ms = 0, note = NULL, " CHANGED "$7 " HELD
                               "IN (1, 2) RETURNING number")},
    [ES_JOB_SQL_STANDING] = {"t", BOTH("SELECT state, token, done FROM job WHERE id = $1")},
    [ES_JOB_SQL_CANCEL] = {"iu",
                           BOTH("UPDATE job SET state = 5, token = token + 1, finished_ms = $2, lease_until_ms = 0, "
                                "note = NULL, " CHANGED "$2 WHERE number = $1 RETURNING number, " WHOLE)},
    [ES_JOB_SQL_RETRY] = {"iu",
                          BOTH("UPDATE job SET state = 0, token = token + 1, attempt = 0, deaths = 0, error = NULL, "
                               "find_error = '', finished_ms = 0, run_at_ms = $2, " CHANGED
                               "$2 WHERE number = $1 RETURNING number, " WHOLE)},
    [ES_JOB_SQL_AUDIO_GONE] = {"tu",
                               BOTH("UPDATE job SET has_audio = 0, " CHANGED "$2 WHERE id = $1 AND has_audio = 1")},
    [ES_JOB_SQL_GET] = {"t", BOTH("SELECT number, " WHOLE " FROM job WHERE id = $1")},
    [ES_JOB_SQL_LOCK] = {"t", LOCKING("SELECT number, " WHOLE " FROM job WHERE id = $1")},
    [ES_JOB_SQL_EXISTS] = {"t", BOTH("SELECT number FROM job WHERE id = $1")},
    [ES_JOB_SQL_BEGUN] = {"iutu",
                          BOTH("INSERT INTO history (job, attempt, worker, started_ms) VALUES ($1, $2, $3, $4)")},
    [ES_JOB_SQL_ENDED] = {"ittu", BOTH("UPDATE history SET outcome = $2, error = $3, ended_ms = $4 "
                                       "WHERE job = $1 AND ended_ms = 0")},
    [ES_JOB_SQL_FORGET] = {"iu", BOTH("DELETE FROM history WHERE job = $1 AND number <= (SELECT number FROM history "
                                      "WHERE job = $1 ORDER BY number DESC LIMIT 1 OFFSET $2)")},
    [ES_JOB_SQL_HISTORY] = {"i", BOTH("SELECT attempt, worker, error, outcome, started_ms, ended_ms FROM history "
                                      "WHERE job = $1 ORDER BY number")},
    [ES_JOB_SQL_SEGMENTS] = {"iuu", BOTH("SELECT pos_from, pos_to, starts, ends, confidence, failed, text, words "
                                         "FROM segment WHERE job = $1 AND pos_to > $2 ORDER BY pos_to LIMIT $3")},
    [ES_JOB_SQL_COUNTS] = {"", BOTH("SELECT state, count(*) FROM job WHERE " LISTED_BY_STATE "GROUP BY state")},
    [ES_JOB_SQL_OLDEST] = {"", BOTH("SELECT created_ms FROM job WHERE " LISTED_BY_STATE
                                    "AND state = 0 ORDER BY number LIMIT 1")},
    [ES_JOB_SQL_OVER] = {"t", BOTH("SELECT count(*) FROM job WHERE " OVER)},
    [ES_JOB_SQL_EXPIRED] = {"tu", BOTH("SELECT id, finished_ms FROM job WHERE " OVER
                                       "ORDER BY finished_ms, number LIMIT $2")},
    LIST_AND_TOTAL(0, ""),
    LIST_AND_TOTAL(1, " WHERE " STATE),
    LIST_AND_TOTAL(2, " WHERE " SESSION),
    LIST_AND_TOTAL(3, " WHERE " STATE_OF_SESSION),
    LIST_AND_TOTAL(4, " WHERE " SESSION_OF_PRINCIPAL),
    LIST_AND_TOTAL(5, " WHERE " STATE_OF_SESSION " AND principal = $3"),
    LIST_AND_TOTAL(6, " WHERE " PART),
    LIST_AND_TOTAL(7, " WHERE " STATE " AND " PART),
    LIST_AND_TOTAL(8, " WHERE " SESSION " AND " PART),
    LIST_AND_TOTAL(9, " WHERE " STATE_OF_SESSION " AND " PART),
    LIST_AND_TOTAL(10, " WHERE " SESSION_OF_PRINCIPAL " AND " PART),
    LIST_AND_TOTAL(11, " WHERE " STATE_OF_SESSION " AND principal = $3 AND " PART),
    [ES_JOB_SQL_REMOVE_SEGMENTS] = {"i", BOTH("DELETE FROM segment WHERE job = $1")},
    [ES_JOB_SQL_REMOVE_HISTORY] = {"i", BOTH("DELETE FROM history WHERE job = $1")},
    [ES_JOB_SQL_REMOVE_DELIVERIES] = {"i", BOTH("DELETE FROM delivery WHERE job = $1")},
    [ES_JOB_SQL_REMOVE] = {"i", BOTH("DELETE FROM job WHERE number = $1")},
    [ES_JOB_SQL_DUE] = {"iu",
                        BOTH("INSERT INTO delivery (job, id, url, due_ms) SELECT number, id, webhook, $2 FROM job "
                             "WHERE number = $1 AND webhook IS NOT NULL")},
    [ES_JOB_SQL_DELIVER] = {"uutttt", LEASE_DELIVERY(DUE_DELIVERY), LEASE_DELIVERY(DUE_DELIVERY SKIP)},
    [ES_JOB_SQL_DUE_AT] = {"", BOTH("SELECT min(due_ms) FROM delivery")},
    [ES_JOB_SQL_DELIVERED] = {"u", BOTH("DELETE FROM delivery WHERE number = $1")},
    [ES_JOB_SQL_REDELIVER] = {"uu", BOTH("UPDATE delivery SET due_ms = $2, tries = tries + 1 WHERE number = $1")},
};

es_job_statement_t es_job_sql(es_job_sql_t which, es_job_dialect_t dialect)
{
    return (es_job_statement_t){.types = statements[which].types,
                                .text =
                                    dialect == ES_JOB_SQLITE ? statements[which].sqlite : statements[which].postgres};
}
