/* Keeps dead letters (dead_letter.h) in DATA/dead, of which the oldest give way: files NAME-TIME-N.letter, readable by their owner alone. A thread writes them, so that no loop
 * waits for a disk. */
#ifndef ES_DEAD_LETTERS_H
#define ES_DEAD_LETTERS_H

#include "dead_letter.h"
#include "metrics.h"

typedef struct es_dead_letters es_dead_letters_t;

enum {
    ES_DEAD_A_SECOND = 20,    /* letters; more are only counted */
    ES_DEAD_WAITING = 64,     /* that are not written yet */
    ES_DEAD_LETTER_NAME = 128 /* bytes of a file's name with its NUL */
};
#define ES_DEAD_SUFFIX ".letter"

/* For the tables of options of T, which has dead_max and dead_bytes. */
#define ES_DEAD_OPTIONS(T)                                                                                 \
    ES_OPT_UINT(T, dead_max, "dead-max", NULL, "1000", 0, 100000,                                          \
                "dead letters kept in --data, for `earshot dead`; the oldest give way; 0: none are kept"), \
        ES_OPT_UINT(T, dead_bytes, "dead-bytes", NULL, "67108864", 65536, UINT64_C(1) << 40, "and their bytes")

typedef struct {
    const char *data;   /* of the actor: letters lie in DATA/dead */
    const char *actor;  /* its name */
    uint64_t max;       /* letters of this actor; 0: none are kept */
    uint64_t max_bytes; /* of their files together */
} es_dead_letters_config_t;

/* Strings are copied. NULL where max is 0, or, with a message logged, where the directory cannot be made; every function takes NULL. */
es_dead_letters_t *es_dead_letters_new(const es_dead_letters_config_t *config);
/* What waits is written. */
void es_dead_letters_destroy(es_dead_letters_t **self_p);
/* Copies it; time and actor are set here. What is too much, too often or too large is counted and dropped. One thread. */
void es_dead_letters_put(es_dead_letters_t *self, const es_dead_letter_t *letter);

es_metric_t *const *es_dead_letters_metrics(void);

#endif
