/* actors/room/room_store*.c on real files: what is committed is there, what is not is not, and only one actor writes to a room. */
#include "room_store_world.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

typedef struct {
    es_room_event_t events[64];
    char text[64][64];
    int n, max;
} page_t;

static bool take(void *arg, const es_room_event_t *event)
{
    page_t *page = arg;
    page->events[page->n] = *event;
    snprintf(page->text[page->n], sizeof page->text[0], "%.*s|%.*s|%.*s|%.*s|%.*s", (int)event->member.len,
             event->member.ptr, (int)event->name.len, event->name.ptr, (int)event->text.len, event->text.ptr,
             (int)event->msg_id.len, event->msg_id.ptr, (int)event->stream.len, event->stream.ptr);
    return ++page->n < page->max;
}

static void read_page(es_room_store_t *store, const es_room_hold_t *hold, uint64_t from, int max, page_t *page)
{
    *page = (page_t){.max = max};
    assert_int_equal(es_room_store_read(store, hold, from, 64, take, page), ES_STORE_OK);
}

static void count_seat(void *arg, const es_room_seat_t *seat)
{
    unsigned *n = arg;
    assert_true(seat->session.len > 0);
    *n += 1 + (unsigned)seat->operation;
}

static uint64_t back(es_room_store_t *store, const es_room_hold_t *hold, uint64_t to, uint64_t count)
{
    uint64_t rseq = 9999;
    assert_int_equal(es_room_store_back(store, hold, to, count, &rseq), ES_STORE_OK);
    return rseq;
}

static void what_is_dropped_is_read_and_counted_no_more(void **state)
{
    world_t *w = *state;
    page_t page;
    es_room_hold_t hold = claimed(w->a, "lobby", 7);
    es_room_event_t joined = {.type = ES_EVENT_JOINED, .at_ms = NOW, .member = es_span("bob"), .name = es_span("Bob")};
    append(w->a, &hold, "m1");
    for (int i = 0; i < 3; i++) {
        joined.rseq = ++hold.log.last;
        es_room_store_append(w->a, &hold, &joined);
    }
    append(w->a, &hold, "m5");
    es_room_store_settle(w->a, &hold, &hold.log);
    committed(w->a);
    assert_int_equal(es_room_store_enter(w->a, &hold), ES_STORE_OK);
    es_room_store_drop(w->a, &hold, 2);
    es_room_store_drop(w->a, &hold, 3);
    read_page(w->a, &hold, 1, 60, &page);
    assert_int_equal(page.n, 3);
    assert_int_equal(page.events[1].rseq, 4);
    committed(w->a);
    assert_int_equal(back(w->a, &hold, 5, 2), 4);
    assert_int_equal(back(w->a, &hold, UINT64_MAX, 3), 1);
    assert_int_equal(back(w->a, &hold, 3, 1), 1);
    assert_int_equal(back(w->a, &hold, 3, 2), 0);
    hold = claimed(w->b, "lobby", 8);
    assert_int_equal(hold.log.said, 2);
    assert_int_equal(hold.log.moves, 1);
    committed(w->b);
}

static void a_log_survives(void **state)
{
    world_t *w = *state;
    page_t page;
    es_room_hold_t hold = claimed(w->a, "lobby", 0xfedcba9876543210);
    assert_int_equal(hold.term, 1);
    append(w->a, &hold, "m1");
    es_room_event_t spoken = {.rseq = ++hold.log.last,
                              .type = ES_EVENT_CAPTION,
                              .at_ms = NOW + 1,
                              .member = es_span("ann"),
                              .name = es_span("Änn"),
                              .text = es_span("it's \"spoken\"; --"),
                              .stream = es_span("s1"),
                              .start = 16000,
                              .end = UINT64_MAX};
    es_room_store_append(w->a, &hold, &spoken);
    es_room_store_caption(w->a, &hold, es_span("ann"), es_span("s1"), 48000, NOW);
    es_room_seat_t seat = {es_span("ann"), es_span("aaaaaa0000000001"), es_span("Ann"), 41};
    es_room_store_seat(w->a, &hold, &seat);
    es_room_store_settle(w->a, &hold, &hold.log);
    committed(w->a);
    es_room_store_close(&w->a);
    w->a = opened(w);
    es_room_hold_t again = claimed(w->a, "lobby", 5);
    committed(w->a);
    assert_int_equal(again.term, 2);
    assert_int_equal(again.log.log, 0xfedcba9876543210);
    assert_int_equal(again.log.last, 2);
    assert_int_equal(again.log.floor, 1);
    assert_int_equal(said(w->a, &again, "m1"), 1);
    assert_int_equal(said(w->a, &again, "m2"), 0);
    read_page(w->a, &again, 1, 60, &page);
    assert_int_equal(page.n, 2);
    assert_string_equal(page.text[0], "ann|Ann|m1|m1|");
    assert_string_equal(page.text[1], "ann|Änn|it's \"spoken\"; --||s1");
    assert_int_equal(page.events[1].rseq, 2);
    assert_int_equal(page.events[1].type, ES_EVENT_CAPTION);
    assert_int_equal(page.events[1].at_ms, NOW + 1);
    assert_int_equal(page.events[1].start, 16000);
    assert_true(page.events[1].end == UINT64_MAX);
    read_page(w->a, &again, 1, 1, &page);
    assert_int_equal(page.n, 1);
    bool known;
    uint64_t until;
    assert_int_equal(es_room_store_captioned(w->a, &again, es_span("ann"), es_span("s1"), &known, &until), ES_STORE_OK);
    assert_true(known && until == 48000);
    assert_int_equal(es_room_store_captioned(w->a, &again, es_span("ann"), es_span("s2"), &known, &until), ES_STORE_OK);
    assert_false(known);
    unsigned seats = 0;
    assert_int_equal(es_room_store_members(w->a, &again, count_seat, &seats), ES_STORE_OK);
    assert_int_equal(seats, 42);
}

