#include "access.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "alloc.h"
#include "broker_metrics.h"
#include "catalogue.h"
#include "key_watch.h"
#include "log.h"
#include "wire.h"
#include "zap.h"

struct es_access {
    es_allowed_t allowed;
    es_zap_t *zap;
    es_key_watch_t *watch;
    const es_access_ops_t *ops;
    void *ctx;
    uint64_t now_us;           /* of the look that is going on */
    bool revoked;              /* in it */
    char last[ES_WHO_MAX + 1]; /* who spoke last, and its role: peers speak in batches */
    es_role_t last_role;
    char dir[ES_KEY_PATH_MAX];
};

/* ---- the list ---- */

static void on_added(void *ctx, const char *who)
{
    (void)ctx;
    es_log_info("key allowed", ES_S("peer", who));
}

static void on_revoked(void *ctx, const char *who)
{
    es_access_t *self = ctx;
    self->revoked = true;
    es_log_warn("key revoked: what was connected with it is cut off", ES_S("peer", who));
    es_metric_add(&es_broker_revoked_total, 1);
    self->ops->revoked(self->ctx, who, self->now_us);
}

static void complain(const char *sentence)
{
    es_log_warn("a key is left out", ES_S("reason", sentence));
}

static bool out_of_files(int error)
{
    return error == EMFILE || error == ENFILE;
}

/* 0; -1 where nothing could be read, with errno as es_keys_read has it. */
static int read_list(es_access_t *self, const es_allowed_ops_t *ops)
{
    char err[640];
    es_keys_t keys;
    if (es_keys_read(&keys, self->dir, complain, err, sizeof err) != 0) {
        int error = errno;
        bool again = out_of_files(error);
        es_log_error(again ? "the allowed keys cannot be read now; what was known still stands"
                           : "the allowed keys cannot be read: nobody is allowed on tcp until that is mended",
                     ES_S("reason", err));
        errno = error;
        if (again) return -1;
        keys = (es_keys_t){.list = NULL};
        es_allowed_replace(&self->allowed, &keys, ops, self);
        errno = error;
        return -1;
    }
    es_allowed_replace(&self->allowed, &keys, ops, self);
    es_keys_fini(&keys);
    return 0;
}

static void on_change(void *ctx, uint64_t now_us)
{
    static const es_allowed_ops_t ops = {.added = on_added, .revoked = on_revoked};
    es_access_t *self = ctx;
    self->now_us = now_us;
    self->revoked = false;
    self->last[0] = 0;
    if (read_list(self, &ops) != 0 && out_of_files(errno)) es_key_watch_again(self->watch, now_us);
    if (self->revoked) self->ops->prove(self->ctx, now_us);
}

static void refresh(void *ctx, uint64_t now_us)
{
    es_access_t *self = ctx;
    es_key_watch_look(self->watch, now_us);
}

static int open_list(es_access_t *self, const char *keys)
{
    static const es_allowed_ops_t nobody = {.added = NULL};
    if (es_key_path(self->dir, keys, "allowed", "") != 0) {
        es_log_error("the path of the keys is too long; choose another --keys", ES_S("keys", keys));
        return -1;
    }
    if (mkdir(self->dir, 0700) != 0 && errno != EEXIST) {
        es_log_error("cannot make the directory of allowed keys", ES_S("directory", self->dir),
                     ES_S("error", strerror(errno)));
        return -1;
    }
    self->watch = es_key_watch_new(self->dir, on_change, self);
    if (!self->watch || read_list(self, &nobody) != 0) return -1;
    es_log_info("tcp is served to those with an allowed key", ES_S("directory", self->dir),
                ES_U("keys", self->allowed.count));
    return 0;
}

es_access_t *es_access_new(const char *keys, const es_access_ops_t *ops, void *ctx)
{
    es_access_t *self = es_alloc_zero(sizeof *self);
    self->ops = ops;
    self->ctx = ctx;
    if (open_list(self, keys) == 0) self->zap = es_zap_new(&self->allowed, refresh, self);
    if (!self->zap) es_access_destroy(&self);
    return self;
}

void es_access_destroy(es_access_t **self_p)
{
    es_access_t *self = *self_p;
    if (!self) return;
    es_zap_destroy(&self->zap);
    es_key_watch_destroy(&self->watch);
    es_allowed_fini(&self->allowed);
    free(self);
    *self_p = NULL;
}

void es_access_attach(es_access_t *self, es_loop_t *loop)
{
    es_zap_attach(self->zap, loop);
    es_key_watch_attach(self->watch, loop);
}

/* ---- each message ---- */

es_speaker_t es_access_speaker_of(es_access_t *self, void *part)
{
    const char *user_id = self ? zmq_msg_gets(part, "User-Id") : NULL;
    if (!user_id) return (es_speaker_t){.who = NULL};
    if (strcmp(user_id, self->last) != 0) {
        snprintf(self->last, sizeof self->last, "%s", user_id);
        self->last_role = es_allowed_role(&self->allowed, user_id);
    }
    return (es_speaker_t){.who = user_id, .role = self->last_role};
}

static bool deny(const es_speaker_t *speaker, es_socket_t socket, const char *what, const char *reason)
{
    es_metric_add(es_broker_denied[socket], 1);
    es_log_warn("message denied", ES_S("peer", speaker->who), ES_S("socket", es_socket_name(socket)),
                ES_S("kind", what), ES_S("reason", speaker->role == ES_ROLE_NONE ? "its key was revoked" : reason));
    return false;
}

static const char *name_of(uint32_t kind)
{
    const es_catalogue_entry_t *known = es_catalogue_find(kind);
    return known ? known->name : "unknown";
}

bool es_access_may(const es_speaker_t *speaker, es_socket_t socket, uint32_t kind)
{
    if (!speaker->who || es_rights_say(speaker->role, socket, kind)) return true;
    return deny(speaker, socket, name_of(kind), "its role may not say this");
}

bool es_access_may_serve(const es_speaker_t *speaker, es_span_t service)
{
    if (!speaker->who || es_rights_serve(speaker->role, service)) return true;
    return deny(speaker, ES_AT_BACKEND, "HELLO", "the service is another role's");
}

static bool is_own(const es_speaker_t *speaker, const char *owner)
{
    return !speaker->who || !owner || strcmp(owner, speaker->who) == 0;
}

bool es_access_may_be(const es_speaker_t *speaker, es_socket_t socket, const char *owner)
{
    if (is_own(speaker, owner)) return true;
    return deny(speaker, socket, "any", "the incarnation is somebody else's");
}

bool es_access_may_send(const es_speaker_t *speaker, uint32_t kind, const char *owner)
{
    if (is_own(speaker, owner)) return true;
    return deny(speaker, ES_AT_FRONTEND, name_of(kind), "the sender is somebody else's, or none of a key's");
}

bool es_access_may_answer(const es_speaker_t *speaker, const char *holder)
{
    if (is_own(speaker, holder)) return true;
    return deny(speaker, ES_AT_RESULTS, "any", "the stream is somebody else's");
}
