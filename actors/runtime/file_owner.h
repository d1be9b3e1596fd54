/* Whose files are. A house belongs to a user, and root looks after it: what a command makes there as root belongs to the house's user, or the house could not use it. */
#ifndef ES_FILE_OWNER_H
#define ES_FILE_OWNER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct {
    uid_t uid;
    gid_t gid;
    int dumpable;
} es_file_owner_t; /* who we were */

/* Root, where `path`, or what is there of it, belongs to another user: from now until es_file_owner_leave this thread makes, opens and writes files as that user; what it made as root
 * and gave away, he could turn against root by a link. For others nothing changes. */
es_file_owner_t es_file_owner_enter(const char *path);
void es_file_owner_leave(const es_file_owner_t *self);

/* What the error says, and where a permission is missing and what there is of `path` is another user's, whose that is: then true. Leaves errno as it is. */
bool es_file_owner_explain(char *out, size_t cap, const char *path, int error);

#define ES_USER_NAME_MAX 64
/* Of a user; its number where it has none. */
void es_user_name(char out[ES_USER_NAME_MAX], uid_t uid);

#endif
