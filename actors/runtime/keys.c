#include "keys.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <zmq.h>

#include "alloc.h"
#include "config_parts.h"
#include "file_owner.h"
#include "key_text.h"
#include "write_whole.h"

enum { FILE_MAX = 4096 };

static const char *const role_names[ES_ROLES] = {[ES_ROLE_NONE] = "none",         [ES_ROLE_BROKER] = "broker",
                                                 [ES_ROLE_EDGE] = "edge",         [ES_ROLE_TRANSCRIBER] = "transcriber",
                                                 [ES_ROLE_ROOM] = "room",         [ES_ROLE_JOBS] = "jobs",
                                                 [ES_ROLE_ANALYSIS] = "analysis", [ES_ROLE_WORKER] = "worker",
                                                 [ES_ROLE_OBSERVER] = "observer", [ES_ROLE_OPERATOR] = "operator"};

const char *es_role_name(es_role_t role)
{
    return role_names[role < ES_ROLES ? role : ES_ROLE_NONE];
}

es_role_t es_role_find(const char *name)
{
    for (es_role_t role = ES_ROLE_NONE + 1; role < ES_ROLES; role++)
        if (strcmp(name, role_names[role]) == 0) return role;
    return ES_ROLE_NONE;
}

es_role_t es_role_nearest(const char *name)
{
    es_role_t nearest = ES_ROLE_NONE + 1;
    for (es_role_t role = nearest; role < ES_ROLES; role++)
        if (es_config_distance(name, role_names[role]) < es_config_distance(name, role_names[nearest])) nearest = role;
    return nearest;
}

static int fail(char *err, size_t err_len, const char *what, const char *which, const char *advice)
{
    snprintf(err, err_len, "%s \"%.300s\": %s", what, which, advice);
    return -1;
}

static int fail_errno(char *err, size_t err_len, const char *what, const char *which)
{
    char why[500];
    es_file_owner_explain(why, sizeof why, which, errno);
    return fail(err, err_len, what, which, why);
}

int es_key_path(char out[ES_KEY_PATH_MAX], const char *dir, const char *name, const char *suffix)
{
    int n = snprintf(out, ES_KEY_PATH_MAX, "%s/%s%s", dir, name, suffix);
    return n > 0 && n < ES_KEY_PATH_MAX ? 0 : -1;
}

/* It becomes a file's name, and a part of the identity that the broker logs. */
static bool name_valid(const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)name[i]) && (i == 0 || !strchr("._-", name[i]))) return false;
    return len > 0 && len <= ES_NAME_MAX;
}

/* ---- making ---- */

int es_key_make(es_key_t *out, es_role_t role, const char *name, char *err, size_t err_len)
{
    memset(out, 0, sizeof *out);
    if (!name_valid(name))
        return fail(err, err_len, "name", name, "has 1 to 64 letters and digits, after the first also . _ and -");
    if (zmq_curve_keypair(out->public_key, out->secret_key) != 0)
        return fail(err, err_len, "no key for", name, "this libzmq is built without CURVE (libsodium)");
    out->role = role;
    memcpy(out->name, name, strlen(name) + 1);
    return 0;
}

/* Like mkdir, where it is not there; the user's alone. */
static int make_dir(const char *dir, char *err, size_t err_len)
{
    if (mkdir(dir, 0700) == 0 || errno == EEXIST) return 0;
    return fail_errno(err, err_len, "cannot make directory", dir);
}

/* One of the two files, before it has its name. */
typedef struct {
    char path[ES_KEY_PATH_MAX], fresh[ES_KEY_PATH_MAX + 24];
} draft_t;

/* As zcert_save does it, which cannot be asked whether the disk took what it wrote. The characters of keys and names need no escape. */
static size_t text_of(const es_key_t *key, bool secret, char text[FILE_MAX])
{
    int n = snprintf(text, FILE_MAX,
                     "#   %s key of CURVE, a certificate in the format of CZMQ. %s\n\n"
                     "metadata\n    role = \"%s\"\n    name = \"%s\"\ncurve\n    public-key = \"%s\"\n",
                     secret ? "Secret" : "Public", secret ? "Nobody else may read it." : "Everybody may read it.",
                     es_role_name(key->role), key->name, key->public_key);
    if (secret) n += snprintf(text + n, FILE_MAX - (size_t)n, "    secret-key = \"%s\"\n", key->secret_key);
    return (size_t)n;
}

/* On the disk, all of it, or not there. */
static int draft_write(draft_t *self, const es_key_t *key, bool secret, char *err, size_t err_len)
{
    char text[FILE_MAX], advice[200];
    size_t len = text_of(key, secret, text);
    snprintf(self->fresh, sizeof self->fresh, "%s.%ld", self->path, (long)getpid());
    int fd = open(self->fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, secret ? 0600 : 0644);
    if (fd < 0) return fail_errno(err, err_len, "cannot write", self->fresh);
    int rc = es_write_whole(fd, text, len) == 0 ? fsync(fd) : -1, error = errno;
    explicit_bzero(text, sizeof text);
    if (close(fd) != 0 && rc == 0) rc = -1, error = errno;
    if (rc == 0) return 0;
    unlink(self->fresh);
    snprintf(advice, sizeof advice, "%s; nothing is changed", strerror(error));
    return fail(err, err_len, "cannot write", self->path, advice);
}

