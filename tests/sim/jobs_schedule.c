/* A schedule: a job, faults drawn from a seed, and what must be true in the end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobs_sim.h"

#define FAULTS_US SECONDS(60)
#define LIMIT_US SECONDS(3600)
#define AFTER_US SECONDS(30) /* long enough for who does not know that it is over */

es_job_now_t sim_now(const sim_t *sim)
{
    return (es_job_now_t){.us = sim->world.now, .ms = sim->world.now / 1000};
}

static void draw_plan(sim_t *sim)
{
    world_t *w = &sim->world;
    sim->plan = (plan_t){.samples = 1 + world_below(w, world_chance(w, 100) ? 120 * 16000 : 20 * 16000),
                         .loss = world_chance(w, 500) ? (uint32_t)world_below(w, 100) : 0,
                         .duplicates = world_chance(w, 300) ? (uint32_t)world_below(w, 100) : 0,
                         .latency_us = MS(1) + world_below(w, MS(60)),
                         .faults = (int)world_below(w, 25),
                         .attempts = 10,
                         .analysis = world_chance(w, 800),
                         .cancel = world_chance(w, 100)};
}

static void begin(sim_t *sim, uint64_t seed, safeguard_t off, bool trace)
{
    world_begin(&sim->world, seed, trace);
    sim->off = off;
    draw_plan(sim);
    store_begin(sim);
    sim->n_slots = sim->n_streams = 0;
    sim->down_until = sim->deaf_until = sim->keys = 0;
    sim->last_arrival[0] = sim->last_arrival[1] = 0;
    sim->quiet_at = sim->world.now + FAULTS_US;
    sim->house =
        (es_job_house_t){.reachable = true, .no_analysis = !sim->plan.analysis, .analysis_wait_us = SECONDS(30)};
    for (int i = 0; i < SIM_WORKERS; i++) sim->inc[i] = world_random(&sim->world);
    for (int i = 0; i < SIM_ACTORS; i++) {
        sim->at_work[i] = -1;
        sim->away[i] = 0;
        world_at(&sim->world, sim->world.now + world_below(&sim->world, SECONDS(1)), EV_ACTOR, i, NULL);
    }
    for (int i = 0; i < sim->plan.faults; i++)
        world_at(&sim->world, sim->world.now + world_below(&sim->world, i % 3 ? SECONDS(3) : FAULTS_US / 2), EV_FAULT,
                 i, NULL);
}

/* ---- faults */

static slot_t *someone(sim_t *sim)
{
    int index = sim->at_work[world_below(&sim->world, SIM_ACTORS)];
    return index < 0 ? NULL : &sim->slots[index];
}

static void fault_worker(sim_t *sim)
{
    house_lose_worker(sim, (int)world_below(&sim->world, SIM_WORKERS));
}

static void fault_deaf(sim_t *sim)
{
    sim->deaf_until = sim->world.now + world_below(&sim->world, SECONDS(8));
}

static void fault_down(sim_t *sim)
{
    sim->down_until = sim->world.now + world_below(&sim->world, SECONDS(20));
}

static void fault_kill(sim_t *sim)
{
    actor_kill(sim, (int)world_below(&sim->world, SIM_ACTORS));
}

static void fault_lease(sim_t *sim)
{
    sim->job.lease_until_ms = 0;
}

static void fault_release(sim_t *sim)
{
    slot_t *slot = someone(sim);
    if (!slot) return;
    es_job_run_release(slot->run, sim_now(sim));
    slot_settled(sim, (int)(slot - sim->slots));
}

static void fault_decoder(sim_t *sim)
{
    slot_t *slot = someone(sim);
    if (!slot || !slot->decoding || sim->job.attempt > 5) return;
    slot->decoding = false;
    slot->decoder++;
    es_job_run_undecodable(slot->run, false, es_span("the decoder died"), sim_now(sim));
    slot_settled(sim, (int)(slot - sim->slots));
}

static void fault_cancel(sim_t *sim)
{
    slot_t *slot = someone(sim);
    if (!sim->plan.cancel || sim->world.now < sim->down_until) return;
    store_cancel(sim);
    if (!slot || world_chance(&sim->world, 300)) return;
    es_job_run_drop(slot->run, sim_now(sim));
    slot_settled(sim, (int)(slot - sim->slots));
}

static void fault(sim_t *sim)
{
    static void (*const faults[])(sim_t *) = {fault_worker, fault_worker, house_yield,   fault_deaf,    fault_down,
                                              fault_kill,   fault_lease,  fault_release, fault_decoder, fault_cancel};
    faults[world_below(&sim->world, sizeof faults / sizeof faults[0])](sim);
}

