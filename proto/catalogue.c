#include "catalogue.h"

#include "unpack.h"

#define OPERATION (ES_BIT(ES_M_CLIENT) | ES_BIT(ES_M_SESSION) | ES_BIT(ES_M_BASE))
#define CAPTION (ES_BIT(ES_M_STREAM) | ES_BIT(ES_M_START) | ES_BIT(ES_M_END) | ES_BIT(ES_M_TEXT))
#define STATE (ES_BIT(ES_M_LOG) | ES_BIT(ES_M_RSEQ) | ES_BIT(ES_M_FLOOR))

/* By kind; a kind that there is not has no name. */
static const es_catalogue_entry_t entries[] = {
    [ES_FRAME] = {.kind = ES_FRAME,
                  .name = "FRAME",
                  .required = ES_BIT(ES_M_FLAGS) | ES_BIT(ES_M_POS) | ES_BIT(ES_M_COMMITTED),
                  .body_max = ES_BODY_MAX},
    [ES_CLOSE] = {.kind = ES_CLOSE, .name = "CLOSE"},
    [ES_BUNDLE] = {.kind = ES_BUNDLE, .name = "BUNDLE", .body_max = ES_BUNDLE_MAX},
    [ES_ACK] = {.kind = ES_ACK,
                .name = "ACK",
                .required = ES_BIT(ES_M_INC) | ES_BIT(ES_M_EXPECTED) | ES_BIT(ES_M_COMMITTED)},
    [ES_REWIND] = {.kind = ES_REWIND, .name = "REWIND"},
    [ES_FINAL] = {.kind = ES_FINAL,
                  .name = "FINAL",
                  .required = ES_BIT(ES_M_INC) | ES_BIT(ES_M_EXPECTED) | ES_BIT(ES_M_COMMITTED) | ES_BIT(ES_M_FROM) |
                              ES_BIT(ES_M_TO),
                  .body_max = ES_WORDS_MAX},
    [ES_PARTIAL] = {.kind = ES_PARTIAL,
                    .name = "PARTIAL",
                    .required = ES_BIT(ES_M_INC) | ES_BIT(ES_M_FROM) | ES_BIT(ES_M_TO) | ES_BIT(ES_M_TEXT)},
    [ES_WORKER_LOST] = {.kind = ES_WORKER_LOST, .name = "WORKER_LOST"},
    [ES_WAIT] = {.kind = ES_WAIT, .name = "WAIT", .required = ES_BIT(ES_M_PLACE)},
    [ES_REFUSED] = {.kind = ES_REFUSED, .name = "REFUSED", .required = ES_BIT(ES_M_REASON)},
    [ES_YIELD] = {.kind = ES_YIELD, .name = "YIELD"},
    [ES_HELLO] = {.kind = ES_HELLO,
                  .name = "HELLO",
                  .required = ES_BIT(ES_M_INC) | ES_BIT(ES_M_SERVICE) | ES_BIT(ES_M_CAPACITY),
                  .body_max = ES_HOUSE_MAX},
    [ES_HEARTBEAT] = {.kind = ES_HEARTBEAT, .name = "HEARTBEAT", .required = ES_BIT(ES_M_INC)},
    [ES_GOODBYE] = {.kind = ES_GOODBYE, .name = "GOODBYE", .required = ES_BIT(ES_M_INC)},
    [ES_PING] = {.kind = ES_PING, .name = "PING"},
    [ES_WHO_ARE_YOU] = {.kind = ES_WHO_ARE_YOU, .name = "WHO_ARE_YOU"},
    [ES_DROP] = {.kind = ES_DROP, .name = "DROP"},
    [ES_PROBE] = {.kind = ES_PROBE, .name = "PROBE"},
    [ES_REPORT] = {.kind = ES_REPORT, .name = "REPORT", .required = ES_BIT(ES_M_NAME)},
    [ES_PROBED] = {.kind = ES_PROBED, .name = "PROBED", .required = ES_BIT(ES_M_LOAD) | ES_BIT(ES_M_CAPACITY)},
    [ES_BEACON] = {.kind = ES_BEACON, .name = "BEACON", .body_max = ES_HOUSE_MAX},
    [ES_DRAIN] = {.kind = ES_DRAIN, .name = "DRAIN", .required = ES_BIT(ES_M_NAME)},
    [ES_DRAINED] = {.kind = ES_DRAINED, .name = "DRAINED", .required = ES_BIT(ES_M_COUNT)},
    [ES_ROOM_JOIN] = {.kind = ES_ROOM_JOIN, .name = "ROOM_JOIN", .required = OPERATION | ES_BIT(ES_M_NAME)},
    [ES_ROOM_LEAVE] = {.kind = ES_ROOM_LEAVE, .name = "ROOM_LEAVE", .required = OPERATION},
    [ES_ROOM_SAY] = {.kind = ES_ROOM_SAY,
                     .name = "ROOM_SAY",
                     .required = OPERATION | ES_BIT(ES_M_NAME) | ES_BIT(ES_M_MSG_ID) | ES_BIT(ES_M_TEXT)},
    [ES_ROOM_CAPTION] = {.kind = ES_ROOM_CAPTION,
                         .name = "ROOM_CAPTION",
                         .required = OPERATION | ES_BIT(ES_M_NAME) | CAPTION,
                         .body_max = ES_WORDS_MAX},
    [ES_ROOM_PARTIAL] = {.kind = ES_ROOM_PARTIAL,
                         .name = "ROOM_PARTIAL",
                         .required = ES_BIT(ES_M_CLIENT) | ES_BIT(ES_M_SESSION) | ES_BIT(ES_M_NAME) | CAPTION},
    [ES_ROOM_MEMBERS] = {.kind = ES_ROOM_MEMBERS,
                         .name = "ROOM_MEMBERS",
                         .required = ES_BIT(ES_M_CLIENT),
                         .body_max = ES_ROOM_MAX},
    [ES_ROOM_FETCH] = {.kind = ES_ROOM_FETCH,
                       .name = "ROOM_FETCH",
                       .required = ES_BIT(ES_M_CLIENT) | ES_BIT(ES_M_FROM) | ES_BIT(ES_M_COUNT)},
    [ES_ROOM_WHO] = {.kind = ES_ROOM_WHO, .name = "ROOM_WHO", .required = ES_BIT(ES_M_CLIENT)},
    [ES_ROOM_NEWS] = {.kind = ES_ROOM_NEWS, .name = "ROOM_NEWS", .required = ES_BIT(ES_M_LOG), .body_max = ES_ROOM_MAX},
    [ES_ROOM_DONE] = {.kind = ES_ROOM_DONE,
                      .name = "ROOM_DONE",
                      .required = ES_BIT(ES_M_ROOM) | STATE,
                      .body_max = ES_ROOM_MAX},
    [ES_ROOM_REFUSED] = {.kind = ES_ROOM_REFUSED,
                         .name = "ROOM_REFUSED",
                         .required = ES_BIT(ES_M_ROOM) | ES_BIT(ES_M_REASON)},
    [ES_ROOM_EVENTS] = {.kind = ES_ROOM_EVENTS,
                        .name = "ROOM_EVENTS",
                        .required = ES_BIT(ES_M_ROOM) | STATE,
                        .body_max = ES_ROOM_MAX},
    [ES_ROOM_STATE] = {.kind = ES_ROOM_STATE, .name = "ROOM_STATE", .required = ES_BIT(ES_M_ROOM) | STATE},
    [ES_ROOM_PRESENT] = {.kind = ES_ROOM_PRESENT,
                         .name = "ROOM_PRESENT",
                         .required = ES_BIT(ES_M_ROOM) | ES_BIT(ES_M_COUNT) | STATE,
                         .body_max = ES_ROOM_MAX},
    [ES_JOB_ASK] = {.kind = ES_JOB_ASK,
                    .name = "JOB_ASK",
                    .required = ES_BIT(ES_M_CLIENT) | ES_BIT(ES_M_NAME),
                    .body_max = ES_JOB_MAX},
    [ES_JOB_TOLD] = {.kind = ES_JOB_TOLD, .name = "JOB_TOLD", .required = ES_BIT(ES_M_COUNT), .body_max = ES_TOLD_MAX},
    [ES_JOB_NEWS] = {.kind = ES_JOB_NEWS, .name = "JOB_NEWS", .body_max = ES_JOB_MAX},
    [ES_JOB_STATS] = {.kind = ES_JOB_STATS, .name = "JOB_STATS", .required = ES_BIT(ES_M_NAME), .body_max = ES_JOB_MAX},
};

