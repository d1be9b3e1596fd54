/* What is left of a stream that will not be served any more: its audio from the first sample without words on, as a dead letter. */
#ifndef ES_STREAM_LETTER_H
#define ES_STREAM_LETTER_H

#include "dead_letters.h"
#include "edge_actor.h"
#include "stream_sender.h"

/* Where they are kept, as configured; or NULL. */
es_dead_letters_t *es_stream_letters(const es_edge_config_t *config);
/* From within `refused` of this sender. dead: NULL is fine. */
void es_stream_letter(es_dead_letters_t *dead, const char *client, const es_sender_t *sender, es_span_t reason);

#endif
