/* Key files: what is written is read again; what is no key, or open to others, is refused with a sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <czmq.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys.h"

enum { SOMEBODY = 65534 };

typedef struct {
    char dir[64];
    char err[512];
} world_t;

static int setup(void **state)
{
    world_t *w = calloc(1, sizeof *w);
    snprintf(w->dir, sizeof w->dir, "/tmp/earshot-keys-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world_t *w = *state;
    char command[96];
    snprintf(command, sizeof command, "rm -r %s", w->dir);
    assert_int_equal(system(command), 0);
    free(w);
    return 0;
}

static const char *path(world_t *w, const char *file)
{
    static char text[ES_KEY_PATH_MAX];
    assert_int_equal(es_key_path(text, w->dir, file, ""), 0);
    return text;
}

static void put(world_t *w, const char *file, const char *text, mode_t mode)
{
    FILE *f = fopen(path(w, file), "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    assert_int_equal(chmod(path(w, file), mode), 0);
}

static es_key_t saved(world_t *w, es_role_t role, const char *name)
{
    es_key_t key;
    assert_int_equal(es_key_make(&key, role, name, w->err, sizeof w->err), 0);
    assert_int_equal(es_key_save(&key, w->dir, false, w->err, sizeof w->err), 0);
    return key;
}

static void roles_have_names(void **state)
{
    (void)state;
    for (es_role_t role = ES_ROLE_NONE + 1; role < ES_ROLES; role++)
        assert_int_equal(es_role_find(es_role_name(role)), role);
    assert_int_equal(es_role_find("none"), ES_ROLE_NONE);
    assert_int_equal(es_role_find("Edge"), ES_ROLE_NONE);
    assert_int_equal(es_role_nearest("transcribe"), ES_ROLE_TRANSCRIBER);
    assert_int_equal(es_role_nearest("borker"), ES_ROLE_BROKER);
}

static void what_is_written_is_read_again(void **state)
{
    world_t *w = *state;
    es_key_t key = saved(w, ES_ROLE_TRANSCRIBER, "gpu-1"), again;
    struct stat st;
    assert_int_equal(stat(path(w, "gpu-1.key"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(es_key_load(&again, path(w, "gpu-1.key"), w->err, sizeof w->err), 0);
    assert_memory_equal(&again, &key, sizeof key);
    assert_int_equal(es_key_load_public(&again, path(w, "gpu-1.pub"), w->err, sizeof w->err), 0);
    assert_string_equal(again.public_key, key.public_key);
    assert_string_equal(again.secret_key, "");
    assert_int_equal(again.role, ES_ROLE_TRANSCRIBER);
    es_key_forget(&key);
    assert_string_equal(key.secret_key, "");
}

static void the_public_file_holds_no_secret(void **state)
{
    world_t *w = *state;
    es_key_t key = saved(w, ES_ROLE_EDGE, "edge");
    char text[4096] = "";
    FILE *f = fopen(path(w, "edge.pub"), "r");
    assert_non_null(f);
    assert_true(fread(text, 1, sizeof text - 1, f) > 0);
    fclose(f);
    assert_non_null(strstr(text, key.public_key));
    assert_null(strstr(text, key.secret_key));
    assert_int_equal(es_key_load(&key, path(w, "edge.pub"), w->err, sizeof w->err), -1);
}

static void nothing_is_written_over_unless_forced(void **state)
{
    world_t *w = *state;
    es_key_t first = saved(w, ES_ROLE_EDGE, "edge"), second, now;
    assert_int_equal(es_key_make(&second, ES_ROLE_ROOM, "edge", w->err, sizeof w->err), 0);
    assert_int_equal(es_key_save(&second, w->dir, false, w->err, sizeof w->err), -1);
    assert_non_null(strstr(w->err, "--force"));
    assert_int_equal(es_key_load(&now, path(w, "edge.key"), w->err, sizeof w->err), 0);
    assert_memory_equal(&now, &first, sizeof now);
    assert_int_equal(es_key_save(&second, w->dir, true, w->err, sizeof w->err), 0);
    assert_int_equal(es_key_load(&now, path(w, "edge.key"), w->err, sizeof w->err), 0);
    assert_memory_equal(&now, &second, sizeof now);
}

/* Made by root for a house whose user is to read them. */
static void root_makes_them_for_whom_the_directory_is(void **state)
{
    world_t *w = *state;
    struct stat st;
    es_key_t key;
    char dir[ES_KEY_PATH_MAX], file[ES_KEY_PATH_MAX];
    static const char *const made[] = {"keys", "keys/broker.key", "keys/broker.pub", "keys/friend.pub"};
    if (geteuid() != 0) skip();
    assert_int_equal(chown(w->dir, SOMEBODY, SOMEBODY), 0);
    assert_int_equal(es_key_make(&key, ES_ROLE_BROKER, "broker", w->err, sizeof w->err), 0);
    snprintf(dir, sizeof dir, "%s", path(w, "keys"));
    assert_int_equal(es_key_save(&key, dir, false, w->err, sizeof w->err), 0);
    snprintf(file, sizeof file, "%s", path(w, "keys/friend.pub"));
    assert_int_equal(es_key_save_public(&key, file, false, w->err, sizeof w->err), 0);
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++) {
        assert_int_equal(stat(path(w, made[i]), &st), 0);
        assert_int_equal(st.st_uid, SOMEBODY);
    }
}