static void a_turn_sees_what_it_has_written(void **state)
{
    world_t *w = *state;
    unsigned seats = 0;
    es_room_hold_t hold = claimed(w->a, "lobby", 1);
    append(w->a, &hold, "m1");
    assert_int_equal(said(w->a, &hold, "m1"), 1);
    assert_int_equal(said(w->b, &hold, "m1"), 0);
    es_room_seat_t seat = {es_span("ann"), es_span("aaaaaa0000000001"), es_span("Ann"), 0};
    es_room_store_seat(w->a, &hold, &seat);
    es_room_store_unseat(w->a, &hold, es_span("ann"));
    assert_int_equal(es_room_store_members(w->a, &hold, count_seat, &seats), ES_STORE_OK);
    assert_int_equal(seats, 0);
    es_room_store_settle(w->a, &hold, &hold.log);
    committed(w->a);
    assert_int_equal(said(w->b, &hold, "m1"), 1);
}

static void who_has_lost_a_room_stores_nothing_in_it(void **state)
{
    world_t *w = *state;
    es_room_store_stats_t stats;
    es_room_hold_t old = claimed(w->a, "lobby", 1), other = claimed(w->a, "attic", 2);
    committed(w->a);
    assert_int_equal(say(w->a, &old, "m1"), ES_STORE_OK);
    es_room_hold_t new = claimed(w->b, "lobby", 9);
    committed(w->b);
    assert_int_equal(new.log.last, 1);
    assert_int_equal(say(w->b, &new, "m2"), ES_STORE_OK);
    assert_int_equal(es_room_store_holds(w->a, &old), ES_STORE_PASSED);
    assert_int_equal(es_room_store_holds(w->b, &new), ES_STORE_OK);
    /* one turn of the old one: its other room goes through */
    assert_int_equal(es_room_store_enter(w->a, &old), ES_STORE_PASSED);
    assert_int_equal(es_room_store_enter(w->a, &other), ES_STORE_OK);
    append(w->a, &other, "x");
    es_room_store_settle(w->a, &other, &other.log);
    committed(w->a);
    assert_int_equal(counted(w, "SELECT count(*) FROM event JOIN room ON room = number WHERE id = 'lobby'"), 2);
    assert_int_equal(counted(w, "SELECT count(*) FROM event JOIN room ON room = number WHERE id = 'attic'"), 1);
    es_room_store_stats(w->a, &stats);
    assert_int_equal(stats.passed, 2);
    assert_int_equal(stats.rows, 2);
}

static void many_rooms_go_to_the_disk_as_one(void **state)
{
    world_t *w = *state;
    es_room_store_stats_t stats;
    char id[16];
    for (int i = 0; i < 50; i++) {
        snprintf(id, sizeof id, "room %d", i);
        es_room_hold_t hold = claimed(w->a, id, 7);
        for (int k = 0; k < 5; k++) {
            snprintf(id, sizeof id, "m%d", k);
            append(w->a, &hold, id);
        }
        es_room_store_settle(w->a, &hold, &hold.log);
    }
    assert_int_equal(counted(w, "SELECT count(*) FROM event"), 0);
    committed(w->a);
    es_room_store_stats(w->a, &stats);
    assert_int_equal(stats.commits, 1);
    assert_int_equal(stats.rows, 250);
    assert_int_equal(counted(w, "SELECT count(*) FROM event"), 250);
    committed(w->a); /* nothing to do */
    es_room_store_stats(w->a, &stats);
    assert_int_equal(stats.commits, 1);
}

