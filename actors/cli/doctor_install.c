/* What is installed here. */
#include <dlfcn.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "binaries.h"
#include "doctor.h"
#include "doctor_judge.h"
#include "up_plan.h"
#include "wire.h"
#include "ws_client.h"

extern char **environ;

enum { PATH_BYTES = 1100, ANSWER_BYTES = 200 };

/* ---- libraries */

void es_doctor_libraries(es_doctor_t *self)
{
    int major, minor, patch;
    char zmq[40];
    es_finding_t finding;
    zmq_version(&major, &minor, &patch);
    snprintf(zmq, sizeof zmq, "%d.%d.%d", major, minor, patch);
    const struct {
        const char *name, *version;
    } libraries[] = {{"libzmq", zmq},
                     {"libwebsockets", es_ws_client_library()},
                     {"OpenSSL", OpenSSL_version(OPENSSL_VERSION_STRING)}};
    for (size_t i = 0; i < sizeof libraries / sizeof libraries[0]; i++) {
        es_judge_library(&finding, libraries[i].name, libraries[i].version);
        es_doctor_tell(self, &finding);
    }
}

/* ---- programs */

/* What `path --version` writes. 0, or -1. */
static int ask_version(char *path, char out[ANSWER_BYTES])
{
    int ends[2], status = -1;
    pid_t pid;
    char flag[] = "--version", *argv[] = {path, flag, NULL};
    if (pipe2(ends, O_CLOEXEC) != 0) return -1;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    bool started = posix_spawn(&pid, path, &actions, NULL, argv, environ) == 0;
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    ssize_t n = started ? read(ends[0], out, ANSWER_BYTES - 1) : 0;
    close(ends[0]);
    out[n > 0 ? n : 0] = '\0';
    if (started) waitpid(pid, &status, 0);
    return n > 0 && status == 0 ? 0 : -1;
}

static void program(es_doctor_t *self, const char *name, size_t *same)
{
    char path[ES_BINARY_PATH_MAX], err[1300], answer[ANSWER_BYTES] = "";
    es_finding_t finding;
    if (es_binary_find(name, path, sizeof path, err, sizeof err) != 0) {
        es_finding_set(&finding, ES_VERDICT_WARN, "there is no %s", name);
        es_finding_mend(&finding, "it is found beside earshot, in ../libexec/earshot or in PATH; this machine can do "
                                  "without if another one runs it");
        es_doctor_tell(self, &finding);
        return;
    }
    bool told = ask_version(path, answer) == 0;
    answer[strcspn(answer, "\r\n")] = '\0';
    const char *release = strrchr(answer, ' ');
    es_judge_release(&finding, path, told && release ? release + 1 : NULL, es_config_release());
    *same += finding.verdict == ES_VERDICT_OK;
    if (finding.verdict != ES_VERDICT_OK) es_doctor_tell(self, &finding);
}

void es_doctor_programs(es_doctor_t *self)
{
    size_t same = 0;
    es_finding_t finding;
    for (es_up_role_t role = 0; role < ES_UP_ROLES; role++) program(self, es_up_binary(role), &same);
    es_finding_set(&finding, ES_VERDICT_OK, "%zu programs are here, of release %s, as this command", same,
                   es_config_release());
    if (same > 0) es_doctor_tell(self, &finding);
}

/* ---- packages */

static void model(es_doctor_t *self)
{
    static const char *const files[] = {"en-us/mdef", "en-us.lm.bin", "cmudict-en-us.dict"};
    const char *dir = self->config->model_dir;
    char path[PATH_BYTES];
    es_finding_t finding;
    es_finding_set(&finding, ES_VERDICT_OK, "the speech model of pocketsphinx is in %.300s", dir);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%.512s/%s", dir, files[i]);
        if (access(path, R_OK) == 0) continue;
        es_finding_set(&finding, ES_VERDICT_WARN,
                       "there is no %.600s: a transcriber with --engine pocketsphinx does not start", path);
        es_finding_mend(&finding, "apt-get install pocketsphinx-en-us, or name the model's directory with --model-dir");
        break;
    }
    es_doctor_tell(self, &finding);
}

static void event_loop(es_doctor_t *self)
{
    static const char library[] = "libwebsockets-evlib_ev.so";
    es_finding_t finding;
    void *handle = dlopen(library, RTLD_LAZY | RTLD_LOCAL);
    if (handle) {
        dlclose(handle);
        es_finding_set(&finding, ES_VERDICT_OK, "%s, which edges need, is there", library);
    } else {
        es_finding_set(&finding, ES_VERDICT_FAIL, "there is no %s: edges do not start", library);
        es_finding_mend(&finding, "apt-get install libwebsockets-evlib-ev");
    }
    es_doctor_tell(self, &finding);
}

void es_doctor_packages(es_doctor_t *self)
{
    event_loop(self);
    model(self);
}
