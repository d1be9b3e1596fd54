/* actors/jobs/job_store.h over both databases: what is stored, and which call a job's state allows. */
#include "job_store_world.h"

/* ---- rows */

static es_job_t full_job(void)
{
    return (es_job_t){.id = "12345678-1234-4234-8234-123456789abc",
                      .session = "s.1_-Z",
                      .key = "my key",
                      .principal = "jwt:änne",
                      .file_name = "Vortrag \"über\" '; DROP TABLE job; -- \xf0\x9f\x8e\xa4.mp3",
                      .content_type = "audio/mpeg",
                      .language = "de",
                      .webhook = "https://example.org/hook?a=1&b=2",
                      .spool = SPOOL,
                      .trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                      .priority = -10,
                      .bytes = UINT64_C(5) << 40,
                      .created_ms = NOW,
                      .attempts = 10,
                      .delete_after = true,
                      .has_audio = true};
}

static void check_full(const es_job_t *job, const es_job_t *as)
{
    assert_string_equal(job->id, as->id);
    assert_string_equal(job->session, as->session);
    assert_string_equal(job->key, as->key);
    assert_string_equal(job->principal, as->principal);
    assert_string_equal(job->file_name, as->file_name);
    assert_string_equal(job->content_type, as->content_type);
    assert_string_equal(job->language, as->language);
    assert_string_equal(job->webhook, as->webhook);
    assert_string_equal(job->spool, as->spool);
    assert_string_equal(job->trace, as->trace);
    assert_int_equal(job->priority, as->priority);
    assert_true(job->bytes == as->bytes);
    assert_int_equal(job->attempts, as->attempts);
    assert_true(job->delete_after && job->has_audio);
    assert_true(job->created_ms == NOW && job->updated_ms == NOW && job->run_at_ms == NOW);
}

static void all_of_a_job_is_kept(void **state)
{
    world_t *w = *state;
    es_job_t job, full = full_job();
    inserted_as(w->a, &full);
    es_job_store_close(&w->a);
    w->a = opened(w);
    GOES(w->a, es_job_store_get(w->a, full.id, &job));
    check_full(&job, &full);
    assert_int_equal(job.state, ES_JOB_QUEUED);
    assert_true(!job.format && !job.worker && !job.note && !job.error && !job.analysis);
    assert_true(job.started_ms == 0 && job.finished_ms == 0 && job.lease_until_ms == 0 && job.token == 0);
    assert_true(job.attempt == 0 && job.deaths == 0 && job.warnings == 0 && job.done == 0 && job.duration == 0);
    assert_true(job.checkpoint_len == 0 && job.version > 0);
    es_job_fini(&job);
    assert_int_equal(TURN(w->a, es_job_store_get(w->a, id_of(9), &job)), ES_JOBS_NONE);
    assert_null(job.session);
}

static void little_is_enough_for_a_job(void **state)
{
    world_t *w = *state;
    es_job_t little = {.id = "00000000-0000-4000-8000-000000000001"};
    inserted_as(w->a, &little);
    es_job_t job = got(w->a, 1);
    assert_int_equal(job.attempts, ES_JOB_ATTEMPTS_DEFAULT);
    assert_true(!job.key && !job.file_name && !job.webhook && !job.trace && job.has_audio);
    assert_string_equal(job.principal, "");
    es_job_fini(&job);
}

static void a_job_is_there_once(void **state)
{
    world_t *w = *state;
    char there[ES_JOB_ID_LEN + 1] = "";
    es_job_t one = job_of(1), two = job_of(2), three = job_of(3);
    one.key = two.key = three.key = "upload-7";
    three.session = "session-2";
    inserted_as(w->a, &one);
    assert_int_equal(TURN(w->b, es_job_store_insert(w->b, &one, there)), ES_JOBS_EXISTS);
    assert_string_equal(there, id_of(1));
    assert_int_equal(TURN(w->b, es_job_store_insert(w->b, &two, there)), ES_JOBS_EXISTS);
    assert_string_equal(there, id_of(1));
    assert_int_equal(TURN(w->b, es_job_store_insert(w->b, &two, NULL)), ES_JOBS_EXISTS);
    inserted_as(w->b, &three);
    inserted(w->b, 4);
    inserted(w->b, 5);
    assert_int_equal(counted(w, "SELECT count(*) FROM job"), 4);
    GOES(w->a, es_job_store_remove(w->a, id_of(1), NULL));
    inserted_as(w->b, &two);
}

