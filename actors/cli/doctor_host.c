/* The machine: what a house needs of it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include "config_parts.h"
#include "doctor.h"
#include "doctor_judge.h"
#include "url_shown.h"
#include "wire.h"

extern char **environ;

enum { PATH_BYTES = 1100 };

/* ---- data */

static void mode_of(es_doctor_t *self, const char *path, unsigned allowed, const char *holds)
{
    struct stat st;
    es_finding_t finding;
    if (stat(path, &st) != 0) return;
    es_judge_mode(&finding, path, st.st_mode, allowed, holds);
    es_doctor_tell(self, &finding);
}

static void owner_of(es_doctor_t *self, const char *path)
{
    struct stat st;
    es_finding_t finding;
    if (stat(path, &st) != 0 || st.st_uid == geteuid()) return;
    es_finding_set(&finding, ES_VERDICT_WARN, "%.300s belongs to user %u, and this is user %u", path,
                   (unsigned)st.st_uid, (unsigned)geteuid());
    es_finding_mend(&finding, "ask as the user that the house runs as: sudo -u USER earshot doctor --data %.300s",
                    path);
    es_doctor_tell(self, &finding);
}

void es_doctor_data(es_doctor_t *self)
{
    const char *data = self->config->common.data;
    es_finding_t finding;
    char token[PATH_BYTES];
    if (!self->config->data_usable) {
        es_finding_set(&finding, ES_VERDICT_FAIL, "the data directory cannot be used: the line above says why");
        es_finding_mend(&finding, "name another with --data, or make it this user's");
        es_doctor_tell(self, &finding);
        return;
    }
    owner_of(self, data);
    mode_of(self, data, 0755, "sockets and process numbers");
    es_operator_token_file(token, sizeof token, data);
    mode_of(self, token, 0600, "the operator's token");
    mode_of(self, self->config->spool, 0750, "recordings");
}

/* ---- settings */

static const char *const secrets[] = {"EARSHOT_TOKEN", "EARSHOT_LLM_KEY"};

/* An address may hold a password, whatever it is of. */
static bool holds_secret(const es_env_file_t *file)
{
    for (size_t i = 0; i < file->count; i++)
        if (es_url_has_password(file->entries[i].value)) return true;
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
        const char *value = es_env_file_get(file, secrets[i]);
        if (value && *value) return true;
    }
    return false;
}

static void look_at_file(es_doctor_t *self, const char *path, bool named)
{
    es_env_file_t file;
    es_finding_t finding;
    char err[600];
    if (es_env_file_read(&file, path, named, err, sizeof err) != 0) {
        es_finding_set(&finding, ES_VERDICT_FAIL, "%s", err);
        es_doctor_tell(self, &finding);
        return;
    }
    if (file.count == 0)
        es_finding_set(&finding, ES_VERDICT_OK, "there are no settings in %.300s", path);
    else
        es_finding_set(&finding, ES_VERDICT_OK, "%.300s can be read and has %zu settings", path, file.count);
    es_doctor_tell(self, &finding);
    if (holds_secret(&file)) mode_of(self, path, 0640, "a secret");
    es_env_file_fini(&file);
}

/* The loader of options does not mind names that nobody asks for in the environment, as it does in a file. */
static void look_at_environment(es_doctor_t *self)
{
    es_finding_t finding;
    for (char **at = environ; *at; at++) {
        char name[ES_ENV_NAME_MAX];
        size_t len = strcspn(*at, "=");
        if (strncmp(*at, "EARSHOT_", 8) != 0 || len >= sizeof name) continue;
        snprintf(name, sizeof name, "%.*s", (int)len, *at);
        if (es_config_house_name(name)) continue;
        es_finding_set(&finding, ES_VERDICT_WARN, "%s in the environment is no setting of any program", name);
        es_finding_mend(&finding, "is it a slip of the pen? Each program's --help has the names");
        es_doctor_tell(self, &finding);
    }
}

void es_doctor_settings(es_doctor_t *self)
{
    const char *path = self->config->common.env_file;
    bool named = path && *path;
    look_at_file(self, named ? path : ".env", named);
    look_at_environment(self);
}

/* ---- limits */

/* The first number in a file of the kernel's, or `otherwise`. */
static uint64_t number_in(const char *path, uint64_t otherwise)
{
    unsigned long long value;
    FILE *file = fopen(path, "re");
    bool read = file && fscanf(file, "%llu", &value) == 1;
    if (file) fclose(file);
    return read ? value : otherwise;
}

/* Of the machine, and where a group of processes is given less, of that. */
static uint64_t available_memory(void)
{
    unsigned long long kb = 0;
    char line[128];
    FILE *file = fopen("/proc/meminfo", "re");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "MemAvailable: %llu kB", &kb) == 1) break;
    if (file) fclose(file);
    uint64_t all = kb * 1024, most = number_in("/sys/fs/cgroup/memory.max", UINT64_MAX);
    uint64_t used = number_in("/sys/fs/cgroup/memory.current", 0);
    uint64_t left = used < most ? most - used : 0;
    return left < all ? left : all;
}

static void core_files(es_doctor_t *self)
{
    es_finding_t finding;
    if (!self->config->common.core_dumps) return;
    es_finding_set(&finding, ES_VERDICT_WARN,
                   "core files are allowed by EARSHOT_CORE_DUMPS, and may hold keys and speech");
    es_finding_mend(&finding, "take it out once the fault is found");
    es_doctor_tell(self, &finding);
}

void es_doctor_limits(es_doctor_t *self)
{
    struct rlimit limit;
    es_finding_t finding;
    getrlimit(RLIMIT_NOFILE, &limit);
    es_judge_descriptors(&finding, limit.rlim_max);
    es_doctor_tell(self, &finding);
    es_judge_backlog(&finding, number_in("/proc/sys/net/core/somaxconn", 0));
    es_doctor_tell(self, &finding);
    es_judge_memory(&finding, available_memory());
    es_doctor_tell(self, &finding);
    core_files(self);
}

/* ---- disk */

static bool disk_of(es_doctor_t *self, const char *path, unsigned long *seen)
{
    struct statvfs fs;
    es_finding_t finding;
    if (statvfs(path, &fs) != 0) return false;
    if (fs.f_fsid == *seen) return true;
    *seen = fs.f_fsid;
    es_judge_disk(&finding, path, (uint64_t)fs.f_bavail * fs.f_frsize, (uint64_t)fs.f_blocks * fs.f_frsize);
    es_doctor_tell(self, &finding);
    return true;
}

/* Where recordings are kept only if that is elsewhere. */
void es_doctor_disk(es_doctor_t *self)
{
    unsigned long seen = 0;
    es_finding_t finding;
    if (!self->config->data_usable || !disk_of(self, self->config->common.data, &seen)) {
        es_finding_set(&finding, ES_VERDICT_SKIP, "there is no data directory to look at");
        es_doctor_tell(self, &finding);
        return;
    }
    disk_of(self, self->config->spool, &seen);
}

/* ---- clock */

void es_doctor_clock(es_doctor_t *self)
{
    es_finding_t finding;
    struct timex now = {.modes = 0};
    int state = adjtimex(&now);
    es_judge_clock(&finding, (int64_t)(es_wall_us() / 1000000),
                   state != -1 && state != TIME_ERROR && !(now.status & STA_UNSYNC));
    es_doctor_tell(self, &finding);
}
