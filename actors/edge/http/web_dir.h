/* Where the page lies that came along with this program. */
#ifndef ES_WEB_DIR_H
#define ES_WEB_DIR_H

#include <limits.h>

#define ES_WEB_DIR_MAX (PATH_MAX + 32)

/* ../share/earshot/web, seen from the directory of the program, as it is in every installation, wherever that was put, and in the tree of a build. `installed` where there is
 * nothing, for those who install programs and data apart. Any thread. */
const char *es_web_dir(char out[ES_WEB_DIR_MAX], const char *installed);

#endif
