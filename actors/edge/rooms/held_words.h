/* What is said of a client's stream whose words its room does not have yet: whole frames, in order.
 *
 *      transcript, audio.marked, audio.done --> [ words 2 | mark | words 3 ] --the room has words 2--> client->out
 *
 * A client that can say its audio again (session.resume) forgets what it is told as final. So it is told once the room has stored that: whatever dies before,
 * the words come again and the room cuts off what it has. What waits ends with the client. No memory while nothing waits. */
#ifndef ES_HELD_WORDS_H
#define ES_HELD_WORDS_H

#include "membership.h"

/* What is said to the client between the two waits until the room has this operation of the member, and behind what waits already. op 0: only the latter. */
void es_held_begin(es_client_t *client, es_membership_t *member, uint64_t op);
void es_held_end(es_client_t *client);
bool es_held_any(const es_client_t *client);

/* Says what waits for nothing any more: the room has it, or has not answered for too long. */
void es_held_release(es_client_t *client);
/* This membership is over. Nothing waits for it. */
void es_held_forget(es_client_t *client, const es_membership_t *member);
/* Says everything: more waits than may. */
void es_held_give_up(es_client_t *client);
/* Finals that wait for this membership. */
size_t es_held_count(const es_client_t *client, const es_membership_t *member);
void es_held_destroy(es_client_t *client);

#endif
