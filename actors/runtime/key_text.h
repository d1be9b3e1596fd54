/* The text of a key file: as much of ZPL as CZMQ and others write into one.
 *
 *     # comment
 *     metadata
 *         role = "edge"
 *     curve
 *         public-key = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
 *
 * Pure; any thread.
 */
#ifndef ES_KEY_TEXT_H
#define ES_KEY_TEXT_H

#include <stddef.h>

/* The value of `name` in `section`, without its quotes. 0; -1 where it is not there, there twice (no two readers shall read two things), or longer than out[cap] holds. */
int es_key_text_get(const char *text, const char *section, const char *name, char *out, size_t cap);

#endif