static void a_process_that_dies_leaves_whole_turns(void **state)
{
    world_t *w = *state;
    es_room_store_close(&w->a);
    es_room_store_close(&w->b);
    pid_t child = fork();
    if (child == 0) {
        es_room_store_t *store = opened(w);
        es_room_hold_t hold = claimed(store, "lobby", 3);
        if (es_room_store_commit(store) != ES_STORE_OK) _exit(1);
        for (int i = 0; i < 10; i++)
            if (say(store, &hold, "m") != ES_STORE_OK) _exit(2);
        if (es_room_store_enter(store, &hold) != ES_STORE_OK) _exit(3);
        append(store, &hold, "lost");
        es_room_store_settle(store, &hold, &hold.log);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    w->a = opened(w);
    es_room_hold_t hold = claimed(w->a, "lobby", 4);
    assert_int_equal(hold.log.last, 10);
    assert_int_equal(said(w->a, &hold, "lost"), 0);
    committed(w->a);
    assert_int_equal(say(w->a, &hold, "next"), ES_STORE_OK);
    assert_int_equal(hold.log.last, 11);
}

static void others_are_waited_for_within_bounds(void **state)
{
    world_t *w = *state;
    es_room_store_stats_t stats;
    es_room_hold_t mine = claimed(w->a, "lobby", 1), hold;
    assert_int_equal(es_room_store_claim(w->b, es_span("attic"), 2, NOW, &hold), ES_STORE_FAILED);
    assert_int_equal(es_room_store_commit(w->b), ES_STORE_FAILED);
    es_room_store_stats(w->b, &stats);
    assert_int_equal(stats.busy, 1);
    assert_int_equal(stats.failed, 1);
    committed(w->a);
    assert_int_equal(say(w->a, &mine, "m1"), ES_STORE_OK);
    hold = claimed(w->b, "attic", 2);
    committed(w->b);
    es_room_store_stats(w->b, &stats);
    assert_int_equal(stats.failed, 1);
}

/* The file may not grow any more. */
static void when_the_disk_is_full_turns_are_lost_and_nothing_else(void **state)
{
    world_t *w = *state;
    char pragma[64];
    es_room_store_stats_t stats;
    es_room_hold_t hold = claimed(w->a, "lobby", 1);
    committed(w->a);
    assert_int_equal(say(w->a, &hold, "m1"), ES_STORE_OK);
    snprintf(pragma, sizeof pragma, "PRAGMA max_page_count = %d", (int)counted(w, "PRAGMA page_count"));
    assert_int_equal(sqlite3_exec(w->a->sql.db, pragma, NULL, NULL, NULL), SQLITE_OK);
    uint64_t last = 0;
    for (int i = 0; i < 2000 && last == 0; i++) {
        uint64_t before = hold.log.last;
        if (say(w->a, &hold, "much") != ES_STORE_OK) last = before;
    }
    assert_true(last > 0);
    uint64_t rseq;
    assert_int_equal(es_room_store_said(w->a, &hold, es_span("ann"), es_span("m1"), &rseq), ES_STORE_OK);
    assert_int_equal(rseq, 1); /* it can still be asked */
    assert_int_equal(counted(w, "SELECT last FROM room"), last);
    assert_int_equal(counted(w, "SELECT max(rseq) FROM event"), last);
    hold.log.last = last;
    assert_int_equal(say(w->a, &hold, "more"), ES_STORE_FAILED);
    hold.log.last = last;
    assert_int_equal(sqlite3_exec(w->a->sql.db, "PRAGMA max_page_count = 100000", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(say(w->a, &hold, "more"), ES_STORE_OK);
    es_room_store_stats(w->a, &stats);
    assert_int_equal(stats.failed, 2);
    assert_int_equal(stats.busy, 0);
}

/* Writing fails as it does on a broken disk. */
static void when_writing_fails_turns_are_lost_and_nothing_else(void **state)
{
    world_t *w = *state;
    struct rlimit whole, none;
    es_room_hold_t hold = claimed(w->a, "lobby", 1);
    committed(w->a);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &whole), 0);
    none = whole;
    none.rlim_cur = 1;
    setrlimit(RLIMIT_FSIZE, &none);
    es_store_result_t lost = say(w->a, &hold, "m1");
    setrlimit(RLIMIT_FSIZE, &whole);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(lost, ES_STORE_FAILED);
    hold.log.last = 0;
    assert_int_equal(said(w->a, &hold, "m1"), 0);
    assert_int_equal(say(w->a, &hold, "m1"), ES_STORE_OK);
    assert_int_equal(said(w->a, &hold, "m1"), 1);
}

static void a_number_is_never_stored_twice(void **state)
{
    world_t *w = *state;
    es_room_hold_t hold = claimed(w->a, "lobby", 1);
    committed(w->a);
    assert_int_equal(say(w->a, &hold, "m1"), ES_STORE_OK);
    hold.log.last = 0; /* what would be a fault of ours */
    assert_int_equal(say(w->a, &hold, "m2"), ES_STORE_FAILED);
    assert_int_equal(counted(w, "SELECT count(*) FROM event WHERE msg_id = 'm1'"), 1);
}

static void texts_that_are_damaged_come_empty(void **state)
{
    world_t *w = *state;
    page_t page;
    es_room_hold_t hold = claimed(w->a, "lobby", 1);
    committed(w->a);
    say(w->a, &hold, "m1");
    by_hand(w, "UPDATE event SET text = CAST(x'ff41' AS TEXT)");
    read_page(w->a, &hold, 1, 10, &page);
    assert_int_equal(page.n, 1);
    assert_string_equal(page.text[0], "ann|Ann||m1|");
}

static void operators_can_read_the_history(void **state)
{
    world_t *w = *state;
    es_room_hold_t hold = claimed(w->a, "lobby", 1);
    committed(w->a);
    say(w->a, &hold, "hello");
    assert_int_equal(counted(w, "SELECT count(*) FROM history WHERE room = 'lobby' AND type = 'message' AND "
                                "name = 'Ann' AND text = 'hello' AND utc = '2023-11-14 22:13:20'"),
                     1);
}

/* ---- opening */

static void other_files_are_refused_and_left_alone(void **state)
{
    world_t *w = *state;
    FILE *file = fopen(w->path, "w");
    for (int i = 0; i < 200; i++) fputs("this is no database at all\n", file);
    fclose(file);
    fails_to_open(w, "this is no database");
    unlink(w->path);
    by_hand(w, "CREATE TABLE shopping (item TEXT)");
    fails_to_open(w, "another program");
    assert_int_equal(counted(w, "SELECT count(*) FROM sqlite_master"), 1);
    assert_int_equal(counted(w, "PRAGMA user_version"), 0);
    unlink(w->path);
    by_hand(w, "PRAGMA user_version = 3");
    fails_to_open(w, "another program");
}

static void a_newer_file_is_refused(void **state)
{
    world_t *w = *state;
    w->a = opened(w);
    es_room_store_close(&w->a);
    by_hand(w, "PRAGMA user_version = 99");
    fails_to_open(w, "newer earshot (its schema is 99");
    by_hand(w, "PRAGMA user_version = 1");
    w->a = opened(w);
}

static void an_empty_file_is_brought_up_to_date(void **state)
{
    world_t *w = *state;
    w->a = opened(w);
    assert_int_equal(counted(w, "PRAGMA user_version"), ES_ROOM_SCHEMA);
    assert_int_equal(counted(w, "SELECT count(*) FROM pragma_journal_mode WHERE journal_mode = 'wal'"), 1);
    es_room_hold_t hold = claimed(w->a, "lobby", 1);
    committed(w->a);
    es_room_store_close(&w->a);
    w->a = opened(w); /* nothing to do */
    assert_int_equal(claimed(w->a, "lobby", 2).term, hold.term + 1);
    committed(w->a);
}

static void what_cannot_be_opened_says_so(void **state)
{
    world_t *w = *state;
    w->config.path = "/tmp/es-rooms-that-is-not/there/rooms.db";
    fails_to_open(w, "cannot be opened");
}

static void what_was_said_is_the_owners_alone(void **state)
{
    world_t *w = *state;
    struct stat st;
    char path[128];
    static const char *const files[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s%s", w->path, files[i]);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define OPEN_TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_log_survives),
        TEST(what_was_said_is_the_owners_alone),
        TEST(what_is_dropped_is_read_and_counted_no_more),
        TEST(a_turn_sees_what_it_has_written),
        TEST(who_has_lost_a_room_stores_nothing_in_it),
        TEST(many_rooms_go_to_the_disk_as_one),
        TEST(a_process_that_dies_leaves_whole_turns),
        TEST(others_are_waited_for_within_bounds),
        TEST(when_the_disk_is_full_turns_are_lost_and_nothing_else),
        TEST(when_writing_fails_turns_are_lost_and_nothing_else),
        TEST(a_number_is_never_stored_twice),
        TEST(texts_that_are_damaged_come_empty),
        TEST(operators_can_read_the_history),
        OPEN_TEST(other_files_are_refused_and_left_alone),
        OPEN_TEST(a_newer_file_is_refused),
        OPEN_TEST(an_empty_file_is_brought_up_to_date),
        OPEN_TEST(what_cannot_be_opened_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
