#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dead_letters.h"

static char data[64];
static char bytes[4096];

static int setup(void **state)
{
    (void)state;
    snprintf(data, sizeof data, "/tmp/es-dead-XXXXXX");
    memset(bytes, 'b', sizeof bytes);
    return mkdtemp(data) ? 0 : -1;
}

static int is_letter(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int list(struct dirent ***out)
{
    char dir[80];
    snprintf(dir, sizeof dir, "%s/dead", data);
    return scandir(dir, out, is_letter, alphasort);
}

static void forget(struct dirent **entries, int n)
{
    for (int i = 0; i < n; i++) free(entries[i]);
    free(entries);
}

static int count(void)
{
    struct dirent **entries = NULL;
    int n = list(&entries);
    forget(entries, n);
    return n;
}

static int teardown(void **state)
{
    struct dirent **entries = NULL;
    char path[400];
    (void)state;
    int n = list(&entries);
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/dead/%s", data, entries[i]->d_name);
        unlink(path);
    }
    forget(entries, n);
    snprintf(path, sizeof path, "%s/dead", data);
    rmdir(path);
    return rmdir(data);
}

static es_dead_letter_t letter_of(const char *reason, size_t len)
{
    es_dead_letter_t letter = {.kind = ES_DEAD_MESSAGE, .count = 2};
    es_dead_letter_text(letter.from, es_span("frontend"));
    es_dead_letter_text(letter.reason, es_span(reason));
    letter.parts[0] = es_span("key");
    letter.parts[1] = es_span_of(bytes, len);
    return letter;
}

static es_dead_letters_t *open_box(uint64_t max, uint64_t max_bytes)
{
    es_dead_letters_config_t config = {.data = data, .actor = "edge/1", .max = max, .max_bytes = max_bytes};
    return es_dead_letters_new(&config);
}

static void put(es_dead_letters_t *box, int n, size_t len)
{
    char reason[32];
    for (int i = 0; i < n; i++) {
        snprintf(reason, sizeof reason, "reason %d", i);
        es_dead_letter_t letter = letter_of(reason, len);
        es_dead_letters_put(box, &letter);
    }
}

static size_t read_letter(const char *name, char *out, size_t cap)
{
    char path[400];
    struct stat st;
    snprintf(path, sizeof path, "%s/dead/%s", data, name);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t n = fread(out, 1, cap, file);
    fclose(file);
    return n;
}

static void a_letter_is_read_as_it_was_put(void **state)
{
    (void)state;
    static char file[8192];
    struct dirent **entries = NULL;
    es_dead_letter_t letter;
    es_dead_letters_t *box = open_box(10, 100000);
    put(box, 1, sizeof bytes);
    es_dead_letters_destroy(&box);
    assert_int_equal(list(&entries), 1);
    assert_memory_equal(entries[0]->d_name, "edge_1-", 7);
    size_t n = read_letter(entries[0]->d_name, file, sizeof file);
    assert_int_equal(es_dead_letter_parse(&letter, es_span_of(file, n)), 0);
    assert_int_equal(letter.kind, ES_DEAD_MESSAGE);
    assert_string_equal(letter.actor, "edge_1");
    assert_string_equal(letter.from, "frontend");
    assert_string_equal(letter.peer, "");
    assert_string_equal(letter.reason, "reason 0");
    assert_true(letter.time_us > 0);
    assert_int_equal(letter.count, 2);
    assert_true(es_span_eq(letter.parts[0], es_span("key")));
    assert_true(es_span_eq(letter.parts[1], es_span_of(bytes, sizeof bytes)));
    for (size_t cut = 0; cut < n; cut++) assert_int_equal(es_dead_letter_parse(&letter, es_span_of(file, cut)), -1);
    forget(entries, 1);
}

static void the_oldest_give_way(void **state)
{
    (void)state;
    es_dead_letters_t *box = open_box(3, 1000000);
    put(box, 5, 10);
    es_dead_letters_destroy(&box);
    assert_int_equal(count(), 3);
    box = open_box(2, 1000000); /* a lower bound holds for those of before too */
    es_dead_letters_destroy(&box);
    assert_int_equal(count(), 2);
    box = open_box(10, 4500);
    put(box, 2, sizeof bytes);
    es_dead_letters_destroy(&box);
    assert_int_equal(count(), 1);
}

