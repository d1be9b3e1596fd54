/* Jobs actors: each works on the job when it gets it, with a decoder that reads a file made on the spot. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "jobs_sim.h"

static int index_of(const slot_t *slot)
{
    return (int)(slot - slot->sim->slots);
}

/* ---- what a run asks for */

static void run_decode(void *ctx, uint64_t from, uint64_t limit)
{
    slot_t *self = ctx;
    (void)limit;
    self->decoding = self->listening = true;
    self->pos = from;
    world_at(&self->sim->world, self->sim->world.now + MS(5), EV_DECODE, index_of(self),
             (void *)(uintptr_t)++self->decoder);
}

static void run_listen(void *ctx, bool on)
{
    slot_t *self = ctx;
    self->listening = on;
    if (on)
        world_at(&self->sim->world, self->sim->world.now + MS(1), EV_DECODE, index_of(self),
                 (void *)(uintptr_t)self->decoder);
}

static void run_stop_decoding(void *ctx)
{
    slot_t *self = ctx;
    self->decoding = false;
    self->decoder++;
}

static void run_send(void *ctx, es_span_t key, const es_msg_t *msg, const void *body, size_t len)
{
    slot_t *self = ctx;
    char name[ES_CLIENT_ID_LEN + 1] = "";
    memcpy(name, key.ptr, key.len);
    letter_send(self->sim, EV_TO_HOUSE, letter_new(name, msg, body, len));
}

static void run_draw_key(void *ctx, char key[ES_CLIENT_ID_LEN + 1])
{
    slot_t *self = ctx;
    snprintf(key, ES_CLIENT_ID_LEN + 1, "%08x%08x", (unsigned)index_of(self), (unsigned)++self->sim->keys);
}

static void run_write(void *ctx, es_job_write_t *const *writes, size_t n)
{
    slot_t *self = ctx;
    task_t *task = es_alloc_zero(sizeof *task);
    task->slot = index_of(self);
    task->n = n;
    task->token = self->token;
    self->in_flight = task;
    memcpy(task->writes, writes, n * sizeof *writes);
    world_at(&self->sim->world, self->sim->world.now + MS(1) + world_below(&self->sim->world, MS(30)), EV_STORE,
             task->slot, task);
}

static void run_read(void *ctx)
{
    slot_t *self = ctx;
    world_at(&self->sim->world, self->sim->world.now + MS(2), EV_READ, index_of(self), NULL);
}

static void run_news(void *ctx, const es_job_t *job, const char *type, es_span_t text)
{
    slot_t *self = ctx;
    (void)text;
    const es_job_t *stored = &self->sim->job;
    world_trace(&self->sim->world, "news of slot %d: %s done %d", index_of(self), type, (int)job->done);
    if (job->done > stored->done || job->version > stored->version)
        world_fail(&self->sim->world, "told of what is not stored");
}

static uint64_t run_chance(void *ctx)
{
    slot_t *self = ctx;
    return world_random(&self->sim->world);
}

static void run_over(void *ctx, const char *why)
{
    slot_t *self = ctx;
    world_trace(&self->sim->world, "slot %d over: %s", index_of(self), why);
    if (self->over) world_fail(&self->sim->world, "a run is over twice");
    self->over = true;
}

static const es_job_run_ops_t ops = {.decode = run_decode,
                                     .listen = run_listen,
                                     .stop_decoding = run_stop_decoding,
                                     .send = run_send,
                                     .draw_key = run_draw_key,
                                     .write = run_write,
                                     .read = run_read,
                                     .news = run_news,
                                     .chance = run_chance,
                                     .over = run_over};

/* ---- what it gets */

/* After each event: its clock, and its place where it is over. */
void slot_settled(sim_t *sim, int index)
{
    slot_t *self = &sim->slots[index];
    if (!self->run) return;
    uint64_t at = es_job_run_tick(self->run, sim_now(sim));
    if (self->over) {
        es_job_run_destroy(&self->run);
        sim->at_work[self->actor] = -1;
        return;
    }
    if (at == UINT64_MAX) return;
    if (self->ticking && self->tick_at <= at) return;
    self->ticking = true;
    self->tick_at = at;
    world_at(&sim->world, at > sim->world.now ? at : sim->world.now + 1, EV_TICK, index, NULL);
}

void slot_tick(sim_t *sim, int index)
{
    sim->slots[index].ticking = false;
}