/* ---- the agenda */

static void store_turn(sim_t *sim, task_t *task)
{
    if (!task->orphan && !task->done) store_run(sim, task);
    world_at(&sim->world, sim->world.now + MS(1) + world_below(&sim->world, MS(10)), EV_STORED, task->slot, task);
}

static void happen(sim_t *sim, const event_t *event)
{
    switch ((event_kind_t)event->kind) {
    case EV_TO_HOUSE:
        house_take(sim, event->what);
        return;
    case EV_TO_RUN:
        slot_receive(sim, event->what);
        return;
    case EV_TICK:
        slot_tick(sim, event->who);
        break;
    case EV_DECODE:
        slot_decode(sim, event->who, (uint64_t)(uintptr_t)event->what);
        break;
    case EV_STORE:
        store_turn(sim, event->what);
        return;
    case EV_STORED:
        slot_written(sim, event->what);
        break;
    case EV_READ:
        slot_read(sim, event->who);
        break;
    case EV_ACTOR:
        actor_look(sim, event->who);
        return;
    case EV_RECEIVER:
        house_tick(sim, event->who);
        return;
    case EV_FAULT:
        fault(sim);
        return;
    }
    slot_settled(sim, event->who);
}

static void discard(sim_t *sim)
{
    for (event_t event; world_next(&sim->world, &event);) {
        if (event.kind == EV_TO_HOUSE || event.kind == EV_TO_RUN) free(event.what);
        task_t *task = event.kind == EV_STORE || event.kind == EV_STORED ? event.what : NULL;
        if (task) es_job_fini(&task->fresh);
        free(task);
    }
    for (int i = 0; i < sim->n_slots; i++) es_job_run_destroy(&sim->slots[i].run);
}

/* ---- the verdict */

static void check_words(sim_t *sim)
{
    uint64_t segment = (uint64_t)FRAME * CUT, n = 0;
    for (uint64_t from = 0; from < sim->plan.samples; from += segment) {
        uint64_t to = from + segment < sim->plan.samples ? from + segment : sim->plan.samples;
        char text[64];
        if (from / segment % 7 == 3) continue;
        snprintf(text, sizeof text, "%d-%d", (int)from, (int)to);
        const es_job_segment_t *got = n < sim->n_segments ? &sim->segments[n] : NULL;
        if (!got || !es_span_eq(got->text, es_span(text)) || got->from != from || got->to != to) {
            world_fail(&sim->world, "segment %d: not %s", (int)n, text);
            return;
        }
        n++;
    }
    if (n != sim->n_segments) world_fail(&sim->world, "%d segments too many", (int)(sim->n_segments - n));
}

static void check_end(sim_t *sim)
{
    const es_job_t *job = &sim->job;
    if (!es_job_over(job->state))
        world_fail(&sim->world, "stuck: %s at %d", es_job_state_name(job->state), (int)job->done);
    if (sim->ends != 1) world_fail(&sim->world, "it ended %d times", (int)sim->ends);
    if (job->state == ES_JOB_COMPLETED) check_words(sim);
    if (job->state == ES_JOB_COMPLETED && (!job->analysis || job->done != sim->plan.samples))
        world_fail(&sim->world, "completed without its end");
    if (job->state == ES_JOB_FAILED && job->attempt < job->attempts && job->deaths < ES_JOB_DEATHS_MAX)
        world_fail(&sim->world, "failed for nothing: %s", job->error);
    sim->figures.completed += job->state == ES_JOB_COMPLETED;
    sim->figures.failed += job->state == ES_JOB_FAILED;
    sim->figures.cancelled += job->state == ES_JOB_CANCELLED;
}

bool schedule_run(sim_t *sim, uint64_t seed, safeguard_t off, bool trace)
{
    uint64_t end = LIMIT_US;
    begin(sim, seed, off, trace);
    for (event_t event; !sim->world.failed && world_next(&sim->world, &event);) {
        sim->world.now = event.at;
        sim->house.reachable = sim->world.now >= sim->deaf_until;
        happen(sim, &event);
        if (es_job_over(sim->job.state) && end == LIMIT_US) end = sim->world.now + AFTER_US;
        if (sim->world.now >= end) break;
    }
    if (!sim->world.failed) check_end(sim);
    sim->figures.schedules++;
    discard(sim);
    house_end(sim);
    store_end(sim);
    return !sim->world.failed;
}
