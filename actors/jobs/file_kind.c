#include "file_kind.h"

#include <stdbool.h>
#include <string.h>

static const struct {
    size_t at, len;
    const char *magic, *kind;
} kinds[] = {
    {4, 4, "ftyp", "an MP4 file (AAC, m4a or video)"},
    {0, 4, "\x1a\x45\xdf\xa3", "a WebM or Matroska file"},
    {0, 4, "\x30\x26\xb2\x75", "a Windows Media file (wma)"},
    {0, 5, "#!AMR", "an AMR file"},
    {0, 3, "FLV", "a Flash video"},
    {0, 4, ".RMF", "a RealMedia file"},
    {8, 4, "AVI ", "an AVI video"},
    {0, 4, "MThd", "a MIDI file: notes, no sound"},
    {0, 5, "%PDF-", "a PDF document"},
    {0, 4, "PK\x03\x04", "a ZIP archive or an office document"},
    {0, 2, "\x1f\x8b", "a gzip archive"},
    {0, 8, "\x89PNG\r\n\x1a\n", "a PNG picture"},
    {0, 3, "\xff\xd8\xff", "a JPEG picture"},
    {0, 4, "GIF8", "a GIF picture"},
    {0, 4,
     "\x7f"
     "ELF",
     "a program"},
    {0, 2, "MZ", "a program"},
    {0, 2, "\xff\xf1", "an AAC stream"},
    {0, 2, "\xff\xf9", "an AAC stream"},
    {0, 3, "ID3", "an MP3 file without sound that can be read"},
};

static bool text(const unsigned char *head, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (head[i] == 0x7f || (head[i] < 0x20 && !strchr("\t\n\r\f", head[i])) || head[i] == 0) return false;
    return len > 0;
}

const char *es_file_kind(const void *head, size_t len)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (len >= kinds[i].at + kinds[i].len &&
            memcmp((const char *)head + kinds[i].at, kinds[i].magic, kinds[i].len) == 0)
            return kinds[i].kind;
    return len == 0 ? "an empty file" : text(head, len) ? "text" : NULL;
}
