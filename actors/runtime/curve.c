#include "curve.h"

#include <czmq.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "endpoints.h"
#include "file_owner.h"
#include "log.h"

#ifndef ZMQ_ZAP_ENFORCE_DOMAIN /* in every libzmq since 4.3.0, named only in drafts */
#define ZMQ_ZAP_ENFORCE_DOMAIN 93
#endif

static struct {
    es_role_t role;
    bool insecure, own; /* own: there is a key of ours */
    es_key_t key;
    int brokers; /* keys of brokers: none, one for all, or one for each base */
    char broker_keys[ES_BROKERS_MAX][ES_KEY_TEXT + 1];
    int n;
    es_endpoints_t bases[ES_BROKERS_MAX + 1]; /* the last one may be `also` */
} self;

static bool is_tcp(const char *endpoint)
{
    return strncmp(endpoint, "tcp://", 6) == 0;
}

static int complain(const char *option, const char *sentence)
{
    fprintf(stderr, "earshot: --%s: %s\n", option, sentence);
    return -1;
}

/* ---- which keys ---- */

static int take_bases(const es_common_config_t *common, const char *also)
{
    char err[512];
    self.n = es_endpoints_parse_list(self.bases, common->broker, err, sizeof err);
    if (self.n < 0) return complain("broker", err);
    if (also && es_endpoints_parse(&self.bases[self.n++], also, err, sizeof err) != 0) return complain("tcp", err);
    return 0;
}

static bool speaks_tcp(void)
{
    for (int i = 0; i < self.n; i++)
        if (is_tcp(self.bases[i].base)) return true;
    return false;
}

/* What cannot be looked at is there: who reads it says why not. */
static bool is_there(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 || errno != ENOENT;
}

/* The first of these that is there. */
static bool find_own(const es_common_config_t *common, char path[ES_KEY_PATH_MAX])
{
    bool may_observe = self.role == ES_ROLE_OPERATOR;
    const char *const names[] = {common->name, es_role_name(self.role),
                                 may_observe ? es_role_name(ES_ROLE_OBSERVER) : common->name};
    if (common->key && *common->key) {
        snprintf(path, ES_KEY_PATH_MAX, "%s", common->key);
        return true;
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (es_key_path(path, common->keys, names[i], ".key") == 0 && is_there(path)) return true;
    return false;
}

static int load_own(const es_common_config_t *common)
{
    char path[ES_KEY_PATH_MAX], err[640];
    if (!find_own(common, path)) return 0;
    if (es_key_load(&self.key, path, err, sizeof err) != 0) return complain("key", err);
    self.own = true;
    bool observes = self.role == ES_ROLE_OPERATOR && self.key.role == ES_ROLE_OBSERVER;
    if (self.key.role == self.role || observes) return 0;
    snprintf(err, sizeof err, "\"%.400s\" is the key of role %s, and this is a process of role %s: earshot keygen %s",
             path, es_role_name(self.key.role), es_role_name(self.role), es_role_name(self.role));
    return complain("key", err);
}

static int load_broker(const char *path)
{
    char err[640];
    es_key_t key;
    if (self.brokers == ES_BROKERS_MAX) return complain("broker-key", "more files than there may be brokers");
    if (es_key_load_public(&key, path, err, sizeof err) != 0) return complain("broker-key", err);
    if (key.role != ES_ROLE_BROKER) {
        snprintf(err, sizeof err, "\"%.400s\" is the key of role %s; name the broker's .pub", path,
                 es_role_name(key.role));
        return complain("broker-key", err);
    }
    memcpy(self.broker_keys[self.brokers++], key.public_key, sizeof key.public_key);
    return 0;
}

static int load_brokers(const es_common_config_t *common)
{
    char path[ES_KEY_PATH_MAX];
    if (!common->broker_key || !*common->broker_key) {
        bool there = es_key_path(path, common->keys, "broker", ".pub") == 0 && is_there(path);
        return there ? load_broker(path) : 0;
    }
    for (const char *at = common->broker_key;;) {
        size_t len = strcspn(at, ",");
        snprintf(path, sizeof path, "%.*s", (int)len, at);
        if (load_broker(path) != 0) return -1;
        if (at[len] == 0) break;
        at += len + 1;
    }
    if (self.brokers == 1 || self.brokers == self.n) return 0;
    return complain("broker-key", "name one file for all brokers, or one for each of --broker, in its order");
}

/* ---- may it be spoken ---- */

static bool keys_complete(void)
{
    return self.own && (self.role == ES_ROLE_BROKER || self.brokers > 0);
}

/* Who reads the log of a service is somebody else than its user, to whom the keys must be. */
static void as_user(char out[ES_USER_NAME_MAX + 16])
{
    char name[ES_USER_NAME_MAX];
    out[0] = 0;
    if (geteuid() == 0 || isatty(STDERR_FILENO)) return;
    es_user_name(name, geteuid());
    snprintf(out, ES_USER_NAME_MAX + 16, "sudo -u %s ", name);
}

/* What is missing, and how to come by it. */
static void advise(const char *base, const char *keys, char *out, size_t cap)
{
    char sudo[ES_USER_NAME_MAX + 16];
    const char *role = es_role_name(self.role);
    as_user(sudo);
    if (self.role == ES_ROLE_BROKER)
        snprintf(
            out, cap,
            "\"%.160s\" is served beyond this machine, and there is no key: %searshot keygen broker --keys %.200s, "
            "then `earshot keys add` for each peer; --insecure lets everybody in",
            base, sudo, keys);
    else if (!self.own)
        snprintf(out, cap,
                 "\"%.160s\" is beyond this machine, and there is no key: %searshot keygen %s --keys %.200s, `earshot "
                 "keys add` its .pub where the broker is, and bring broker.pub here; --insecure goes without",
                 base, sudo, role, keys);
    else
        snprintf(
            out, cap,
            "\"%.160s\" is beyond this machine, and the broker's key is not there: bring its broker.pub into %.200s or "
            "name it with --broker-key; --insecure goes without",
            base, keys);
}

static int check(const es_common_config_t *common)
{
    char sentence[640];
    for (int i = 0; i < self.n; i++) {
        if (self.insecure || keys_complete() || es_endpoints_local(self.bases[i].base)) continue;
        advise(self.bases[i].base, common->keys, sentence, sizeof sentence);
        return complain(self.role == ES_ROLE_BROKER ? "tcp" : "broker", sentence);
    }
    return 0;
}

int es_curve_init(const es_common_config_t *common, es_role_t role, const char *also)
{
    es_key_forget(&self.key);
    memset(&self, 0, sizeof self);
    self.role = role;
    self.insecure = common->insecure;
    if (take_bases(common, also) != 0) return -1;
    if (!speaks_tcp()) return 0;
    if (load_own(common) != 0 || (role != ES_ROLE_BROKER && load_brokers(common) != 0)) return -1;
    return check(common);
}

void es_curve_forget(void)
{
    explicit_bzero(&self.key, sizeof self.key);
    self.own = false;
}

bool es_curve_on(void)
{
    return keys_complete();
}

/* ---- sockets ---- */

/* The mechanism NULL, until something else is said: what an earlier endpoint of this socket wanted is not for this one. */
static int set_plain(void *socket)
{
    int off = 0;
    return zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &off, sizeof off);
}

