#include "file_owner.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 1200 };

/* A link counts as its owner's, who says where it leads; root's lead where root meant. */
static bool look(const char *path, struct stat *st)
{
    if (lstat(path, st) != 0) return false;
    return !S_ISLNK(st->st_mode) || st->st_uid != 0 || stat(path, st) == 0;
}

static bool shorten(char *path)
{
    char *slash = strrchr(path, '/');
    if (strcmp(path, ".") == 0 || strcmp(path, "/") == 0) return false;
    if (!slash)
        memcpy(path, ".", 2);
    else if (slash == path)
        path[1] = 0;
    else
        *slash = 0;
    return true;
}

/* What there is of a path, as far as we can see. */
static bool find(char part[PATH_BYTES], const char *path, struct stat *st)
{
    int n = snprintf(part, PATH_BYTES, "%s", path);
    if (n <= 0 || n >= PATH_BYTES) return false;
    while (!look(part, st))
        if (!shorten(part)) return false;
    return true;
}

es_file_owner_t es_file_owner_enter(const char *path)
{
    char part[PATH_BYTES];
    struct stat st;
    es_file_owner_t self = {.uid = geteuid(), .gid = getegid(), .dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0)};
    if (self.uid != 0 || !find(part, path, &st) || st.st_uid == 0) return self;
    setfsgid(st.st_gid);
    setfsuid(st.st_uid);
    return self;
}

void es_file_owner_leave(const es_file_owner_t *self)
{
    int error = errno;
    setfsuid(self->uid);
    setfsgid(self->gid);
    prctl(PR_SET_DUMPABLE, self->dumpable, 0, 0, 0); /* the kernel takes it away with each change */
    errno = error;
}

void es_user_name(char out[ES_USER_NAME_MAX], uid_t uid)
{
    const struct passwd *user = getpwuid(uid);
    if (user)
        snprintf(out, ES_USER_NAME_MAX, "%s", user->pw_name);
    else
        snprintf(out, ES_USER_NAME_MAX, "%lu", (unsigned long)uid);
}

bool es_file_owner_explain(char *out, size_t cap, const char *path, int error)
{
    char part[PATH_BYTES], owner[ES_USER_NAME_MAX], we[ES_USER_NAME_MAX];
    struct stat st;
    int before = errno;
    bool denied = error == EACCES || error == EPERM;
    bool others = denied && find(part, path, &st) && st.st_uid != geteuid();
    snprintf(out, cap, "%s", strerror(error));
    if (others) {
        es_user_name(owner, st.st_uid);
        es_user_name(we, geteuid());
        snprintf(out, cap, "%s: \"%.200s\" belongs to user %s, and this is user %s", strerror(error), part, owner, we);
    }
    errno = before;
    return others;
}
