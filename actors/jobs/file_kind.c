#include "file_kind.h"

#include <stdbool.h>
#include <string.h>

static const struct {
    size_t at, len;
    const char *magic, *kind;
    bool sound;
} kinds[] = {
    {4, 4, "ftyp", "an MP4 file (AAC, m4a or video)", true},
    {0, 4, "\x1a\x45\xdf\xa3", "a WebM or Matroska file", true},
    {0, 4, "\x30\x26\xb2\x75", "a Windows Media file (wma)", true},
    {0, 5, "#!AMR", "an AMR file", true},
    {0, 3, "FLV", "a Flash video", true},
    {0, 4, ".RMF", "a RealMedia file", true},
    {8, 4, "AVI ", "an AVI video", true},
    {0, 4, "MThd", "a MIDI file: notes, no sound", false},
    {0, 5, "%PDF-", "a PDF document", false},
    {0, 4, "PK\x03\x04", "a ZIP archive or an office document", false},
    {0, 2, "\x1f\x8b", "a gzip archive", false},
    {0, 8, "\x89PNG\r\n\x1a\n", "a PNG picture", false},
    {0, 3, "\xff\xd8\xff", "a JPEG picture", false},
    {0, 4, "GIF8", "a GIF picture", false},
    {0, 4,
     "\x7f"
     "ELF",
     "a program", false},
    {0, 2, "MZ", "a program", false},
    {0, 2, "\xff\xf1", "an AAC stream", true},
    {0, 2, "\xff\xf9", "an AAC stream", true},
    {0, 3, "ID3", "an MP3 file without sound that can be read", false},
};

static bool text(const unsigned char *head, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (head[i] == 0x7f || (head[i] < 0x20 && !strchr("\t\n\r\f", head[i])) || head[i] == 0) return false;
    return len > 0;
}

const char *es_file_kind(const void *head, size_t len, bool *sound)
{
    *sound = false;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (len < kinds[i].at + kinds[i].len ||
            memcmp((const char *)head + kinds[i].at, kinds[i].magic, kinds[i].len) != 0)
            continue;
        *sound = kinds[i].sound;
        return kinds[i].kind;
    }
    return len == 0 ? "an empty file" : text(head, len) ? "text" : NULL;
}