/* It gets its name, at once. */
static int draft_place(const draft_t *self, bool force, char *err, size_t err_len)
{
    int rc = force ? rename(self->fresh, self->path) : link(self->fresh, self->path);
    int error = errno;
    if (rc != 0 || !force) unlink(self->fresh);
    if (rc == 0) return 0;
    if (error == EEXIST)
        return fail(err, err_len, "file", self->path,
                    "is there already; choose another name, or --force to write over it");
    errno = error;
    return fail_errno(err, err_len, "cannot write", self->path);
}

int es_key_save_public(const es_key_t *key, const char *path, bool force, char *err, size_t err_len)
{
    draft_t draft;
    if (strlen(path) >= sizeof draft.path) return fail(err, err_len, "file", path, "its path is too long");
    memcpy(draft.path, path, strlen(path) + 1);
    es_file_owner_t us = es_file_owner_enter(path);
    int rc = draft_write(&draft, key, false, err, err_len) == 0 ? draft_place(&draft, force, err, err_len) : -1;
    es_file_owner_leave(&us);
    return rc;
}

/* Both or none: a new .key beside somebody's old .pub would puzzle everyone. */
static int save_both(draft_t *secret, draft_t *public, const es_key_t *key, bool force, char *err, size_t err_len)
{
    if (draft_write(secret, key, true, err, err_len) != 0) return -1;
    if (draft_write(public, key, false, err, err_len) != 0) {
        unlink(secret->fresh);
        return -1;
    }
    if (draft_place(secret, force, err, err_len) != 0) {
        unlink(public->fresh);
        return -1;
    }
    if (draft_place(public, force, err, err_len) == 0) return 0;
    if (!force) unlink(secret->path);
    return -1;
}

static int save(const es_key_t *key, const char *dir, bool force, char *err, size_t err_len)
{
    draft_t secret, public;
    if (es_key_path(secret.path, dir, key->name, ".key") != 0 || es_key_path(public.path, dir, key->name, ".pub") != 0)
        return fail(err, err_len, "directory", dir, "its path is too long");
    if (make_dir(dir, err, err_len) != 0) return -1;
    if (!force && access(public.path, F_OK) == 0)
        return fail(err, err_len, "file", public.path,
                    "is there already; choose another name, or --force to write over it");
    return save_both(&secret, &public, key, force, err, err_len);
}

int es_key_save(const es_key_t *key, const char *dir, bool force, char *err, size_t err_len)
{
    es_file_owner_t us = es_file_owner_enter(dir);
    int rc = save(key, dir, force, err, err_len);
    es_file_owner_leave(&us);
    return rc;
}

void es_key_public_bytes(const es_key_t *key, uint8_t out[ES_KEY_BYTES])
{
    if (!zmq_z85_decode(out, key->public_key)) memset(out, 0, ES_KEY_BYTES);
}

void es_key_forget(es_key_t *key)
{
    explicit_bzero(key->secret_key, sizeof key->secret_key);
}

/* ---- reading ---- */

/* Whoever may read the secret half is who we are. The group may where the file is not ours, as those are that a container is given. */
static int check_private(const struct stat *st, const char *path, char *err, size_t err_len)
{
    bool open_to_others = (st->st_mode & 027) != 0 || ((st->st_mode & 040) != 0 && st->st_uid == geteuid());
    if (!open_to_others) return 0;
    return fail(err, err_len, "key file", path,
                "others may read or change it; chmod 600 it, or make a new key if they have");
}

static int read_text(char text[FILE_MAX + 1], const char *path, bool private, char *err, size_t err_len)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return fail_errno(err, err_len, "cannot read key file", path);
    bool regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    int rc = regular ? 0 : fail(err, err_len, "key file", path, "is not a file");
    if (rc == 0 && private) rc = check_private(&st, path, err, err_len);
    ssize_t n = rc == 0 ? read(fd, text, FILE_MAX + 1) : -1;
    close(fd);
    if (rc != 0) return -1;
    if (n < 0) return fail_errno(err, err_len, "cannot read key file", path);
    if (n > FILE_MAX || memchr(text, 0, (size_t)n))
        return fail(err, err_len, "key file", path, "is not one: make one with earshot keygen");
    text[n] = 0;
    return 0;
}

static bool take_half(char out[ES_KEY_TEXT + 1], const char *text)
{
    uint8_t key[ES_KEY_BYTES];
    if (strlen(text) != ES_KEY_TEXT || !zmq_z85_decode(key, text)) return false;
    memcpy(out, text, ES_KEY_TEXT + 1);
    explicit_bzero(key, sizeof key);
    return true;
}

