#include "frequency.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "keymap.h"

typedef struct {
    es_frequent_t seen;
    uint64_t number; /* in the order of coming, from 1 */
} entry_t;

struct es_frequency {
    es_keymap_t *words; /* text to entry, of single words */
    es_keymap_t *pairs; /* both numbers to entry */
    uint64_t numbers;
};

es_frequency_t *es_frequency_new(void)
{
    es_frequency_t *self = es_alloc_zero(sizeof *self);
    self->words = es_keymap_new();
    self->pairs = es_keymap_new();
    return self;
}

static void free_entries(es_keymap_t **map_p)
{
    for (size_t at = 0;;) {
        entry_t *entry = es_keymap_next(*map_p, &at);
        if (!entry) break;
        free(entry);
    }
    es_keymap_destroy(map_p);
}

void es_frequency_destroy(es_frequency_t **self_p)
{
    if (!*self_p) return;
    free_entries(&(*self_p)->words);
    free_entries(&(*self_p)->pairs);
    free(*self_p);
    *self_p = NULL;
}

static entry_t *entry_of(es_frequency_t *self, es_keymap_t *map, es_span_t key, es_frequent_t fresh)
{
    entry_t *entry = es_keymap_get(map, key);
    if (entry) return entry;
    entry = es_alloc(sizeof *entry);
    *entry = (entry_t){.seen = fresh, .number = ++self->numbers};
    es_keymap_put(map, key, entry);
    return entry;
}

/* Words that occur in pairs only are numbered too; their count stays 0. */
static entry_t *word_of(es_frequency_t *self, const char *word)
{
    return entry_of(self, self->words, es_span(word), (es_frequent_t){.first = word});
}

void es_frequency_add(es_frequency_t *self, const char *first, const char *second)
{
    entry_t *entry = word_of(self, first);
    if (second) {
        uint64_t both[2] = {entry->number, word_of(self, second)->number};
        entry = entry_of(self, self->pairs, es_span_of(both, sizeof both),
                         (es_frequent_t){.first = first, .second = second});
    }
    entry->seen.count++;
}

static bool before(const entry_t *a, const entry_t *b)
{
    return a->seen.count != b->seen.count ? a->seen.count > b->seen.count : a->number < b->number;
}

/* Keeps the best of what it is shown, in order. */
typedef struct {
    const entry_t **best;
    size_t count, max;
} board_t;

static void show(board_t *board, const entry_t *entry)
{
    if (board->count == board->max && !before(entry, board->best[board->max - 1])) return;
    size_t at = board->count < board->max ? board->count++ : board->max - 1;
    for (; at > 0 && before(entry, board->best[at - 1]); at--) board->best[at] = board->best[at - 1];
    board->best[at] = entry;
}

size_t es_frequency_top(const es_frequency_t *self, uint64_t least, es_frequent_t *out, size_t max)
{
    const es_keymap_t *maps[] = {self->words, self->pairs};
    board_t board = {.best = es_alloc_zero((max + 1) * sizeof(void *)), .max = max};
    const entry_t *entry;
    for (size_t m = 0; m < 2 && max > 0; m++)
        for (size_t at = 0; (entry = es_keymap_next(maps[m], &at));)
            if (entry->seen.count >= least && entry->seen.count > 0) show(&board, entry);
    for (size_t i = 0; i < board.count; i++) out[i] = board.best[i]->seen;
    free(board.best);
    return board.count;
}