static void a_key_is_its_principals(void **state)
{
    world_t *w = *state;
    char there[ES_JOB_ID_LEN + 1] = "";
    es_job_t alice = job_of(1), bob = job_of(2), again = job_of(3), nobody = job_of(4);
    alice.key = bob.key = again.key = nobody.key = "upload-7";
    alice.principal = again.principal = "key:alice";
    bob.principal = "key:bob";
    inserted_as(w->a, &alice);
    inserted_as(w->b, &bob);
    inserted_as(w->a, &nobody);
    assert_int_equal(TURN(w->b, es_job_store_insert(w->b, &again, there)), ES_JOBS_EXISTS);
    assert_string_equal(there, id_of(1));
}

static void texts_that_are_none_do_no_harm(void **state)
{
    world_t *w = *state;
    es_job_t job = job_of(1);
    es_job_segment_t segment = segment_of(0, 16000, "");
    job.file_name = "bad \xff\xc0\xaf name";
    inserted_as(w->a, &job);
    es_job_hold_t hold = claimed_at(w->a, NOW + 5);
    segment.text = es_span_of("a\0b\xed\xa0\x80", 6);
    GOES(w->a, es_job_store_final(w->a, &hold, &segment, es_span(NULL), NOW));
    GOES(w->a, es_job_store_note(w->a, &hold, "waits \xe2\x82", NOW));
    es_job_t back = got(w->b, 1);
    assert_string_equal(back.file_name, "bad \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd name");
    assert_true(es_utf8_valid(back.note, strlen(back.note)) && strncmp(back.note, "waits ", 6) == 0);
    es_job_fini(&back);
    assert_int_equal(TURN(w->a, es_job_store_get(w->a, "'; --\xff", &back)), ES_JOBS_NONE);
}

/* ---- turns */

static void a_turn_is_all_or_nothing(void **state)
{
    world_t *w = *state;
    es_job_t job, one = job_of(1), two = job_of(2);
    assert_int_equal(es_job_store_begin(w->a), ES_JOBS_OK);
    assert_int_equal(es_job_store_insert(w->a, &one, NULL), ES_JOBS_OK);
    assert_int_equal(es_job_store_get(w->a, one.id, &job), ES_JOBS_OK);
    es_job_fini(&job);
    assert_int_equal(TURN(w->b, es_job_store_get(w->b, one.id, &job)), ES_JOBS_NONE);
    es_job_store_rollback(w->a);
    assert_int_equal(TURN(w->a, es_job_store_get(w->a, one.id, &job)), ES_JOBS_NONE);
    assert_int_equal(es_job_store_begin(w->a), ES_JOBS_OK);
    assert_int_equal(es_job_store_insert(w->a, &one, NULL), ES_JOBS_OK);
    assert_int_equal(es_job_store_insert(w->a, &two, NULL), ES_JOBS_OK);
    assert_int_equal(es_job_store_commit(w->a), ES_JOBS_OK);
    assert_int_equal(counted(w, "SELECT count(*) FROM job"), 2);
    es_job_store_rollback(w->a);
    assert_int_equal(es_job_store_commit(w->a), ES_JOBS_OK);
    assert_int_equal(counted(w, "SELECT count(*) FROM job"), 2);
    assert_null(es_job_store_trouble(w->a));
    assert_int_equal(es_job_store_probe(w->a), ES_JOBS_OK);
}

/* ---- the whole way */

typedef struct {
    char text[1024];
} lines_t;

static void add_attempt(void *arg, const es_job_attempt_t *attempt)
{
    lines_t *lines = arg;
    size_t len = strlen(lines->text);
    snprintf(lines->text + len, sizeof lines->text - len, "%u %s %s %s %d;", attempt->attempt, attempt->worker,
             attempt->outcome ? attempt->outcome : "-", attempt->error ? attempt->error : "-",
             attempt->ended_ms >= attempt->started_ms);
}

static void check_history(es_job_store_t *store, unsigned n, const char *as)
{
    lines_t lines = {""};
    GOES(store, es_job_store_history(store, id_of(n), add_attempt, &lines));
    assert_string_equal(lines.text, as);
}

