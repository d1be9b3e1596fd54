/* What jobs are called on the wire. PROTOCOL.md, section 11. */
#ifndef ES_JOB_WIRE_H
#define ES_JOB_WIRE_H

#include "catalogue.h"

#define ES_JOBS_SERVICE "jobs"       /* of a jobs actor, for questions */
#define ES_UPLOAD_SERVICE "upload"   /* of a jobs actor, for streams that bring a file */
#define ES_ANALYZE_SERVICE "analyze" /* of an analysis actor */
#define ES_JOBS_TOPIC "jobs/"        /* all keys of JOB_ASK, JOB_NEWS and JOB_STATS begin with it */
#define ES_JOBS_STATS_KEY "jobs/*"   /* of JOB_STATS */
#define ES_JOB_ID_LEN 36u            /* a UUID, lower case */
#define ES_JOB_PRINCIPAL_MAX 208u    /* bytes of the name of whose job it is */
#define ES_UPLOAD_PIECE 65536u       /* bytes of a file in one frame, at most */
#define ES_UPLOAD_COMMIT \
    4194304u /* bytes after which a jobs actor commits at the latest; half of what a sender retains */
#define ES_JOB_AUDIO_MAX 262144u /* bytes of a file in one JOB_TOLD */
#define ES_BATCH_PRIORITY 1u     /* of the audio of a job, in its START */

#endif