const es_catalogue_entry_t *es_catalogue_find(uint32_t kind)
{
    return kind < sizeof entries / sizeof *entries && entries[kind].name ? &entries[kind] : NULL;
}

/* FRAME says by its flags what else it must and may carry. */
static es_check_t check_frame(const es_msg_t *msg, size_t body_len)
{
    if (msg->epoch == 0 || msg->seq == 0) return ES_CHECK_MISSING;
    if ((msg->flags & ES_F_START) && !(ES_HAS(msg, ES_M_BASE) && ES_HAS(msg, ES_M_SERVICE))) return ES_CHECK_MISSING;
    return (msg->flags & ES_F_MARK) && body_len > 0 ? ES_CHECK_BODY : ES_CHECK_OK;
}

es_check_t es_catalogue_check(const es_msg_t *msg, size_t body_len)
{
    const es_catalogue_entry_t *entry = es_catalogue_find(msg->kind);
    if (!entry) return ES_CHECK_UNKNOWN_KIND;
    if ((msg->present & entry->required) != entry->required) return ES_CHECK_MISSING;
    if (body_len > entry->body_max) return ES_CHECK_BODY;
    return entry->kind == ES_FRAME ? check_frame(msg, body_len) : ES_CHECK_OK;
}

const char *es_check_reason(es_check_t reason)
{
    static const char *const reasons[ES_CHECK_REASONS] = {
        [ES_CHECK_OK] = "ok",
        [ES_CHECK_UNKNOWN_KIND] = "the kind of the message is unknown here",
        [ES_CHECK_MISSING] = "the message lacks a field that its kind must have",
        [ES_CHECK_BODY] = "the message's body is larger than its kind allows",
    };
    return (unsigned)reason < ES_CHECK_REASONS ? reasons[reason] : "unknown reason";
}