static bool add_segment(void *arg, const es_job_segment_t *s)
{
    lines_t *lines = arg;
    size_t len = strlen(lines->text);
    snprintf(lines->text + len, sizeof lines->text - len, "%d-%d %d-%d %u%s %.*s %zu;", (int)s->from, (int)s->to,
             (int)s->start, (int)s->end, s->confidence, s->failed ? "!" : "", (int)s->text.len, s->text.ptr,
             s->words.len);
    return !strstr(lines->text, "stop");
}

static void check_segments(es_job_store_t *store, unsigned n, uint64_t after, const char *as)
{
    lines_t lines = {""};
    GOES(store, es_job_store_segments(store, id_of(n), after, add_segment, &lines));
    assert_string_equal(lines.text, as);
}

static void transcribe(world_t *w, const es_job_hold_t *hold)
{
    es_job_segment_t broken = segment_of(32000, 48000, "no decoder took it");
    broken.failed = true;
    GOES(w->a, es_job_store_probed(w->a, hold, 64000, "WAV, 16000 Hz, 1 channel", NOW + 20));
    GOES(w->a, es_job_store_note(w->a, hold, "waits for a transcriber", NOW + 30));
    GOES(w->a, final_of(w->a, hold, 0, 16000, "one"));
    GOES(w->a, final_of(w->a, hold, 16000, 32000, ""));
    GOES(w->a, es_job_store_final(w->a, hold, &broken, es_span("c"), NOW + 50));
    GOES(w->a, final_of(w->a, hold, 48000, 63000, "four"));
    GOES(w->a, final_of(w->a, hold, 48000, 63000, "four again"));
    GOES(w->a, final_of(w->a, hold, 0, 16000, "one again"));
}

static void check_transcribed(world_t *w)
{
    es_job_t job = got(w->b, 1);
    assert_int_equal(job.done, 63000);
    assert_int_equal(job.duration, 64000);
    assert_int_equal(job.warnings, 1);
    assert_int_equal(job.checkpoint_len, 11);
    assert_memory_equal(job.checkpoint, "check\0point", 11);
    assert_string_equal(job.format, "WAV, 16000 Hz, 1 channel");
    assert_string_equal(job.worker, "jobs-1");
    assert_null(job.note);
    assert_true(job.started_ms == NOW + 10 && job.updated_ms == NOW + 50 && job.lease_until_ms == NOW + 10 + LEASE);
    es_job_fini(&job);
    check_segments(w->b, 1, 0,
                   "0-16000 100-15900 871 one 5;32000-48000 32100-47900 871! no decoder took it 5;"
                   "48000-63000 48100-62900 871 four 5;");
    check_segments(w->b, 1, 16000,
                   "32000-48000 32100-47900 871! no decoder took it 5;48000-63000 48100-62900 871 four 5;");
    check_segments(w->b, 1, 63000, "");
    check_history(w->b, 1, "1 jobs-1 - - 0;");
}

static void a_job_goes_its_way(void **state)
{
    world_t *w = *state;
    es_job_t job = job_of(1);
    uint64_t version = 0;
    job.delete_after = true;
    inserted_as(w->a, &job);
    es_job_hold_t hold = claimed_at(w->a, NOW + 10);
    transcribe(w, &hold);
    check_transcribed(w);
    version = FIELD_OF(w->a, 1, version);
    GOES(w->a, es_job_store_renew(w->a, &hold, NOW + 99999));
    assert_int_equal(FIELD_OF(w->a, 1, version), version);
    assert_int_equal(FIELD_OF(w->a, 1, lease_until_ms), NOW + 99999);
    GOES(w->a, es_job_store_transcribed(w->a, &hold, NOW + 60));
    assert_true(FIELD_OF(w->a, 1, version) > version);
    assert_int_equal(FIELD_OF(w->a, 1, duration), 63000);
    GOES(w->a, es_job_store_completed(w->a, &hold, "{\"words\":2}", NOW + 70));
    job = got(w->b, 1);
    assert_int_equal(job.state, ES_JOB_COMPLETED);
    assert_string_equal(job.analysis, "{\"words\":2}");
    assert_true(job.finished_ms == NOW + 70 && job.lease_until_ms == 0 && !job.has_audio && !job.error);
    es_job_fini(&job);
    check_history(w->b, 1, "1 jobs-1 completed - 1;");
}