static int set_client(void *socket, const char *server)
{
    return zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server, ES_KEY_TEXT + 1) == 0 &&
                   zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, self.key.public_key, ES_KEY_TEXT + 1) == 0 &&
                   zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, self.key.secret_key, ES_KEY_TEXT + 1) == 0
               ? 0
               : -1;
}

static int set_server(void *socket, const char *domain)
{
    int on = 1;
    return zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &on, sizeof on) == 0 &&
                   zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, self.key.secret_key, ES_KEY_TEXT + 1) == 0 &&
                   zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, domain, strlen(domain)) == 0 &&
                   zmq_setsockopt(socket, ZMQ_ZAP_ENFORCE_DOMAIN, &on, sizeof on) == 0
               ? 0
               : -1;
}

/* The key of the broker whose endpoint this is. */
static const char *broker_key(const char *endpoint)
{
    for (int i = 0; i < self.n && self.brokers > 1; i++) {
        const es_endpoints_t *at = &self.bases[i];
        if (strcmp(at->frontend, endpoint) == 0 || strcmp(at->backend, endpoint) == 0 ||
            strcmp(at->results, endpoint) == 0 || strcmp(at->publish, endpoint) == 0)
            return self.broker_keys[i];
    }
    return self.broker_keys[0];
}

/* Without keys. */
static int allow_plain(const char *endpoint)
{
    if (!is_tcp(endpoint) || es_endpoints_local(endpoint)) return 0;
    if (self.insecure) {
        es_log_warn("--insecure: this leg is not encrypted, and whoever reaches it is believed",
                    ES_S("endpoint", endpoint));
        return 0;
    }
    es_log_error("refused: beyond this machine tcp wants keys; see earshot keygen, or insist with --insecure",
                 ES_S("endpoint", endpoint));
    errno = EACCES;
    return -1;
}

int es_curve_connect(void *socket, const char *endpoint)
{
    bool curve = is_tcp(endpoint) && keys_complete() && self.role != ES_ROLE_BROKER;
    if (set_plain(socket) != 0) return -1;
    if (curve ? set_client(socket, broker_key(endpoint)) != 0 : allow_plain(endpoint) != 0) return -1;
    return zmq_connect(socket, endpoint);
}

int es_curve_bind(void *socket, const char *endpoint, const char *domain)
{
    bool curve = is_tcp(endpoint) && keys_complete() && self.role == ES_ROLE_BROKER;
    if (set_plain(socket) != 0) return -1;
    if (curve ? set_server(socket, domain) != 0 : allow_plain(endpoint) != 0) return -1;
    return zmq_bind(socket, endpoint);
}
