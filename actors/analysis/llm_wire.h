/* What is said to a language model and what it answers: the chat completions of OpenAI, which many servers speak. Pure. */
#ifndef ES_LLM_WIRE_H
#define ES_LLM_WIRE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define ES_LLM_SUMMARY_MAX 8192u /* bytes of a summary; more is cut */
#define ES_LLM_URL_MAX 2048u

/* The address to POST to. base: http://HOST[:PORT][/PATH], with or without /v1 or /v1/chat/completions at its end. 0, or -1 with a sentence in err. */
int es_llm_address(char out[ES_LLM_URL_MAX], const char *base, char *err, size_t err_len);

typedef struct {
    const char *model;
    const char *language;   /* of the recording; NULL: not known */
    const char *transcript; /* what of it is sent */
    size_t sent, all;       /* bytes of it, and of the whole one; the model is told where something is missing */
} es_llm_question_t;
/* The request's body; free it. */
char *es_llm_question(const es_llm_question_t *question);

/* The summary in an answer of 200, at most ES_LLM_SUMMARY_MAX bytes; free it. NULL with a reason, as part of a sentence, in err. */
char *es_llm_answer(const char *body, size_t len, char *err, size_t err_len);
/* What a server that answered otherwise says went wrong: "status 429: quota exceeded". Without control characters, at most cap - 1 bytes; cap is 80 or
 * more. */
void es_llm_complaint(unsigned status, const char *body, size_t len, char *out, size_t cap);

#endif