static void an_attempt_may_fail_or_be_given_back(void **state)
{
    world_t *w = *state;
    es_job_t job;
    inserted(w->a, 1);
    es_job_hold_t hold = claimed_at(w->a, NOW + 10);
    GOES(w->a, es_job_store_again(w->a, &hold, "the decoder stalled", NOW + 5000, NOW + 20));
    job = got(w->a, 1);
    assert_true(job.state == ES_JOB_QUEUED && job.attempt == 2 && job.run_at_ms == NOW + 5000);
    assert_string_equal(job.error, "the decoder stalled");
    es_job_fini(&job);
    hold = claimed_at(w->a, NOW + 5000);
    job = got(w->a, 1);
    assert_true(job.attempt == 2 && !job.error && job.started_ms == NOW + 10);
    es_job_fini(&job);
    GOES(w->a, es_job_store_again(w->a, &hold, NULL, NOW + 6000, NOW + 5500));
    assert_int_equal(FIELD_OF(w->a, 1, attempt), 2);
    hold = claimed_at(w->a, NOW + 6000);
    GOES(w->a, es_job_store_failed(w->a, &hold, "it is no audio", NOW + 6100));
    job = got(w->a, 1);
    assert_true(job.state == ES_JOB_FAILED && job.finished_ms == NOW + 6100 && job.has_audio);
    assert_string_equal(job.error, "it is no audio");
    es_job_fini(&job);
    check_history(w->a, 1,
                  "1 jobs-1 failed the decoder stalled 1;2 jobs-1 released - 1;2 jobs-1 failed it is no audio 1;");
}

static void a_job_is_tried_anew_where_it_stood(void **state)
{
    world_t *w = *state;
    es_job_t job;
    brought_to(w->a, 1, ES_JOB_FAILED);
    assert_int_equal(TURN(w->a, es_job_store_retry(w->a, id_of(1), 1, NOW + 90, &job)), ES_JOBS_OK);
    assert_true(job.state == ES_JOB_QUEUED && job.attempt == 0 && job.deaths == 0 && job.finished_ms == 0);
    assert_true(job.run_at_ms == NOW + 90 && job.done == 16000 && job.checkpoint_len == 11 && !job.error);
    uint64_t version = job.version;
    es_job_fini(&job);
    /* said twice is once */
    GOES(w->a, es_job_store_retry(w->a, id_of(1), 1, NOW + 95, NULL));
    assert_int_equal(FIELD_OF(w->a, 1, version), version);
    es_job_hold_t hold = claimed_at(w->a, NOW + 100);
    assert_int_equal(FIELD_OF(w->a, 1, attempt), 1);
    GOES(w->a, final_of(w->a, &hold, 16000, 32000, "two"));
    check_segments(w->a, 1, 0, "0-16000 100-15900 871 one 5;16000-32000 16100-31900 871 two 5;");
    assert_int_equal(TURN(w->a, es_job_store_retry(w->a, id_of(9), 0, NOW, &job)), ES_JOBS_NONE);
}

static void without_its_audio_a_job_is_not_tried_anew(void **state)
{
    world_t *w = *state;
    es_job_t job;
    brought_to(w->a, 1, ES_JOB_FAILED);
    GOES(w->a, es_job_store_audio_gone(w->a, id_of(1), NOW + 80));
    uint64_t version = FIELD_OF(w->a, 1, version);
    GOES(w->a, es_job_store_audio_gone(w->a, id_of(1), NOW + 80));
    assert_int_equal(FIELD_OF(w->a, 1, version), version);
    assert_int_equal(TURN(w->a, es_job_store_audio_gone(w->a, id_of(2), NOW)), ES_JOBS_NONE);
    assert_int_equal(TURN(w->a, es_job_store_retry(w->a, id_of(1), 0, NOW, &job)), ES_JOBS_CONFLICT);
    assert_int_equal(job.state, ES_JOB_FAILED);
    es_job_fini(&job);
}