static int parse(es_key_t *out, const char *text, bool secret, const char *path, char *err, size_t err_len)
{
    char public[ES_KEY_TEXT + 1] = "", hidden[ES_KEY_TEXT + 1] = "", role[ES_NAME_MAX + 1] = "";
    es_key_text_get(text, "curve", "public-key", public, sizeof public);
    if (!take_half(out->public_key, public))
        return fail(err, err_len, "key file", path, "holds no public key: make one with earshot keygen");
    if (secret) es_key_text_get(text, "curve", "secret-key", hidden, sizeof hidden);
    bool whole = !secret || take_half(out->secret_key, hidden);
    explicit_bzero(hidden, sizeof hidden);
    if (!whole) return fail(err, err_len, "key file", path, "holds no secret key; name the .key, not the .pub");
    es_key_text_get(text, "metadata", "role", role, sizeof role);
    out->role = es_role_find(role);
    if (out->role == ES_ROLE_NONE)
        return fail(err, err_len, "key file", path, "says no role that is known: make one with earshot keygen");
    if (es_key_text_get(text, "metadata", "name", out->name, sizeof out->name) != 0 || !name_valid(out->name))
        return fail(err, err_len, "key file", path, "says no name that is valid: make one with earshot keygen");
    return 0;
}

int es_key_parse(es_key_t *out, const char *text, bool secret, const char *path, char *err, size_t err_len)
{
    memset(out, 0, sizeof *out);
    int rc = parse(out, text, secret, path, err, err_len);
    if (rc != 0) es_key_forget(out);
    return rc;
}

static int load(es_key_t *out, const char *path, bool secret, char *err, size_t err_len)
{
    char text[FILE_MAX + 1];
    memset(out, 0, sizeof *out);
    if (read_text(text, path, secret, err, err_len) != 0) return -1;
    int rc = es_key_parse(out, text, secret, path, err, err_len);
    explicit_bzero(text, sizeof text);
    return rc;
}

int es_key_load(es_key_t *out, const char *path, char *err, size_t err_len)
{
    return load(out, path, true, err, err_len);
}

int es_key_load_public(es_key_t *out, const char *path, char *err, size_t err_len)
{
    return load(out, path, false, err, err_len);
}

/* ---- directories ---- */

static int is_public(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return entry->d_name[0] != '.' && len > 4 && strcmp(entry->d_name + len - 4, ".pub") == 0;
}

static bool out_of_files(void)
{
    return errno == EMFILE || errno == ENFILE;
}

/* -1: it cannot be told whether this is a key, since no file can be opened now. */
static int read_entry(es_keys_t *out, const char *dir, const char *file, void (*complain)(const char *sentence))
{
    char path[ES_KEY_PATH_MAX], err[512] = "its path is too long";
    errno = 0;
    if (es_key_path(path, dir, file, "") == 0 &&
        es_key_load_public(&out->list[out->count], path, err, sizeof err) == 0) {
        out->count++;
        return 0;
    }
    if (out_of_files()) return -1;
    if (complain) complain(err);
    return 0;
}

static int read_entries(es_keys_t *out, const char *dir, struct dirent **entries, int n,
                        void (*complain)(const char *sentence))
{
    int rc = 0;
    out->list = es_alloc_zero((size_t)n * sizeof *out->list + 1);
    for (int i = 0; i < n; i++) {
        if (rc == 0 && out->count < ES_KEYS_MAX) rc = read_entry(out, dir, entries[i]->d_name, complain);
        free(entries[i]);
    }
    free(entries);
    if (n > (int)ES_KEYS_MAX && complain) complain("more than 4096 keys are allowed; what comes after is left out");
    return rc;
}

/* Where nothing may be written nobody may, whatever the permissions say: so Secrets are mounted. */
static bool others_may_write(const char *dir, const struct stat *st)
{
    struct statvfs fs;
    return (st->st_mode & 022) != 0 && !(statvfs(dir, &fs) == 0 && fs.f_flag & ST_RDONLY);
}

int es_keys_read(es_keys_t *out, const char *dir, void (*complain)(const char *sentence), char *err, size_t err_len)
{
    struct stat st;
    struct dirent **entries;
    *out = (es_keys_t){.list = NULL};
    if (stat(dir, &st) != 0) return errno == ENOENT ? 0 : fail_errno(err, err_len, "cannot read directory", dir);
    if (others_may_write(dir, &st)) {
        errno = EPERM;
        return fail(err, err_len, "directory", dir, "others may write there; chmod 700 it");
    }
    int n = scandir(dir, &entries, is_public, alphasort);
    if (n < 0) return fail_errno(err, err_len, "cannot read directory", dir);
    if (read_entries(out, dir, entries, n, complain) == 0) return 0;
    es_keys_fini(out);
    errno = EMFILE;
    return fail_errno(err, err_len, "cannot read the keys in", dir);
}

void es_keys_fini(es_keys_t *keys)
{
    free(keys->list);
    *keys = (es_keys_t){.list = NULL};
}
