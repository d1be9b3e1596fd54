/* What a child that decodes says: it has read foreign bytes, so it may say anything. */
#include <stdlib.h>
#include <string.h>

#include "decode_wire.h"
#include "file_kind.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static _Alignas(8) char packet[ES_DECODE_PACKET_MAX], again[ES_DECODE_PACKET_MAX];
    es_decode_msg_t msg;
    bool sound;
    es_file_kind(data, size, &sound);
    if (size > sizeof packet) return 0;
    memcpy(packet, data, size);
    if (es_decode_unpack(packet, size, &msg) != 0) return 0;
    /* What was understood is said again alike. */
    if (es_decode_pack(&msg, again) != size || memcmp(again, packet, size) != 0) abort();
    return 0;
}
