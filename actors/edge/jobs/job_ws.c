#include "job_ws.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "edge_jobs.h"
#include "envelope_out.h"
#include "jobs_metrics.h"

static es_viewer_t *viewer_of(es_client_t *self)
{
    if (self->envelope.viewer) return self->envelope.viewer;
    es_viewer_t *viewer = self->envelope.viewer = es_alloc_zero(sizeof *viewer);
    viewer->client = self;
    viewer->jobs = es_job_watcher_new(es_edge_jobs_watch(self->env->jobs), self);
    return viewer;
}

void es_job_ws_fini(es_client_t *self)
{
    es_viewer_t *viewer = self->envelope.viewer;
    if (!viewer) return;
    self->envelope.viewer = NULL;
    es_job_watcher_destroy(&viewer->jobs);
    es_edge_jobs_view(self->env->jobs, viewer, false);
    free(viewer);
    es_client_lend(self, NULL);
}

static es_watched_t watched(const es_client_says_t *says)
{
    if (*says->job_id) return (es_watched_t){ES_WATCH_JOB, says->job_id, ""};
    if (*says->session_id) return (es_watched_t){ES_WATCH_SESSION, says->session_id, ""};
    return (es_watched_t){ES_WATCH_ALL, "", NULL};
}

static void refuse(es_client_t *self, const char *ref, const es_watched_t *what, const char *code, const char *message)
{
    es_refusal_t why = {.code = code};
    snprintf(why.message, sizeof why.message, "%s", message);
    snprintf(why.ref, sizeof why.ref, "%s", ref);
    if (what && what->scope == ES_WATCH_JOB) snprintf(why.job_id, sizeof why.job_id, "%s", what->id);
    if (what && what->scope == ES_WATCH_SESSION) snprintf(why.session_id, sizeof why.session_id, "%s", what->id);
    es_envelope_refuse(self, &why);
}

/* Does this token give the right? Without identity only the operator's does. */
static bool token_gives(es_client_t *self, const char *token)
{
    es_principal_t *principal = NULL;
    if (!*token) return false;
    if (!self->env->identity) return es_operator_is(es_edge_jobs_operator(self->env->jobs), es_span(token));
    es_who_t who = es_identity_bearer(self->env->identity, es_span(token), self->env->wall_ms / 1000, &principal);
    bool gives = who == ES_WHO_OK && *es_principal_name(principal) && es_principal_may(principal, ES_RIGHT_DASHBOARD);
    if (gives)
        es_client_lend(self, principal);
    else
        es_principal_unref(&principal);
    return gives;
}

/* What is everybody's is not told to somebody who has not said who it is, even where nobody is asked otherwise. */
static bool may_see_all(es_client_t *self, const char *ref, const char *token)
{
    const es_operator_t *operator= es_edge_jobs_operator(self->env->jobs);
    bool somebody = *es_client_principal(self) != 0;
    char message[320];
    if (token_gives(self, token)) return true;
    if (somebody && !*token) return es_client_allowed(self, ES_RIGHT_DASHBOARD, es_span(NULL), ref);
    es_metric_add(&es_edge_unauthorized, 1);
    snprintf(message, sizeof message,
             "This wants the operator's token in \"token\"; on the server it lies in the file %.180s.", operator->file);
    refuse(self, ref, NULL, "unauthorized", message);
    return false;
}

/* Whose jobs it may see, where it does not see all. Where nobody is asked who it is, jobs are nobody's. */
static const char *own(const es_client_t *self)
{
    return self->env->identity && es_identity_required(self->env->identity) ? es_client_principal(self) : "";
}

static bool sees_all(es_client_t *self, const char *token)
{
    return (self->principal && es_principal_may(self->principal, ES_RIGHT_DASHBOARD)) || token_gives(self, token);
}

static void say_watched(es_client_t *self, const es_watched_t *what, size_t place)
{
    static const char *const names[] = {
        [ES_WATCH_JOB] = "\"job_id\":", [ES_WATCH_SESSION] = "\"session_id\":", [ES_WATCH_ALL] = "\"all\":true"};
    es_frame_buf_append(&self->out, names[what->scope], strlen(names[what->scope]));
    if (what->scope != ES_WATCH_ALL) es_json_string(&self->out, es_span(what->id));
    es_envelope_end(self, place);
}

void es_job_ws_watch(es_client_t *self, const es_client_says_t *says)
{
    es_watched_t what = watched(says);
    if (what.scope == ES_WATCH_ALL ? !may_see_all(self, "job.watch", says->token)
                                   : !es_client_allowed(self, ES_RIGHT_JOBS, es_span(NULL), "job.watch"))
        return;
    if (what.scope != ES_WATCH_ALL) what.principal = sees_all(self, says->token) ? NULL : own(self);
    if (es_job_watcher_add(viewer_of(self)->jobs, &what, self->env->now_us))
        refuse(self, "job.watch", &what, "too_many_watches",
               "Too many jobs are watched; end a watch with job.unwatch, or watch the session.");
    else
        say_watched(self, &what, es_envelope_begin(self, "job.watching"));
}

void es_job_ws_unwatch(es_client_t *self, const es_client_says_t *says)
{
    const es_watched_t what = watched(says);
    es_viewer_t *viewer = self->envelope.viewer;
    if (viewer) es_job_watcher_remove(viewer->jobs, &what);
    say_watched(self, &what, es_envelope_begin(self, "job.unwatched"));
}

void es_house_ws_watch(es_client_t *self, const es_client_says_t *says)
{
    if (may_see_all(self, "house.watch", says->token)) es_edge_jobs_view(self->env->jobs, viewer_of(self), true);
}

void es_house_ws_unwatch(es_client_t *self, const es_client_says_t *says)
{
    (void)says;
    if (self->envelope.viewer) es_edge_jobs_view(self->env->jobs, self->envelope.viewer, false);
    es_envelope_end(self, es_envelope_begin(self, "house.unwatched"));
}

/* ---- telling */

void es_job_ws_tell(void *owner, const es_job_event_t *event)
{
    es_client_t *self = owner;
    es_span_t head = es_job_event_head(event->type);
    size_t place = es_envelope_begin_with(self, head.ptr, head.len);
    es_frame_buf_append(&self->out, event->fields, event->len);
    es_envelope_end(self, place);
}

bool es_job_ws_behind(void *owner)
{
    return es_client_deaf(owner);
}

void es_job_ws_trouble(void *owner, const es_watched_t *what, const char *code, const char *message)
{
    refuse(owner, "job.watch", what, code, message);
}

void es_house_ws_tell(es_client_t *self, es_span_t fields)
{
    if (es_client_deaf(self)) return;
    size_t place = es_envelope_begin(self, "house.state");
    es_frame_buf_append(&self->out, fields.ptr, fields.len);
    es_envelope_end(self, place);
}
