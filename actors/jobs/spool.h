/* The directory in which recordings lie.
 *
 *      DIR/spool.id        the spool's name, drawn once: a job's row says which spool has its file
 *      DIR/parts/JOB.KEY.DRAW   what has come of an upload: JOB its job, KEY its stream, DRAW new for each owner
 *      DIR/parts/JOB.KEY.head   what the upload is, once something of it is committed
 *      DIR/files/JOB       whole
 *
 * Names are made of checked ids only and every open is relative to a directory, without following links: nothing that a client says leads out of DIR.
 *
 * Who takes an upload over renames its part: from then on the former owner (which may still live, and be slow) finishes nothing, since it finishes by renaming what it
 * knew. Both write the same bytes at the same places, so neither harms the other's. A part is locked as long as somebody has it open, so that whoever clears up after
 * the dead leaves it alone. Bytes are counted in a mapped file that all processes on DIR share; whoever comes first counts anew.
 *
 * Functions block as long as the disk does; those of sync and finish wait for it. Safe from several threads, a part from one at a time.
 */
#ifndef ES_SPOOL_H
#define ES_SPOOL_H

#include "job_wire.h"
#include "metrics.h"

#define ES_SPOOL_ID_LEN 16u
#define ES_PART_NAME_LEN (ES_JOB_ID_LEN + 1 + ES_CLIENT_ID_LEN + 1 + 16) /* JOB.KEY.DRAW */

typedef struct es_spool es_spool_t;

typedef struct {
    const char *dir;
    uint64_t quota; /* bytes in all; 0: no such bound */
    uint64_t floor; /* bytes that stay free on the disk */
} es_spool_config_t;

/* Makes what is missing of DIR. NULL with a sentence in err. */
es_spool_t *es_spool_open(const es_spool_config_t *config, char *err, size_t err_len);
void es_spool_close(es_spool_t **self_p);
const char *es_spool_id(const es_spool_t *self);

typedef struct {
    uint64_t bytes;    /* of parts and files */
    uint64_t reserved; /* announced to this process, not written yet */
    uint64_t quota;
    uint64_t disk_free; /* to us */
} es_spool_usage_t;
void es_spool_usage(const es_spool_t *self, es_spool_usage_t *out);

typedef enum { ES_ROOM_ENOUGH, ES_ROOM_QUOTA, ES_ROOM_FLOOR } es_spool_room_t;
/* Is there room for so many bytes more? */
es_spool_room_t es_spool_room(const es_spool_t *self, uint64_t bytes);

/* ---- parts. 0, or -1 with errno */

typedef struct {
    int fd; /* -1: none */
    char name[ES_PART_NAME_LEN + 1];
    uint64_t bytes;    /* of the file, as counted */
    uint64_t reserved; /* of what was announced, still to come */
} es_part_t;

/* job and key are valid ids (job_id.h). Reserves `announced` bytes. */
int es_part_make(es_spool_t *self, const char *job, const char *key, uint64_t announced, es_part_t *out);
/* Takes over what has come of this upload, at least `offset` bytes, and reserves what is announced beyond. errno ENOENT: there is no such part. */
int es_part_take(es_spool_t *self, const char *job, const char *key, uint64_t offset, uint64_t announced,
                 es_part_t *out);
int es_part_write(es_spool_t *self, es_part_t *part, uint64_t offset, const void *data, size_t len);
/* What was written is on the disk when this returns. */
int es_part_sync(const es_part_t *part);
/* Whole, with `bytes` bytes: on the disk, and renamed to files/JOB, which may replace one of the same upload. The name is durable after es_spool_sync_files. errno ENOENT:
 * another owner has it. Closes the part in any case. */
int es_part_finish(es_spool_t *self, es_part_t *part, uint64_t bytes);
/* Closes it, and deletes it unless another owner has it. A part that is none is fine. */
void es_part_drop(es_spool_t *self, es_part_t *part);
/* Closes it, for whoever takes it over. */
void es_part_leave(es_spool_t *self, es_part_t *part);
/* Deletes a part by name where nobody has it open. True where it did. */
bool es_part_clear(es_spool_t *self, const char *name);

/* Keeps what the upload is, for who takes it over; durable with the parts' names. */
int es_part_keep_head(es_spool_t *self, const char *job, const char *key, const void *head, size_t len);
/* Bytes, at most cap; -1. */
int es_part_read_head(es_spool_t *self, const char *job, const char *key, void *out, size_t cap);
void es_part_drop_head(es_spool_t *self, const char *job, const char *key);

/* The names in parts/ and files/ are on the disk when this returns. */
int es_spool_sync_parts(const es_spool_t *self);
int es_spool_sync_files(const es_spool_t *self);

/* ---- files */

/* For reading; -1 with errno, also where job is no valid id. The caller's to close. */
int es_spool_file_open(const es_spool_t *self, const char *job);
/* Bytes; -1 where there is none. */
int64_t es_spool_file_size(const es_spool_t *self, const char *job);
/* When it came or was last changed, milliseconds since 1970; 0 where there is none. */
uint64_t es_spool_file_changed_ms(const es_spool_t *self, const char *job);
/* One that is not there is fine. */
void es_spool_file_remove(es_spool_t *self, const char *job);

/* ---- clearing up */

/* Deletes parts that nobody has open and that have not changed for keep_ms, and heads that are as old and have no part. Returns the count. */
size_t es_spool_clear_parts(es_spool_t *self, uint64_t now_ms, uint64_t keep_ms);
/* Calls fn for each file, with the time at which it came or was last changed, until it returns false. */
void es_spool_files(const es_spool_t *self, bool (*fn)(void *arg, const char *job, uint64_t changed_ms), void *arg);

#endif
