/* write(2) until all is written. */
#ifndef ES_WRITE_WHOLE_H
#define ES_WRITE_WHOLE_H

#include <stddef.h>

/* 0, or -1 with errno, where a part may have been written. fd blocks. Any thread. */
int es_write_whole(int fd, const void *data, size_t len);

#endif
