/* What a message holds goes from thread to thread through libzmq, whose order a thread sanitizer does not see: here it is told. In other builds this is nothing. */
#ifndef ES_HANDOVER_H
#define ES_HANDOVER_H

#include <zmq.h>

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#define ES_HANDOVER_TAKE(data) __tsan_acquire(data)
#define ES_HANDOVER_GIVE(data) __tsan_release(data)
#else
#define ES_HANDOVER_TAKE(data) (void)(data)
#define ES_HANDOVER_GIVE(data) (void)(data)
#endif

/* Before the first access: it was received, or is new, in memory that another thread may have let go. */
static inline void es_handover_take(zmq_msg_t *msg)
{
    ES_HANDOVER_TAKE(zmq_msg_data(msg));
}

/* After the last access: it is sent or closed. */
static inline void es_handover_give(zmq_msg_t *msg)
{
    ES_HANDOVER_GIVE(zmq_msg_data(msg));
}

#endif
