/* Privileges are dropped at once, not once all is bound: what root makes in a directory of another user, that user can turn against root (a link where a file is
 * to be). So whatever is made belongs to --user from the start, what the transcriber forks too. */
#include "privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

void es_privileges_harden(void)
{
    struct rlimit limit;
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (getrlimit(RLIMIT_CORE, &limit) != 0) return;
    limit.rlim_cur = 0;
    setrlimit(RLIMIT_CORE, &limit);
}

static void allow_core_files(void)
{
    struct rlimit limit;
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    if (getrlimit(RLIMIT_CORE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_CORE, &limit);
}

static int refuse(const char *user, const char *advice)
{
    fprintf(stderr, "earshot: --user %s: %s\n", user, advice);
    return -1;
}

/* Made by root where nobody else writes, or not at all: then whoever needs it says so. */
static void give_data(const char *data, const struct passwd *to)
{
    struct stat st;
    if (!data || !*data || mkdir(data, 0700) != 0) return;
    int fd = open(data, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return;
    if (fstat(fd, &st) == 0 && st.st_uid == 0 && fchown(fd, to->pw_uid, to->pw_gid) != 0)
        fprintf(stderr, "earshot: --data %s stays root's: %s\n", data, strerror(errno));
    close(fd);
}

/* The one right that is kept; what we start has it too, so that `earshot up` can have an edge on port 443. */
static int keep_low_ports(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {{0}};
    sets[0].effective = sets[0].permitted = sets[0].inheritable = 1u << CAP_NET_BIND_SERVICE;
    if (syscall(SYS_capset, &head, sets) != 0) return -1;
    return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0, 0);
}

/* A container may have taken that right from root before: then there is nothing to keep. */
static int drop_capabilities(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
    return keep_low_ports() == 0 ? 0 : (int)syscall(SYS_capset, &head, none);
}

static int become(const struct passwd *user)
{
    prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
    if (initgroups(user->pw_name, user->pw_gid) != 0 || setresgid(user->pw_gid, user->pw_gid, user->pw_gid) != 0 ||
        setresuid(user->pw_uid, user->pw_uid, user->pw_uid) != 0)
        return -1;
    prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    return drop_capabilities();
}

static int become_user(const es_common_config_t *common)
{
    const struct passwd *user = getpwnam(common->user);
    if (!user) return refuse(common->user, "there is no such user; adduser --system --group NAME makes one");
    if (user->pw_uid == 0) return refuse(common->user, "that user has every right; choose another, or leave it out");
    if (user->pw_uid == geteuid()) return 0;
    if (geteuid() != 0) return refuse(common->user, "only root can become somebody else: start it as root");
    give_data(common->data, user);
    return become(user) == 0 ? 0 : refuse(common->user, strerror(errno));
}

int es_privileges_settle(const es_common_config_t *common)
{
    if (common->user && *common->user && become_user(common) != 0) return -1;
    if (common->core_dumps) allow_core_files();
    return 0;
}
