/* An engine that cuts frames into segments and "hears" one word in each frame that is not silent. Its cuts follow from the frames and the
 * checkpoint alone, so that a successor cuts the same. It looks a little ahead before it cuts, as pre-roll does. */
#ifndef ES_SIM_ENGINE_H
#define ES_SIM_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

enum { ENGINE_SEGMENT_MAX = 12, ENGINE_AHEAD_MAX = 2, ENGINE_TEXT = 160 };

typedef struct {
    uint32_t word;
    uint8_t flags;
    uint64_t pos;
} engine_item_t;

typedef struct {
    uint64_t committed; /* items[0] is the frame after it */
    uint64_t carry;     /* the state that the checkpoint holds */
    uint64_t whim;      /* not 0: cuts otherwise than others */
    uint32_t max_segment;
    int n, seen;
    engine_item_t items[ENGINE_SEGMENT_MAX + ENGINE_AHEAD_MAX + 2];
} engine_t;

typedef struct {
    uint64_t to_seq, start, end;
    bool silence;
    char text[ENGINE_TEXT];
    uint64_t carry;
} engine_final_t;

void engine_begin(engine_t *self, uint64_t base, uint64_t carry, uint32_t max_segment, uint64_t whim);
void engine_feed(engine_t *self, uint32_t word, uint8_t flags, uint64_t pos);
/* The next final that what was fed makes certain; call until false. */
bool engine_next(engine_t *self, engine_final_t *out);
bool engine_silent(uint32_t word, uint8_t flags);
/* Appends the word of one frame, as a final's text has it. */
void engine_append(char text[ENGINE_TEXT], uint32_t word, uint8_t flags);

#endif