void slot_decode(sim_t *sim, int index, uint64_t decoder)
{
    slot_t *self = &sim->slots[index];
    int16_t samples[FRAME];
    if (!self->run || !self->decoding || decoder != self->decoder || !self->listening) return;
    bool first = self->pos == es_job_run_job(self->run)->done;
    if (first) es_job_run_info(self->run, sim->plan.samples, es_span("WAV"), sim_now(sim));
    for (int i = 0; i < 2 && self->decoding && self->listening && self->pos < sim->plan.samples; i++) {
        uint64_t left = sim->plan.samples - self->pos, pos = self->pos;
        size_t n = left < FRAME ? (size_t)left : FRAME;
        memset(samples, 0, sizeof samples);
        samples[0] = (int16_t)(pos / FRAME);
        self->pos += n;
        es_job_run_audio(self->run, pos, samples, n, sim_now(sim));
    }
    if (!self->decoding) return;
    if (self->pos == sim->plan.samples && self->listening) {
        self->decoding = false;
        es_job_run_decoded(self->run, sim->plan.samples, (es_span_t){0}, sim_now(sim));
    } else if (self->listening) {
        world_at(&sim->world, sim->world.now + MS(10), EV_DECODE, index, (void *)(uintptr_t)decoder);
    }
}

void slot_written(sim_t *sim, task_t *task)
{
    slot_t *self = &sim->slots[task->slot];
    if (!task->orphan) {
        self->in_flight = NULL;
        es_job_run_written(self->run, task->result, &task->fresh, sim_now(sim));
    }
    es_job_fini(&task->fresh);
    free(task);
}

void slot_read(sim_t *sim, int index)
{
    slot_t *self = &sim->slots[index];
    static const char text[] = "{\"segments\":[]}";
    if (!self->run) return;
    bool down = sim->world.now < sim->down_until;
    es_job_run_document(self->run, down ? ES_JOBS_DOWN : ES_JOBS_OK, down ? NULL : es_alloc_copy(text, sizeof text - 1),
                        down ? 0 : sizeof text - 1, sim_now(sim));
}

void slot_receive(sim_t *sim, letter_t *letter)
{
    for (int i = 0; i < sim->n_slots; i++) {
        slot_t *self = &sim->slots[i];
        if (!self->run || strcmp(es_job_run_key(self->run), letter->key) != 0) continue;
        es_job_run_receive(self->run, true, &letter->msg, letter->body, letter->len, sim_now(sim));
        slot_settled(sim, i);
    }
    free(letter);
}

/* ---- the actor */

void actor_look(sim_t *sim, int actor)
{
    es_job_t job = {0};
    if (!es_job_over(sim->job.state))
        world_at(&sim->world, sim->world.now + MS(300) + world_below(&sim->world, SECONDS(1)), EV_ACTOR, actor, NULL);
    if (sim->at_work[actor] >= 0 || sim->world.now < sim->away[actor]) return;
    if (sim->away[actor] > 0) store_reclaim(sim, actor);
    sim->away[actor] = 0;
    if (!store_claim(sim, actor, &job)) return;
    if (sim->n_slots == SIM_SLOTS) {
        world_fail(&sim->world, "more runs than the simulation has room for");
        es_job_fini(&job);
        return;
    }
    int index = sim->n_slots++;
    slot_t *self = &sim->slots[index];
    const es_job_run_config_t config = {
        .stall_us = SECONDS(30), .lease_us = SECONDS(15), .max_samples = UINT64_MAX / 2, .house = &sim->house};
    *self = (slot_t){.sim = sim, .actor = actor, .token = job.token};
    sim->at_work[actor] = sim->owner = index;
    world_trace(&sim->world, "actor %d takes it up in slot %d at %d", actor, index, (int)job.done);
    self->run = es_job_run_new(&config, &ops, self, &job, sim_now(sim));
    slot_settled(sim, index);
}

void actor_kill(sim_t *sim, int actor)
{
    int index = sim->at_work[actor];
    sim->away[actor] = sim->world.now + world_below(&sim->world, SECONDS(3));
    if (index < 0) return;
    world_trace(&sim->world, "actor %d dies with slot %d", actor, index);
    task_t *task = sim->slots[index].in_flight;
    if (task && !task->orphan) {
        if (!task->done && world_chance(&sim->world, 500)) store_run(sim, task); /* it had left already */
        task->orphan = true;
    }
    es_job_run_destroy(&sim->slots[index].run);
    sim->at_work[actor] = -1;
    sim->figures.kills++;
}
