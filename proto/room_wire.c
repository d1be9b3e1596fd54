#include "room_wire.h"

#include <string.h>

#include "unpack.h"

#define PREFIX "room/"
enum { PREFIX_LEN = sizeof PREFIX - 1, EVENT_CELLS = 10, MEMBER_CELLS = 3, NUMBER_BOUND = 9, STR_HEAD = 5 };

/* ---- keys and texts */

size_t es_room_key(char key[ES_KEY_MAX], es_span_t id)
{
    memcpy(key, PREFIX, PREFIX_LEN);
    memcpy(key + PREFIX_LEN, id.ptr, id.len);
    key[PREFIX_LEN + id.len] = 0;
    return PREFIX_LEN + id.len + 1;
}

bool es_room_of_key(es_span_t key, es_span_t *id)
{
    if (key.len <= PREFIX_LEN + 1 || memcmp(key.ptr, PREFIX, PREFIX_LEN) != 0 || key.ptr[key.len - 1] != 0)
        return false;
    *id = es_span_of(key.ptr + PREFIX_LEN, key.len - PREFIX_LEN - 1);
    return es_room_id_valid(*id);
}

bool es_room_text_valid(es_span_t text, bool lines)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = (uint8_t)text.ptr[i];
        bool line = lines && (c == '\n' || c == '\t');
        bool c1 = c == 0xc2 && i + 1 < text.len && (uint8_t)text.ptr[i + 1] < 0xa0;
        if ((c < 0x20 && !line) || c == 0x7f || c1) return false;
    }
    return es_utf8_valid(text.ptr, text.len);
}

bool es_room_id_valid(es_span_t id)
{
    return id.len > 0 && id.len <= ES_ROOM_ID_MAX && es_room_text_valid(id, false);
}

bool es_room_is_request(uint32_t kind)
{
    return kind >= ES_ROOM_JOIN && kind <= ES_ROOM_WHO;
}

bool es_room_is_answer(uint32_t kind)
{
    return kind >= ES_ROOM_DONE && kind <= ES_ROOM_PRESENT;
}

/* ---- rows */

static msgpack_object_array *list(es_decoder_t *decoder, const void *data, size_t len, msgpack_object *root)
{
    if (len > ES_ROOM_MAX || es_unpack(decoder, data, len, root) != ES_DECODE_OK) return NULL;
    return root->type == MSGPACK_OBJECT_ARRAY ? &root->via.array : NULL;
}

static const msgpack_object *cells(const msgpack_object *row, uint32_t n)
{
    return row->type == MSGPACK_OBJECT_ARRAY && row->via.array.size >= n ? row->via.array.ptr : NULL;
}

static bool pack_text(es_pack_t *pack, es_span_t text)
{
    es_pack_str(pack, text);
    return es_utf8_valid(text.ptr, text.len);
}

size_t es_room_event_bound(const es_room_event_t *event)
{
    return 1 + 5 * NUMBER_BOUND + 5 * STR_HEAD + event->member.len + event->name.len + event->text.len +
           event->msg_id.len + event->stream.len;
}

size_t es_room_events_encode(const es_room_event_t *events, size_t n, void *buf, size_t cap)
{
    es_pack_t pack;
    es_pack_init(&pack, buf, cap);
    msgpack_pack_array(&pack.packer, n);
    for (size_t i = 0; i < n && !pack.full; i++) {
        const es_room_event_t *e = &events[i];
        msgpack_pack_array(&pack.packer, EVENT_CELLS);
        msgpack_pack_uint64(&pack.packer, e->rseq);
        msgpack_pack_uint32(&pack.packer, e->type);
        msgpack_pack_uint64(&pack.packer, e->at_ms);
        if (!pack_text(&pack, e->member) || !pack_text(&pack, e->name) || !pack_text(&pack, e->text) ||
            !pack_text(&pack, e->msg_id) || !pack_text(&pack, e->stream))
            return 0;
        msgpack_pack_uint64(&pack.packer, e->start);
        msgpack_pack_uint64(&pack.packer, e->end);
    }
    return es_pack_len(&pack);
}

static bool decode_event(const msgpack_object *row, es_room_event_t *out)
{
    const msgpack_object *cell = cells(row, EVENT_CELLS);
    uint64_t type;
    if (!cell || !es_unpack_uint(&cell[0], &out->rseq) || !es_unpack_uint(&cell[1], &type) || type > UINT32_MAX)
        return false;
    out->type = (uint32_t)type;
    return es_unpack_uint(&cell[2], &out->at_ms) && es_unpack_str(&cell[3], &out->member) &&
           es_unpack_str(&cell[4], &out->name) && es_unpack_str(&cell[5], &out->text) &&
           es_unpack_str(&cell[6], &out->msg_id) && es_unpack_str(&cell[7], &out->stream) &&
           es_unpack_uint(&cell[8], &out->start) && es_unpack_uint(&cell[9], &out->end);
}

int es_room_events_decode(es_decoder_t *decoder, const void *data, size_t len, es_room_event_t *events, size_t max)
{
    msgpack_object root;
    if (len == 0) return 0;
    const msgpack_object_array *rows = list(decoder, data, len, &root);
    if (!rows || rows->size > max) return -1;
    for (uint32_t i = 0; i < rows->size; i++)
        if (!decode_event(&rows->ptr[i], &events[i])) return -1;
    return (int)rows->size;
}

size_t es_room_members_encode(const es_room_member_t *members, size_t n, void *buf, size_t cap)
{
    es_pack_t pack;
    es_pack_init(&pack, buf, cap);
    msgpack_pack_array(&pack.packer, n);
    for (size_t i = 0; i < n && !pack.full; i++) {
        msgpack_pack_array(&pack.packer, MEMBER_CELLS);
        if (!pack_text(&pack, members[i].client) || !pack_text(&pack, members[i].session) ||
            !pack_text(&pack, members[i].name))
            return 0;
    }
    return es_pack_len(&pack);
}

static bool decode_member(const msgpack_object *row, es_room_member_t *out)
{
    const msgpack_object *cell = cells(row, MEMBER_CELLS);
    return cell && es_unpack_str(&cell[0], &out->client) && es_unpack_str(&cell[1], &out->session) &&
           es_unpack_str(&cell[2], &out->name) && out->client.len <= ES_CLIENT_ID_LEN &&
           out->session.len <= ES_SESSION_MAX && out->name.len <= ES_NAME_MAX;
}

int es_room_members_decode(es_decoder_t *decoder, const void *data, size_t len, es_room_member_t *members, size_t max)
{
    msgpack_object root;
    if (len == 0) return 0;
    const msgpack_object_array *rows = list(decoder, data, len, &root);
    if (!rows || rows->size > max) return -1;
    for (uint32_t i = 0; i < rows->size; i++)
        if (!decode_member(&rows->ptr[i], &members[i])) return -1;
    return (int)rows->size;
}
