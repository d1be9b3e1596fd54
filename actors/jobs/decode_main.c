/* earshot-decode: started by earshot-jobs, of no use by itself. The argument is the bound of its memory in MiB. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "decode_child.h"
#include "decode_wire.h"

int main(int argc, char **argv)
{
    uint64_t memory = argc > 1 ? strtoull(argv[1], NULL, 10) << 20 : 0;
    if (fcntl(ES_DECODE_FD, F_GETFD) < 0) {
        fprintf(stderr, "earshot-decode: decodes files for earshot-jobs, which starts it\n");
        return 2;
    }
    es_decode_child_run(ES_DECODE_FD, memory);
}
