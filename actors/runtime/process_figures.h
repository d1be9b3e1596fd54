/* What the kernel knows of this process, under the names that Prometheus' own clients use. Any thread. */
#ifndef ES_PROCESS_FIGURES_H
#define ES_PROCESS_FIGURES_H

#include <stdio.h>

/* As Prometheus text; what cannot be read is left out. */
void es_process_print(FILE *out);

#endif
