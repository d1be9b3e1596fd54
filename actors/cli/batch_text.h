/* How sizes, times and progress look. Pure. */
#ifndef ES_BATCH_TEXT_H
#define ES_BATCH_TEXT_H

#include <stddef.h>
#include <stdint.h>

#define ES_BATCH_TEXT 32u /* bytes that each of these needs at most */
#define ES_BATCH_BAR 24u  /* characters inside a bar */

/* "0 B", "12.3 MB", "1.0 GB"; powers of 1000. */
const char *es_batch_size(char out[ES_BATCH_TEXT], uint64_t bytes);
/* "0:07", "61:00:09": a length of audio. */
const char *es_batch_length(char out[ES_BATCH_TEXT], uint64_t ms);
/* "3 s", "12 min", "5 h", "9 d": how long ago. */
const char *es_batch_age(char out[ES_BATCH_TEXT], uint64_t ms);
/* "2026-11-25 22:00:01", local; "-" for 0. */
const char *es_batch_time(char out[ES_BATCH_TEXT], uint64_t wall_ms);
/* "[#####                   ]": part of all, all 0: empty. */
const char *es_batch_bar(char out[ES_BATCH_TEXT], double part, double all);
/* Where the last `columns` characters of UTF-8 text begin. A character counts as one column. */
const char *es_batch_tail(const char *text, size_t columns);
/* Content type by the name of a file: what libsndfile reads, else application/octet-stream. Static. */
const char *es_batch_type(const char *file_name);
/* The name without its directories. */
const char *es_batch_base_name(const char *path);

#endif