static void segments_come_until_enough(void **state)
{
    world_t *w = *state;
    lines_t lines = {""};
    inserted(w->a, 1);
    es_job_hold_t hold = claimed_at(w->a, NOW + 10);
    assert_int_equal(es_job_store_begin(w->a), ES_JOBS_OK);
    for (uint64_t i = 0; i < 600; i++)
        assert_int_equal(final_of(w->a, &hold, i * 1000, (i + 1) * 1000, i == 2 ? "stop" : "x"), ES_JOBS_OK);
    assert_int_equal(es_job_store_commit(w->a), ES_JOBS_OK);
    GOES(w->b, es_job_store_segments(w->b, id_of(1), 1000, add_segment, &lines));
    assert_string_equal(lines.text, "1000-2000 1100-1900 871 x 5;2000-3000 2100-2900 871 stop 5;");
    assert_int_equal(counted(w, "SELECT count(*) FROM segment"), 600);
    assert_int_equal(TURN(w->b, es_job_store_segments(w->b, id_of(2), 0, add_segment, &lines)), ES_JOBS_NONE);
    assert_int_equal(TURN(w->b, es_job_store_history(w->b, id_of(2), add_attempt, &lines)), ES_JOBS_NONE);
}

static bool count_segment(void *arg, const es_job_segment_t *segment)
{
    uint64_t *next = arg;
    assert_int_equal(segment->from, *next);
    *next = segment->to;
    return true;
}

static void long_transcripts_come_whole(void **state)
{
    world_t *w = *state;
    uint64_t next = 0;
    inserted(w->a, 1);
    es_job_hold_t hold = claimed_at(w->a, NOW + 10);
    assert_int_equal(es_job_store_begin(w->a), ES_JOBS_OK);
    for (uint64_t i = 0; i < 768; i++) assert_int_equal(final_of(w->a, &hold, i * 10, i * 10 + 10, "x"), ES_JOBS_OK);
    assert_int_equal(es_job_store_commit(w->a), ES_JOBS_OK);
    GOES(w->b, es_job_store_segments(w->b, id_of(1), 0, count_segment, &next));
    assert_int_equal(next, 7680);
}

static void a_job_that_is_removed_leaves_nothing(void **state)
{
    static const char *const tables[] = {"SELECT count(*) FROM job", "SELECT count(*) FROM segment",
                                         "SELECT count(*) FROM history", "SELECT count(*) FROM delivery"};
    world_t *w = *state;
    es_job_t job = job_of(1);
    job.webhook = "http://localhost/";
    inserted_as(w->a, &job);
    es_job_hold_t hold = claimed_at(w->a, NOW + 10);
    GOES(w->a, final_of(w->a, &hold, 0, 16000, "one"));
    GOES(w->a, es_job_store_failed(w->a, &hold, "x", NOW));
    for (size_t i = 0; i < 4; i++) assert_int_equal(counted(w, tables[i]), 1);
    assert_int_equal(TURN(w->a, es_job_store_remove(w->a, id_of(1), &job)), ES_JOBS_OK);
    assert_string_equal(job.file_name, "Talk.wav");
    es_job_fini(&job);
    for (size_t i = 0; i < 4; i++) assert_int_equal(counted(w, tables[i]), 0);
    assert_int_equal(TURN(w->a, es_job_store_remove(w->a, id_of(1), &job)), ES_JOBS_NONE);
}

/* ---- which call a state allows */