static void czmq_reads_them(void **state)
{
    world_t *w = *state;
    es_key_t key = saved(w, ES_ROLE_EDGE, "edge");
    for (int public = 0; public < 2; public ++) {
        zcert_t *cert = zcert_load(path(w, public ? "edge.pub" : "edge.key"));
        assert_non_null(cert);
        assert_string_equal(zcert_public_txt(cert), key.public_key);
        assert_true((strcmp(zcert_secret_txt(cert), key.secret_key) == 0) == !public);
        assert_string_equal(zcert_meta(cert, "role"), "edge");
        assert_string_equal(zcert_meta(cert, "name"), "edge");
        zcert_destroy(&cert);
    }
}

static unsigned files_of(world_t *w)
{
    unsigned count = 0;
    DIR *dir = opendir(w->dir);
    assert_non_null(dir);
    for (const struct dirent *entry; (entry = readdir(dir));) count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

/* A limit of a file's size ends a write in its midst, as a full disk does. */
static void what_the_disk_does_not_take_changes_nothing(void **state)
{
    world_t *w = *state;
    es_key_t first = saved(w, ES_ROLE_EDGE, "edge"), other, now;
    struct rlimit before, small;
    char public[ES_KEY_PATH_MAX];
    strcpy(public, path(w, "edge.pub"));
    assert_int_equal(es_key_make(&other, ES_ROLE_EDGE, "edge", w->err, sizeof w->err), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    for (unsigned room = 0; room < 200; room += 50) {
        small = (struct rlimit){room, before.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        int both = es_key_save(&other, w->dir, true, w->err, sizeof w->err);
        int half = es_key_save_public(&other, public, true, w->err, sizeof w->err);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_int_equal(both, -1);
        assert_int_equal(half, -1);
        assert_non_null(strstr(w->err, "File too large; nothing is changed"));
        assert_int_equal(es_key_load(&now, path(w, "edge.key"), w->err, sizeof w->err), 0);
        assert_memory_equal(&now, &first, sizeof now);
        assert_int_equal(es_key_load_public(&now, public, w->err, sizeof w->err), 0);
        assert_string_equal(now.public_key, first.public_key);
        assert_int_equal(files_of(w), 2);
    }
}

static void half_a_pair_is_none(void **state)
{
    world_t *w = *state;
    es_key_t key;
    assert_int_equal(es_key_make(&key, ES_ROLE_EDGE, "edge", w->err, sizeof w->err), 0);
    assert_int_equal(mkdir(path(w, "edge.key"), 0700), 0);
    for (int force = 0; force < 2; force++) {
        assert_int_equal(es_key_save(&key, w->dir, force, w->err, sizeof w->err), -1);
        assert_int_equal(files_of(w), 1);
    }
}

static void names_are_names_of_files(void **state)
{
    world_t *w = *state;
    static const char *const wrong[] = {"",
                                        ".hidden",
                                        "a/b",
                                        "../x",
                                        "a b",
                                        "a\n",
                                        "12345678901234567890123456789012345678901234567890123456789012345"};
    es_key_t key;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(es_key_make(&key, ES_ROLE_EDGE, wrong[i], w->err, sizeof w->err), -1);
}

static void a_key_open_to_others_is_refused(void **state)
{
    world_t *w = *state;
    static const mode_t wrong[] = {0640, 0604, 0620, 0602, 0644, 0777};
    es_key_t key = saved(w, ES_ROLE_EDGE, "edge");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(chmod(path(w, "edge.key"), wrong[i]), 0);
        assert_int_equal(es_key_load(&key, path(w, "edge.key"), w->err, sizeof w->err), -1);
        assert_non_null(strstr(w->err, "chmod 600"));
        assert_string_equal(key.secret_key, "");
    }
    assert_int_equal(chmod(path(w, "edge.key"), 0400), 0);
    assert_int_equal(es_key_load(&key, path(w, "edge.key"), w->err, sizeof w->err), 0);
}

#define PUBLIC "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
#define META "metadata\n    role = \"edge\"\n    name = \"e\"\n"

static void what_is_no_key_is_refused(void **state)
{
    world_t *w = *state;
    static const char *const wrong[] = {
        "",
        "rubbish",
        "{\"json\": 1}",
        META,
        META "curve\n    public-key = \"short\"\n",
        META "curve\n    public-key = \"" PUBLIC "x\"\n",
        META "curve\n    public-key = \"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hI\\\"\n",
        "metadata\n    name = \"e\"\ncurve\n    public-key = \"" PUBLIC "\"\n",
        "metadata\n    role = \"king\"\n    name = \"e\"\ncurve\n    public-key = \"" PUBLIC "\"\n",
        "metadata\n    role = \"edge\"\n    name = \"../e\"\ncurve\n    public-key = \"" PUBLIC "\"\n",
    };
    es_key_t key;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        put(w, "bad.pub", wrong[i], 0600);
        w->err[0] = 0;
        assert_int_equal(es_key_load_public(&key, path(w, "bad.pub"), w->err, sizeof w->err), -1);
        assert_non_null(strstr(w->err, "bad.pub"));
    }
    put(w, "good.pub", META "curve\n    public-key = \"" PUBLIC "\"\n", 0600);
    assert_int_equal(es_key_load_public(&key, path(w, "good.pub"), w->err, sizeof w->err), 0);
    assert_int_equal(es_key_load_public(&key, w->dir, w->err, sizeof w->err), -1);
    assert_int_equal(es_key_load_public(&key, path(w, "nowhere.pub"), w->err, sizeof w->err), -1);
}

static void a_long_file_is_refused(void **state)
{
    world_t *w = *state;
    static char text[10000];
    es_key_t key;
    memset(text, '#', sizeof text - 1);
    put(w, "long.pub", text, 0600);
    assert_int_equal(es_key_load_public(&key, path(w, "long.pub"), w->err, sizeof w->err), -1);
}

static int complaints;
static void complain(const char *sentence)
{
    assert_true(strlen(sentence) > 10);
    complaints++;
}

static void a_directory_is_read_in_order(void **state)
{
    world_t *w = *state;
    es_keys_t keys;
    complaints = 0;
    assert_int_equal(es_keys_read(&keys, path(w, "not-there"), complain, w->err, sizeof w->err), 0);
    assert_int_equal(keys.count, 0);
    saved(w, ES_ROLE_ROOM, "b");
    saved(w, ES_ROLE_EDGE, "a");
    put(w, "c.pub", "rubbish", 0600);
    put(w, ".hidden.pub", "rubbish", 0600);
    assert_int_equal(es_keys_read(&keys, w->dir, complain, w->err, sizeof w->err), 0);
    assert_int_equal(keys.count, 2);
    assert_string_equal(keys.list[0].name, "a");
    assert_int_equal(keys.list[1].role, ES_ROLE_ROOM);
    assert_int_equal(complaints, 1);
    es_keys_fini(&keys);
    assert_int_equal(chmod(w->dir, 0777), 0);
    assert_int_equal(es_keys_read(&keys, w->dir, NULL, w->err, sizeof w->err), -1);
    assert_non_null(strstr(w->err, "chmod 700"));
}

/* Where no file can be opened it cannot be told who is allowed: what was known must stand. */
static void a_lack_of_descriptors_is_told_apart(void **state)
{
    world_t *w = *state;
    struct rlimit before, none;
    es_keys_t keys;
    saved(w, ES_ROLE_EDGE, "a");
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    int lowest = dup(0);
    assert_true(lowest > 0);
    close(lowest);
    none = before;
    none.rlim_cur = (rlim_t)lowest;
    for (int spare = 0; spare < 2; spare++) { /* not even the directory, and no file in it */
        none.rlim_cur = (rlim_t)(lowest + spare);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
        int rc = es_keys_read(&keys, w->dir, complain, w->err, sizeof w->err), error = errno;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        if (rc == 0) es_keys_fini(&keys); /* scandir gives its descriptor back before files are opened */
        if (spare == 0) assert_int_equal(rc, -1);
        if (rc != 0) assert_int_equal(error, EMFILE);
    }
}

int main(void)
{
    signal(SIGXFSZ, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roles_have_names),
        cmocka_unit_test_setup_teardown(what_is_written_is_read_again, setup, teardown),
        cmocka_unit_test_setup_teardown(the_public_file_holds_no_secret, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_is_written_over_unless_forced, setup, teardown),
        cmocka_unit_test_setup_teardown(root_makes_them_for_whom_the_directory_is, setup, teardown),
        cmocka_unit_test_setup_teardown(czmq_reads_them, setup, teardown),
        cmocka_unit_test_setup_teardown(what_the_disk_does_not_take_changes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(half_a_pair_is_none, setup, teardown),
        cmocka_unit_test_setup_teardown(names_are_names_of_files, setup, teardown),
        cmocka_unit_test_setup_teardown(a_key_open_to_others_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_key_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_long_file_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_directory_is_read_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lack_of_descriptors_is_told_apart, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