/* The array that `data` holds. False for other bytes. */
static bool unpack_list(es_decoder_t *decoder, const void *data, size_t len, size_t len_max, msgpack_object_array *out)
{
    msgpack_object root;
    if (len > len_max || es_unpack(decoder, data, len, &root) != ES_DECODE_OK) return false;
    *out = root.via.array;
    return root.type == MSGPACK_OBJECT_ARRAY;
}

/* The items of a list's row. NULL where it has fewer than n. */
static const msgpack_object *row(const msgpack_object *item, uint32_t n)
{
    return item->type == MSGPACK_OBJECT_ARRAY && item->via.array.size >= n ? item->via.array.ptr : NULL;
}

size_t es_words_encode(const es_word_t *words, size_t n, void *buf, size_t cap)
{
    es_pack_t pack;
    es_pack_init(&pack, buf, cap);
    msgpack_pack_array(&pack.packer, n);
    for (size_t i = 0; i < n && !pack.full; i++) {
        if (!es_utf8_valid(words[i].text.ptr, words[i].text.len)) return 0;
        msgpack_pack_array(&pack.packer, 4);
        es_pack_str(&pack, words[i].text);
        msgpack_pack_uint64(&pack.packer, words[i].start);
        msgpack_pack_uint64(&pack.packer, words[i].end);
        msgpack_pack_uint32(&pack.packer, words[i].confidence);
    }
    return es_pack_len(&pack);
}

static bool decode_word(const msgpack_object *item, es_word_t *out)
{
    const msgpack_object *cell = row(item, 4);
    uint64_t confidence;
    if (!cell || !es_unpack_str(&cell[0], &out->text) || !es_unpack_uint(&cell[1], &out->start) ||
        !es_unpack_uint(&cell[2], &out->end) || !es_unpack_uint(&cell[3], &confidence) || confidence > UINT32_MAX)
        return false;
    out->confidence = (uint32_t)confidence;
    return true;
}

int es_words_decode(es_decoder_t *decoder, const void *data, size_t len, es_word_t *words, size_t max)
{
    msgpack_object_array list;
    if (len == 0) return 0;
    if (!unpack_list(decoder, data, len, ES_WORDS_MAX, &list)) return -1;
    int n = 0;
    for (uint32_t i = 0; i < list.size && i < max; i++, n++)
        if (!decode_word(&list.ptr[i], &words[i])) return -1;
    return n;
}

size_t es_streams_encode(const es_stream_ref_t *streams, size_t n, void *buf, size_t cap)
{
    es_pack_t pack;
    es_pack_init(&pack, buf, cap);
    msgpack_pack_array(&pack.packer, n);
    for (size_t i = 0; i < n && !pack.full; i++) {
        if (streams[i].key.len > ES_KEY_MAX || !es_utf8_valid(streams[i].key.ptr, streams[i].key.len)) return 0;
        msgpack_pack_array(&pack.packer, streams[i].priority > 0 ? 3 : 2);
        es_pack_str(&pack, streams[i].key);
        msgpack_pack_uint64(&pack.packer, streams[i].epoch);
        if (streams[i].priority > 0) msgpack_pack_uint32(&pack.packer, streams[i].priority);
    }
    return es_pack_len(&pack);
}

static bool decode_stream(const msgpack_object *item, es_stream_ref_t *out)
{
    const msgpack_object *cell = row(item, 2), *third = row(item, 3);
    uint64_t priority;
    bool told = third && es_unpack_uint(&third[2], &priority) && priority <= UINT32_MAX;
    out->priority = told ? (uint32_t)priority : 0;
    return cell && (es_unpack_str(&cell[0], &out->key) || es_unpack_bin(&cell[0], &out->key)) &&
           out->key.len <= ES_KEY_MAX && es_unpack_uint(&cell[1], &out->epoch);
}

int es_streams_decode(es_decoder_t *decoder, const void *data, size_t len, es_stream_ref_t *streams, size_t max)
{
    msgpack_object_array list;
    if (len == 0) return 0;
    if (!unpack_list(decoder, data, len, ES_HOUSE_MAX, &list)) return -1;
    int n = 0;
    for (uint32_t i = 0; i < list.size && i < max; i++, n++)
        if (!decode_stream(&list.ptr[i], &streams[i])) return -1;
    return n;
}
