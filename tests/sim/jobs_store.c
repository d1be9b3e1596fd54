/* A store with one job, fenced by token as the real ones are. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "jobs_sim.h"

enum { LEASE_MS = 15000 };

void job_copy(es_job_t *to, const es_job_t *from)
{
    es_job_fini(to);
    *to = *from;
    to->session = to->key = to->file_name = to->content_type = to->language = to->webhook = to->spool = NULL;
    to->format = to->worker = to->note = to->error = to->analysis = NULL;
    es_job_set(&to->format, from->format);
    es_job_set(&to->note, from->note);
    es_job_set(&to->error, from->error);
    es_job_set(&to->analysis, from->analysis);
}

void store_begin(sim_t *sim)
{
    sim->job = (es_job_t){.attempts = sim->plan.attempts, .created_ms = 1, .has_audio = true};
    snprintf(sim->job.id, sizeof sim->job.id, "00000000-0000-4000-8000-%012d", 1);
    sim->n_segments = 0;
    sim->owner = -1;
    sim->ends = 0;
    sim->progress = sim->most_attempts = 0;
}

void store_end(sim_t *sim)
{
    for (size_t i = 0; i < sim->n_segments; i++) free((char *)(uintptr_t)sim->segments[i].text.ptr);
    sim->n_segments = 0;
    es_job_fini(&sim->job);
}

static void to_state(sim_t *sim, es_job_state_t state)
{
    es_job_t *job = &sim->job;
    if (job->state != state && !es_job_may(job->state, state) && !(state == ES_JOB_QUEUED))
        world_fail(&sim->world, "from %s to %s", es_job_state_name(job->state), es_job_state_name(state));
    if (es_job_over(job->state)) world_fail(&sim->world, "changed after it was over");
    job->state = state;
    if (es_job_over(state)) sim->ends++;
    world_trace(&sim->world, "state %s done %d attempt %u", es_job_state_name(state), (int)job->done, job->attempt);
}

static void changed(sim_t *sim)
{
    uint32_t progress = es_job_progress(&sim->job);
    sim->job.version++;
    if (progress < sim->progress) world_fail(&sim->world, "progress went back from %u to %u", sim->progress, progress);
    sim->progress = progress;
}

bool store_claim(sim_t *sim, int actor, es_job_t *out)
{
    es_job_t *job = &sim->job;
    uint64_t now = sim_now(sim).ms;
    bool running = job->state == ES_JOB_TRANSCRIBING || job->state == ES_JOB_ANALYZING;
    bool due = job->state == ES_JOB_QUEUED && job->run_at_ms <= now;
    if (now * 1000 < sim->down_until || (!due && !(running && job->lease_until_ms <= now))) return false;
    if (running) job->deaths++;
    if (job->state == ES_JOB_QUEUED) to_state(sim, ES_JOB_TRANSCRIBING);
    if (job->attempt == 0) job->attempt = 1;
    job->token++;
    job->lease_until_ms = now + LEASE_MS;
    es_job_set(&job->note, NULL);
    char name[16];
    snprintf(name, sizeof name, "jobs-%d", actor);
    es_job_set(&job->worker, name);
    changed(sim);
    job_copy(out, job);
    sim->figures.claims++;
    return true;
}

void store_reclaim(sim_t *sim, int actor)
{
    es_job_t *job = &sim->job;
    char name[16];
    snprintf(name, sizeof name, "jobs-%d", actor);
    bool running = job->state == ES_JOB_TRANSCRIBING || job->state == ES_JOB_ANALYZING;
    if (!running || !job->worker || strcmp(job->worker, name) != 0 || sim->world.now < sim->down_until) return;
    job->deaths++;
    job->token++;
    job->run_at_ms = 0;
    to_state(sim, ES_JOB_QUEUED);
    changed(sim);
}

void store_cancel(sim_t *sim)
{
    if (es_job_over(sim->job.state)) return;
    sim->job.token++;
    to_state(sim, ES_JOB_CANCELLED);
    changed(sim);
}

static void take_final(sim_t *sim, const es_job_write_t *write)
{
    const es_job_segment_t *s = &write->segment;
    es_job_t *job = &sim->job;
    if (s->to <= job->done) return;
    if (s->from != job->done) world_fail(&sim->world, "a gap: %d after %d", (int)s->from, (int)job->done);
    job->done = s->to;
    job->checkpoint_len = write->checkpoint_len;
    if (sim->off == SAFE_CHECKPOINT) job->checkpoint_len = 0;
    memcpy(job->checkpoint, write->checkpoint, job->checkpoint_len);
    job->deaths = 0;
    job->warnings += s->failed;
    es_job_set(&job->note, NULL);
    sim->figures.finals++;
    if (s->text.len == 0 || sim->n_segments == SIM_SEGMENTS) return;
    sim->segments[sim->n_segments] = *s;
    sim->segments[sim->n_segments++].text.ptr = es_alloc_copy(s->text.ptr, s->text.len);
}

static void apply(sim_t *sim, const es_job_write_t *write)
{
    es_job_t *job = &sim->job;
    switch (write->kind) {
    case ES_WRITE_RENEW:
        job->lease_until_ms = sim_now(sim).ms + write->value;
        return;
    case ES_WRITE_PROBED:
        job->duration = write->value;
        es_job_set(&job->format, write->text);
        break;
    case ES_WRITE_NOTE:
        es_job_set(&job->note, write->text);
        break;
    case ES_WRITE_FINAL:
        take_final(sim, write);
        break;
    case ES_WRITE_TRANSCRIBED:
        if (job->state != ES_JOB_ANALYZING) to_state(sim, ES_JOB_ANALYZING);
        job->duration = job->done;
        break;
    case ES_WRITE_COMPLETED:
        to_state(sim, ES_JOB_COMPLETED);
        es_job_set(&job->analysis, write->text);
        break;
    case ES_WRITE_FAILED:
        to_state(sim, ES_JOB_FAILED);
        es_job_set(&job->error, write->text);
        break;
    case ES_WRITE_AGAIN:
        if (write->text) sim->most_attempts = ++job->attempt;
        job->run_at_ms = write->value;
        to_state(sim, ES_JOB_QUEUED);
        break;
    default:
        world_fail(&sim->world, "an unknown write");
    }
    changed(sim);
}

void store_run(sim_t *sim, task_t *task)
{
    const es_job_t *job = &sim->job;
    bool down = sim->world.now < sim->down_until;
    task->done = true;
    bool mute = down && world_chance(&sim->world, 200); /* it is stored, and nobody knows */
    bool running = job->state == ES_JOB_TRANSCRIBING || job->state == ES_JOB_ANALYZING;
    bool fenced = sim->off != SAFE_FENCE && (task->token != job->token || !running);
    task->result = down ? ES_JOBS_DOWN : fenced ? ES_JOBS_LOST : ES_JOBS_OK;
    if (fenced) sim->figures.stale++;
    if ((down && !mute) || fenced) return;
    for (size_t i = 0; i < task->n && !sim->world.failed; i++)
        apply(sim, task->writes[sim->off == SAFE_ORDER ? task->n - 1 - i : i]);
    job_copy(&task->fresh, &sim->job);
}
