#include "pages.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "log.h"

static const char *type_of(const char *name)
{
    static const struct {
        const char *ending, *type;
    } types[] = {{".html", "text/html; charset=utf-8"},
                 {".js", "text/javascript; charset=utf-8"},
                 {".mjs", "text/javascript; charset=utf-8"},
                 {".css", "text/css; charset=utf-8"},
                 {".svg", "image/svg+xml"},
                 {".png", "image/png"},
                 {".ico", "image/x-icon"},
                 {".json", "application/json"},
                 {".webmanifest", "application/manifest+json"},
                 {".woff2", "font/woff2"},
                 {".txt", "text/plain; charset=utf-8"}};
    size_t n = strlen(name);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        size_t e = strlen(types[i].ending);
        if (n > e && !strcmp(name + n - e, types[i].ending)) return types[i].type;
    }
    return NULL;
}

static void tag(es_page_t *page)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (size_t i = 0; i < page->len; i++) hash = (hash ^ (uint8_t)page->body[i]) * UINT64_C(0x100000001b3);
    snprintf(page->etag, sizeof page->etag, "\"%016llx\"", (unsigned long long)hash);
}

static char *slurp(int fd, size_t len)
{
    char *body = es_alloc(len + 1);
    size_t got = 0;
    while (got < len) {
        ssize_t n = read(fd, body + got, len - got);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        got += (size_t)n;
    }
    if (got == len) return body;
    free(body);
    return NULL;
}

static void add(es_pages_t *self, int dir, const char *name)
{
    const char *type = type_of(name);
    if (!type || name[0] == '.') return;
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode)) {
        if (fd >= 0) close(fd);
        return;
    }
    es_page_t page = {.type = type, .len = (size_t)st.st_size};
    if (self->count < ES_PAGES_MAX && page.len <= ES_PAGE_BYTES_MAX) page.body = slurp(fd, page.len);
    close(fd);
    if (!page.body) {
        es_log_warn("a file of the page is left out: unreadable, over 8 MiB, or more than 128 files",
                    ES_S("file", name));
        return;
    }
    page.name = es_alloc_copy(name, strlen(name));
    tag(&page);
    self->pages[self->count++] = page;
}

int es_pages_load(es_pages_t *self, const char *dir)
{
    *self = (es_pages_t){0};
    DIR *d = opendir(dir);
    if (!d) {
        es_log_warn("pages are missing: a directory of them cannot be read, see --web", ES_S("dir", dir),
                    ES_S("error", strerror(errno)));
        return -1;
    }
    for (struct dirent *entry; (entry = readdir(d));) add(self, dirfd(d), entry->d_name);
    closedir(d);
    return 0;
}

void es_pages_fini(es_pages_t *self)
{
    for (size_t i = 0; i < self->count; i++) {
        free(self->pages[i].name);
        free(self->pages[i].body);
    }
    self->count = 0;
}

const es_page_t *es_pages_find(const es_pages_t *self, const char *name)
{
    for (size_t i = 0; i < self->count; i++)
        if (!strcmp(self->pages[i].name, name)) return &self->pages[i];
    return NULL;
}
