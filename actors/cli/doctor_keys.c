/* Key files: are those there that tcp wants, do they fit together, and does the broker know them? */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doctor.h"
#include "doctor_judge.h"
#include "endpoints.h"
#include "keys.h"

typedef struct {
    es_doctor_t *doctor;
    const char *dir;
    char allowed[ES_KEY_PATH_MAX];
    bool broker_here; /* the broker's own key is in this directory: its list is what counts */
    es_key_t broker;  /* its public half, from broker.pub; role NONE: there is none */
    es_keys_t list;
} ring_t;

static void tell(ring_t *ring, es_verdict_t verdict, const char *mend, const char *sentence)
{
    es_finding_t finding;
    es_finding_set(&finding, verdict, "%s", sentence);
    es_finding_mend(&finding, "%s", mend);
    es_doctor_tell(ring->doctor, &finding);
}

/* ---- what tcp wants */

/* Does any broker that is named want a key? */
static bool tcp_named(const char *brokers, bool *beyond)
{
    es_endpoints_t list[ES_BROKERS_MAX];
    char err[512];
    bool any = false;
    int n = es_endpoints_parse_list(list, brokers, err, sizeof err);
    for (int i = 0; i < n; i++) {
        any |= strncmp(list[i].base, "tcp://", 6) == 0;
        *beyond |= !es_endpoints_local(list[i].base);
    }
    return any;
}

/* ---- the broker's public key */

static void broker_pub(ring_t *ring, bool beyond)
{
    char path[ES_KEY_PATH_MAX], err[640], sentence[900];
    if (es_key_path(path, ring->dir, "broker", ".pub") != 0) return;
    if (access(path, F_OK) != 0) {
        snprintf(sentence, sizeof sentence, "there is no %.600s", path);
        tell(ring, beyond ? ES_VERDICT_FAIL : ES_VERDICT_SKIP,
             "bring the broker's broker.pub here, or make a pair where the broker is: earshot keygen broker", sentence);
        return;
    }
    if (es_key_load_public(&ring->broker, path, err, sizeof err) != 0) {
        tell(ring, ES_VERDICT_FAIL, "bring the broker's broker.pub here anew", err);
        ring->broker.role = ES_ROLE_NONE;
        return;
    }
    if (ring->broker.role == ES_ROLE_BROKER) return;
    snprintf(sentence, sizeof sentence, "%.600s is the key of role %s, not of the broker", path,
             es_role_name(ring->broker.role));
    tell(ring, ES_VERDICT_FAIL, "bring the broker's broker.pub here", sentence);
}

/* ---- a pair */

static bool let_in(const ring_t *ring, const es_key_t *key)
{
    for (size_t i = 0; i < ring->list.count; i++)
        if (strcmp(ring->list.list[i].public_key, key->public_key) == 0 && ring->list.list[i].role == key->role)
            return true;
    return false;
}

/* The other half beside it. */
static bool public_half_fits(const ring_t *ring, const es_key_t *key, const char *name)
{
    char path[ES_KEY_PATH_MAX], err[640];
    es_key_t half;
    if (es_key_path(path, ring->dir, name, ".pub") != 0 || access(path, F_OK) != 0) return true;
    return es_key_load_public(&half, path, err, sizeof err) == 0 && strcmp(half.public_key, key->public_key) == 0 &&
           half.role == key->role;
}

static void pair(ring_t *ring, const char *name)
{
    char path[ES_KEY_PATH_MAX], err[640], sentence[900];
    es_key_t key;
    if (es_key_path(path, ring->dir, name, ".key") != 0) return;
    if (es_key_load(&key, path, err, sizeof err) != 0) {
        tell(ring, ES_VERDICT_FAIL, "chmod 0600, or make a new pair: earshot keygen --force ROLE NAME", err);
        return;
    }
    es_key_forget(&key);
    if (!public_half_fits(ring, &key, name)) {
        snprintf(sentence, sizeof sentence, "%.500s and the .pub beside it are not of one pair", path);
        tell(ring, ES_VERDICT_FAIL,
             "bring the .pub that was made with it here, or make a new pair: earshot keygen --force", sentence);
    } else if (key.role != ES_ROLE_BROKER && ring->broker_here && !let_in(ring, &key)) {
        snprintf(sentence, sizeof sentence, "%.500s (role %s) is not among those that the broker lets in", path,
                 es_role_name(key.role));
        tell(ring, ES_VERDICT_WARN, "let it in, if it is to come: earshot keys add NAME.pub", sentence);
    } else {
        snprintf(sentence, sizeof sentence, "%.500s is a key of role %s%s", path, es_role_name(key.role),
                 key.role == ES_ROLE_BROKER ? ""
                 : ring->broker_here        ? ", and the broker lets it in"
                                            : "; whether the broker lets it in is seen where the broker is");
        tell(ring, ES_VERDICT_OK, "", sentence);
    }
}

static int is_key(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return len > 4 && strcmp(entry->d_name + len - 4, ".key") == 0;
}

static int pairs(ring_t *ring)
{
    struct dirent **names;
    int n = scandir(ring->dir, &names, is_key, alphasort);
    for (int i = 0; i < n; i++) {
        names[i]->d_name[strlen(names[i]->d_name) - 4] = '\0';
        pair(ring, names[i]->d_name);
        free(names[i]);
    }
    if (n >= 0) free(names);
    return n;
}

/* ---- all of it */

static void read_list(ring_t *ring)
{
    char err[640], path[ES_KEY_PATH_MAX], sentence[200];
    ring->broker_here = es_key_path(path, ring->dir, "broker", ".key") == 0 && access(path, F_OK) == 0;
    if (!ring->broker_here || es_key_path(ring->allowed, ring->dir, "allowed", "") != 0) return;
    if (es_keys_read(&ring->list, ring->allowed, NULL, err, sizeof err) != 0) {
        tell(ring, ES_VERDICT_FAIL, "chmod 0700 the directory of those that are let in", err);
        return;
    }
    snprintf(sentence, sizeof sentence, "the broker of this directory lets %zu keys in", ring->list.count);
    tell(ring, ring->list.count ? ES_VERDICT_OK : ES_VERDICT_WARN,
         ring->list.count ? "" : "nobody may come over tcp: earshot keys add NAME.pub", sentence);
}

void es_doctor_keys(es_doctor_t *self)
{
    const es_common_config_t *common = &self->config->common;
    ring_t ring = {.doctor = self, .dir = common->keys};
    struct stat st;
    bool beyond = false, tcp = tcp_named(common->broker, &beyond), there = stat(ring.dir, &st) == 0;
    beyond = beyond && !common->insecure;
    if (!there && !beyond) {
        tell(&ring, ES_VERDICT_SKIP, "",
             tcp ? "there are no keys, and tcp stays on this machine"
                 : "no tcp is spoken with the broker: no keys are needed");
        return;
    }
    if (there) {
        es_finding_t finding;
        es_judge_mode(&finding, ring.dir, st.st_mode, 0750, "keys");
        es_doctor_tell(self, &finding);
    }
    read_list(&ring);
    if (!common->broker_key || !*common->broker_key) broker_pub(&ring, beyond);
    if (pairs(&ring) <= 0 && (!common->key || !*common->key))
        tell(&ring, beyond ? ES_VERDICT_FAIL : ES_VERDICT_SKIP,
             "make one: earshot keygen operator, and let it in where the broker is: earshot keys add operator.pub",
             "there is no key of ours");
    es_keys_fini(&ring.list);
}