static void leave_half(const char *name)
{
    char path[400];
    snprintf(path, sizeof path, "%s/dead/%s", data, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
}

static void half_a_letter_of_before_is_deleted(void **state)
{
    (void)state;
    struct dirent **entries = NULL;
    es_dead_letters_t *box = open_box(3, 1000000);
    es_dead_letters_destroy(&box);
    leave_half("edge_1-000644e1c2a3f0b7-0000.letter.new");
    leave_half("edge_12-000644e1c2a3f0b7-0000.letter.new"); /* somebody else's, who may be at it */
    box = open_box(3, 1000000);
    es_dead_letters_destroy(&box);
    assert_int_equal(list(&entries), 1);
    assert_memory_equal(entries[0]->d_name, "edge_12-", 8);
    forget(entries, 1);
}

static void too_many_and_too_large_ones_are_counted(void **state)
{
    (void)state;
    es_metric_t *dropped = es_dead_letters_metrics()[1];
    uint64_t before = es_metric_get(dropped);
    es_dead_letters_t *box = open_box(1000, 1u << 30);
    put(box, 3 * ES_DEAD_A_SECOND, 1); /* two seconds at most */
    assert_true(es_metric_get(dropped) - before >= ES_DEAD_A_SECOND);
    es_dead_letters_destroy(&box);
    box = open_box(1000, 1u << 30);
    char *much = calloc(1, ES_DEAD_MAX);
    es_dead_letter_t letter = letter_of("much", 0);
    letter.parts[1] = es_span_of(much, ES_DEAD_MAX);
    before = es_metric_get(dropped);
    es_dead_letters_put(box, &letter);
    assert_int_equal(es_metric_get(dropped) - before, 1);
    es_dead_letters_destroy(&box);
    free(much);
}

static void none_are_kept_where_none_are_wanted(void **state)
{
    (void)state;
    es_dead_letters_t *box = open_box(0, 1000);
    assert_null(box);
    put(box, 1, 1);
    es_dead_letters_destroy(&box);
}

static void fields_are_printable(void **state)
{
    (void)state;
    char head[ES_DEAD_HEAD_MAX], text[ES_DEAD_TEXT];
    es_dead_letter_t letter = letter_of("a\nkind: audio\x1b[2J", 1);
    size_t n = es_dead_letter_head(&letter, head);
    assert_non_null(strstr(head, "reason: a?kind: audio?[2J\nparts: 3 1\n\n"));
    assert_int_equal(strlen(head), n);
    memset(bytes, 'x', sizeof bytes);
    es_dead_letter_text(text, es_span_of(bytes, sizeof bytes));
    assert_int_equal(strlen(text), ES_DEAD_TEXT - 1);
}

static es_dead_letter_t read_back(const es_dead_letter_t *letter)
{
    static char file[ES_DEAD_HEAD_MAX + 64];
    es_dead_letter_t out;
    size_t n = es_dead_letter_head(letter, file);
    memcpy(file + n, "keyb", 4);
    assert_int_equal(es_dead_letter_parse(&out, es_span_of(file, n + 4)), 0);
    return out;
}

/* What the broker would not have taken from a peer with a key must not come back as this machine's own word. */
static void only_whole_messages_of_this_machine_are_said_again(void **state)
{
    (void)state;
    es_dead_letter_t own = letter_of("r", 1), keyed = own, fragment = own, result = own, audio = own;
    es_dead_letter_text(keyed.peer, es_span("edge/e"));
    fragment.fragment = true;
    es_dead_letter_text(result.from, es_span("results"));
    audio.kind = ES_DEAD_AUDIO;
    const struct {
        const es_dead_letter_t *letter;
        bool stays;
    } cases[] = {{&own, false}, {&keyed, true}, {&fragment, true}, {&result, true}, {&audio, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        es_dead_letter_t back = read_back(cases[i].letter);
        assert_int_equal(es_dead_letter_stays(&back) != NULL, cases[i].stays);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_letter_is_read_as_it_was_put, setup, teardown),
        cmocka_unit_test_setup_teardown(the_oldest_give_way, setup, teardown),
        cmocka_unit_test_setup_teardown(half_a_letter_of_before_is_deleted, setup, teardown),
        cmocka_unit_test_setup_teardown(too_many_and_too_large_ones_are_counted, setup, teardown),
        cmocka_unit_test(none_are_kept_where_none_are_wanted),
        cmocka_unit_test(fields_are_printable),
        cmocka_unit_test(only_whole_messages_of_this_machine_are_said_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
