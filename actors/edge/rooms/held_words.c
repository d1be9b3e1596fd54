#include "held_words.h"

#include <stdlib.h>

#include "alloc.h"
#include "edge_metrics.h"
#include "ring.h"

/* A final, and what follows it up to the next one. */
typedef struct {
    es_membership_t *member; /* NULL: waits for nothing any more */
    uint64_t op, at;         /* its first byte */
} wait_t;

struct es_held {
    es_frame_buf_t frames;
    uint64_t said; /* bytes that have left */
    es_ring_t waits;
    es_frame_buf_t aside; /* client->out, while something is composed */
    bool composing;
};

bool es_held_any(const es_client_t *client)
{
    return client->envelope.held != NULL;
}

void es_held_begin(es_client_t *client, es_membership_t *member, uint64_t op)
{
    if (!client->envelope.held && !op) return;
    if (!client->envelope.held) client->envelope.held = es_alloc_zero(sizeof *client->envelope.held);
    es_held_t *self = client->envelope.held;
    if (op) {
        wait_t *wait = es_alloc(sizeof *wait);
        *wait = (wait_t){.member = member, .op = op, .at = self->said + es_frame_buf_size(&self->frames)};
        es_ring_push(&self->waits, wait);
    }
    self->aside = client->out;
    client->out = self->frames;
    self->composing = true;
}

void es_held_end(es_client_t *client)
{
    es_held_t *self = client->envelope.held;
    if (!self || !self->composing) return;
    self->composing = false;
    self->frames = client->out;
    client->out = self->aside;
    if (es_frame_buf_size(&self->frames) > client->env->limits.max_queue / 2) es_held_give_up(client);
}

/* ---- when the room has it */

static void say(es_client_t *client, es_held_t *self, size_t n)
{
    uint8_t *data;
    if (n == 0 || client->closing) return;
    n = es_frame_buf_peek(&self->frames, n, &data);
    es_frame_buf_append(&client->out, data, n);
    es_frame_buf_consume(&self->frames, n);
    self->said += n;
    if (es_frame_buf_size(&client->out) > client->env->limits.max_queue) es_client_cull(client);
    es_client_wake(client);
}

static bool over(const wait_t *wait)
{
    if (!wait->member || es_membership_answered(wait->member, wait->op)) return true;
    if (!es_membership_late(wait->member)) return false;
    es_metric_add(&es_edge_room_captions_late, 1);
    return true;
}

void es_held_release(es_client_t *client)
{
    es_held_t *self = client->envelope.held;
    wait_t *wait;
    if (!self) return;
    while ((wait = es_ring_at(&self->waits, 0)) && over(wait)) free(es_ring_pop(&self->waits));
    say(client, self, wait ? wait->at - self->said : es_frame_buf_size(&self->frames));
    if (!wait) es_held_destroy(client);
}

void es_held_forget(es_client_t *client, const es_membership_t *member)
{
    wait_t *wait;
    for (uint64_t i = 0; client->envelope.held && (wait = es_ring_at(&client->envelope.held->waits, i)); i++)
        if (wait->member == member) wait->member = NULL;
    es_held_release(client);
}

void es_held_give_up(es_client_t *client)
{
    wait_t *wait;
    for (uint64_t i = 0; client->envelope.held && (wait = es_ring_at(&client->envelope.held->waits, i)); i++) {
        if (!over(wait)) es_metric_add(&es_edge_room_captions_late, 1);
        wait->member = NULL;
    }
    es_held_release(client);
}

size_t es_held_count(const es_client_t *client, const es_membership_t *member)
{
    size_t n = 0;
    const wait_t *wait;
    for (uint64_t i = 0; client->envelope.held && (wait = es_ring_at(&client->envelope.held->waits, i)); i++)
        n += wait->member == member && !es_membership_answered(member, wait->op);
    return n;
}

void es_held_destroy(es_client_t *client)
{
    es_held_t *self = client->envelope.held;
    if (!self) return;
    client->envelope.held = NULL;
    for (void *wait; (wait = es_ring_pop(&self->waits));) free(wait);
    es_ring_fini(&self->waits);
    es_frame_buf_clear(&self->frames);
    free(self);
}
