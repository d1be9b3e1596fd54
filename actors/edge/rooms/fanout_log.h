/* What all members of a room on this edge are to be sent: whole WebSocket frames, written once, read by each member from its own place.
 *
 *      oldest chunk                                          newest chunk
 *      [ frame frame frame ][ frame frame frame frame ][ frame frame ... ]
 *        ^ begin                  ^ a slow member's place        ^ place of most ^ end
 *
 * Places are bytes since the log was made. A frame never lies in two chunks, so what a member has not got yet in a chunk goes out in one write. Events of the
 * room are found by their rseq, so that who comes late begins in the middle. Old chunks are given up; who still needs them is too slow, and its business
 * is the caller's. No clock, no sockets; one thread. */
#ifndef ES_FANOUT_LOG_H
#define ES_FANOUT_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct es_fanout_log es_fanout_log_t;

#define ES_FANOUT_FRAME_MAX 65536u /* bytes of one frame (asserted) */

es_fanout_log_t *es_fanout_log_new(void);
void es_fanout_log_destroy(es_fanout_log_t **self_p);
/* Appends a copy of one whole frame. rseq: of the event that it is, one more than the last one appended (another number makes those before unfindable); 0: none. */
void es_fanout_log_append(es_fanout_log_t *self, const void *frame, size_t len, uint64_t rseq);
/* Where the frame of event `rseq` begins; for the number after the last one the end. False: it is not here. */
bool es_fanout_log_find(const es_fanout_log_t *self, uint64_t rseq, uint64_t *place);
uint64_t es_fanout_log_begin(const es_fanout_log_t *self);
uint64_t es_fanout_log_end(const es_fanout_log_t *self);
/* Whole frames from `place` (begin..end, at a frame) on: bytes that lie together, 0 at the end. */
size_t es_fanout_log_read(const es_fanout_log_t *self, uint64_t place, const uint8_t **out);
/* Gives up old chunks while more than `keep` bytes remain without them and nobody needs them (needed: the first place that somebody does), and
 * while there are more than `max` bytes whoever needs them. */
void es_fanout_log_trim(es_fanout_log_t *self, uint64_t needed, size_t keep, size_t max);
/* Numbers begin anew: no event is found any more. What members have not got yet stays. */
void es_fanout_log_forget_numbers(es_fanout_log_t *self);

#endif
