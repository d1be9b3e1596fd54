#include "dead_box.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "dead_letters.h"

enum { STAMP = 22 }; /* "-TIME-N" */

static bool of_a_letter(const char *name)
{
    size_t len = strlen(name), tail = strlen(ES_DEAD_SUFFIX);
    return len > tail + STAMP && len < ES_DEAD_LETTER_NAME && name[0] != '.' &&
           strcmp(name + len - tail, ES_DEAD_SUFFIX) == 0;
}

static int letters_only(const struct dirent *entry)
{
    return of_a_letter(entry->d_name);
}

/* By the time in the name, whoever wrote it. */
static int by_time(const void *a, const void *b)
{
    const char *left = *(char *const *)a, *right = *(char *const *)b;
    return strcmp(left + strlen(left) - STAMP, right + strlen(right) - STAMP);
}

int es_dead_box_list(es_dead_ids_t *out, const char *data, char *err, size_t err_len)
{
    char dir[ES_DEAD_BOX_PATH];
    struct dirent **entries = NULL;
    *out = (es_dead_ids_t){.count = 0};
    snprintf(dir, sizeof dir, "%s/dead", data);
    int n = scandir(dir, &entries, letters_only, NULL);
    if (n < 0 && errno == ENOENT) return 0;
    if (n < 0) {
        snprintf(err, err_len, "%s cannot be read: %s", dir, strerror(errno));
        return -1;
    }
    out->ids = es_alloc((size_t)n * sizeof *out->ids + 1);
    for (int i = 0; i < n; i++) {
        out->ids[out->count++] = es_alloc_copy(entries[i]->d_name, strlen(entries[i]->d_name) - strlen(ES_DEAD_SUFFIX));
        free(entries[i]);
    }
    free(entries);
    qsort(out->ids, out->count, sizeof *out->ids, by_time);
    return 0;
}

void es_dead_box_fini(es_dead_ids_t *ids)
{
    for (size_t i = 0; i < ids->count; i++) free(ids->ids[i]);
    free(ids->ids);
    *ids = (es_dead_ids_t){.count = 0};
}

int es_dead_box_path(char out[ES_DEAD_BOX_PATH], const char *data, const char *id, char *err, size_t err_len)
{
    char name[2 * ES_DEAD_LETTER_NAME];
    int n = snprintf(name, sizeof name, "%s" ES_DEAD_SUFFIX, id);
    bool fine = n > 0 && n < ES_DEAD_LETTER_NAME && !strchr(id, '/') && of_a_letter(name);
    if (!fine) {
        snprintf(err, err_len, "\"%.100s\" is no letter's id; \"earshot dead list\" tells them", id);
        return -1;
    }
    snprintf(out, ES_DEAD_BOX_PATH, "%.600s/dead/%s", data, name);
    return 0;
}

static int load(es_dead_file_t *out, int fd)
{
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) return -1;
    if (!S_ISREG(st.st_mode) || st.st_size > ES_DEAD_MAX + ES_DEAD_HEAD_MAX) {
        errno = EFBIG;
        return -1;
    }
    out->bytes = es_alloc((size_t)st.st_size + 1);
    for (ssize_t n = 1; n > 0 && out->len < (size_t)st.st_size;) {
        n = read(fd, out->bytes + out->len, (size_t)st.st_size - out->len);
        if (n < 0 && errno != EINTR) return -1;
        if (n > 0) out->len += (size_t)n;
    }
    return 0;
}

int es_dead_box_read(es_dead_file_t *out, const char *data, const char *id, char *err, size_t err_len)
{
    char path[ES_DEAD_BOX_PATH];
    *out = (es_dead_file_t){.len = 0};
    if (es_dead_box_path(path, data, id, err, err_len) != 0) return -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int rc = load(out, fd);
    if (rc != 0)
        snprintf(err, err_len, errno == ENOENT ? "there is no letter %s" : "%s cannot be read: %s",
                 errno == ENOENT ? id : path, strerror(errno));
    if (fd >= 0) close(fd);
    if (rc == 0 && es_dead_letter_parse(&out->letter, es_span_of(out->bytes, out->len)) == 0) return 0;
    if (rc == 0) snprintf(err, err_len, "%s is damaged: delete it with \"earshot dead rm %s\"", path, id);
    es_dead_file_fini(out);
    return -1;
}

void es_dead_file_fini(es_dead_file_t *file)
{
    free(file->bytes);
    *file = (es_dead_file_t){.len = 0};
}