static es_jobs_result_t do_renew(es_job_store_t *s, const es_job_hold_t *h)
{
    return es_job_store_renew(s, h, NOW);
}
static es_jobs_result_t do_probed(es_job_store_t *s, const es_job_hold_t *h)
{
    return es_job_store_probed(s, h, 32000, "x", NOW);
}
static es_jobs_result_t do_note(es_job_store_t *s, const es_job_hold_t *h)
{
    return es_job_store_note(s, h, "x", NOW);
}
static es_jobs_result_t do_final(es_job_store_t *s, const es_job_hold_t *h)
{
    return final_of(s, h, 16000, 32000, "two");
}
static es_jobs_result_t do_old_final(es_job_store_t *s, const es_job_hold_t *h)
{
    return final_of(s, h, 0, 16000, "x");
}
static es_jobs_result_t do_transcribed(es_job_store_t *s, const es_job_hold_t *h)
{
    return es_job_store_transcribed(s, h, NOW);
}
static es_jobs_result_t do_completed(es_job_store_t *s, const es_job_hold_t *h)
{
    return es_job_store_completed(s, h, "{}", NOW);
}
static es_jobs_result_t do_failed(es_job_store_t *s, const es_job_hold_t *h)
{
    return es_job_store_failed(s, h, "x", NOW);
}
static es_jobs_result_t do_again(es_job_store_t *s, const es_job_hold_t *h)
{
    return es_job_store_again(s, h, "x", NOW, NOW);
}
static es_jobs_result_t do_release(es_job_store_t *s, const es_job_hold_t *h)
{
    return es_job_store_again(s, h, NULL, NOW, NOW);
}
static es_jobs_result_t do_cancel(es_job_store_t *s, const es_job_hold_t *h)
{
    return es_job_store_cancel(s, h->id, NOW, NULL);
}
static es_jobs_result_t do_retry(es_job_store_t *s, const es_job_hold_t *h)
{
    return es_job_store_retry(s, h->id, 0, NOW, NULL);
}
static es_jobs_result_t do_remove(es_job_store_t *s, const es_job_hold_t *h)
{
    return es_job_store_remove(s, h->id, NULL);
}

/* For each state (QUEUED, TRANSCRIBING, ANALYZING, COMPLETED, FAILED, CANCELLED) that was reached under the hold: '.' OK and the state stays, a letter OK and the state that comes, L LOST, C
 * CONFLICT. */
static const struct {
    const char *name, *answers;
    es_jobs_result_t (*call)(es_job_store_t *store, const es_job_hold_t *hold);
} calls[] = {
    {"renew", ".....L", do_renew},         {"probed", ".....L", do_probed},
    {"note", ".....L", do_note},           {"final", "L.CLLL", do_final},
    {"old final", ".....L", do_old_final}, {"transcribed", "La..LL", do_transcribed},
    {"completed", "LCd.LL", do_completed}, {"failed", "LffL.L", do_failed},
    {"again", ".qqLLL", do_again},         {"released", ".qqLLL", do_release},
    {"cancel", "cccCC.", do_cancel},       {"retry", "CCCCqq", do_retry},
    {"remove", "-CC---", do_remove},
};

static char answer_of(es_job_store_t *store, unsigned n, size_t call, const es_job_hold_t *hold, es_job_state_t before)
{
    es_job_t job;
    es_jobs_result_t result = TURN(store, calls[call].call(store, hold));
    if (result == ES_JOBS_LOST) return 'L';
    if (result == ES_JOBS_CONFLICT) return 'C';
    assert_int_equal(result, ES_JOBS_OK);
    if (TURN(store, es_job_store_get(store, id_of(n), &job)) == ES_JOBS_NONE) return '-';
    char now = job.state == before ? '.' : "qtadfc"[job.state];
    es_job_fini(&job);
    return now;
}

static void states_allow_what_the_table_says(void **state)
{
    world_t *w = *state;
    unsigned n = 0;
    for (size_t call = 0; call < sizeof calls / sizeof *calls; call++) {
        for (int from = 0; from < ES_JOB_STATES; from++) {
            es_job_hold_t hold = brought_to(w->a, ++n, (es_job_state_t)from);
            char answer = answer_of(w->b, n, call, &hold, (es_job_state_t)from);
            if (answer != calls[call].answers[from])
                fail_msg("%s in %s: %c, not %c", calls[call].name, es_job_state_name((es_job_state_t)from), answer,
                         calls[call].answers[from]);
            by_hand(w, "DELETE FROM job");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(all_of_a_job_is_kept),
        TEST(little_is_enough_for_a_job),
        TEST(a_job_is_there_once),
        TEST(a_key_is_its_principals),
        TEST(texts_that_are_none_do_no_harm),
        TEST(a_turn_is_all_or_nothing),
        TEST(a_job_goes_its_way),
        TEST(an_attempt_may_fail_or_be_given_back),
        TEST(a_job_is_tried_anew_where_it_stood),
        TEST(without_its_audio_a_job_is_not_tried_anew),
        TEST(segments_come_until_enough),
        TEST(long_transcripts_come_whole),
        TEST(a_job_that_is_removed_leaves_nothing),
        TEST(states_allow_what_the_table_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
