#include "vocabulary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "keymap.h"

enum { WORD_MAX = ES_KEYMAP_KEY };

/* Words with blanks between them; fillers of two words with an underscore. */
static const struct {
    const char *language, *fillers, *stops;
} tables[] = {
    {"en", "um umm uh uhm er erm ah hm hmm mm mhm like you_know i_mean sort_of kind_of",
     "a about above after again against all almost also although always am among an and another any anything are "
     "aren't as at "
     "away back be became because been before being below between both but by came can can't cannot come could "
     "couldn't did "
     "didn't do does doesn't doing don't done down during each either else even ever every few first for from further "
     "get gets "
     "getting go goes going gone gonna good got had hadn't has hasn't have haven't having he he'd he'll he's her here "
     "here's "
     "hers herself him himself his how how's i i'd i'll i'm i've if in into is isn't it it'd it'll it's its itself "
     "just know "
     "last least less let let's lot lots made make makes many may maybe me might mine more most much must mustn't my "
     "myself "
     "never new no nor not nothing now of off oh ok okay old on once one only onto or other others ought our ours "
     "ourselves "
     "out over own per perhaps please put quite rather really right said same saw say says see seem seems seen shall "
     "shan't "
     "she she'd she'll she's should shouldn't since so some someone something soon still such take taken than that "
     "that'd "
     "that'll that's the their theirs them themselves then there there's these they they'd they'll they're they've "
     "thing "
     "things think this those though three through till to too took toward two under until up upon us use used very "
     "wanna "
     "want was wasn't way we we'd we'll we're we've well went were weren't what what's when when's where where's "
     "whether "
     "which while who who's whom whose why why's will with within without won't would wouldn't yeah yes yet you you'd "
     "you'll "
     "you're you've your yours yourself yourselves"},
    {"de", "äh ähm öh öhm hm hmm mhm halt quasi sozusagen na_ja oder_so",
     "aber alle allem allen aller alles als also am an ander andere anderem anderen anderer anderes auch auf aus bei "
     "beim bin "
     "bis bist da dabei dadurch dafür dagegen daher dahin damit danach dann daran darauf daraus darin darum das dass "
     "dasselbe "
     "davon davor dazu dein deine deinem deinen deiner dem den denn der deren des dessen dich die dies diese diesem "
     "diesen "
     "dieser dieses dir doch dort du durch ein eine einem einen einer eines einfach einige einigen einmal er es etwas "
     "euch "
     "euer eure für gab ganz gar geben gegen gehabt geht gibt gut hab habe haben hat hatte hatten her hier hin hinter "
     "ich ihm "
     "ihn ihnen ihr ihre ihrem ihren ihrer im immer in ins ist ja jede jedem jeden jeder jedes jener jetzt kann kein "
     "keine "
     "keinem keinen keiner können könnte konnte machen macht mal man manche mehr mein meine meinem meinen meiner mich "
     "mir mit "
     "muss müssen musste nach nein nicht nichts noch nun nur ob oder ohne schon sehr sein seine seinem seinen seiner "
     "seit "
     "selbst sich sie sind so sogar solche soll sollen sollte sondern sonst über um und uns unser unsere unter viel "
     "viele vom "
     "von vor wann war waren warum was weg weil weiter welche welchem welchen welcher wenn wer werde werden wie wieder "
     "will "
     "wir wird wirst wo wollen wollte worden wurde wurden würde würden zu zum zur zwar zwischen"},
    {"fr", "euh heu hein ben bah genre du_coup tu_vois en_fait",
     "a ai aie alors après as au aucun aussi autre autres aux avaient avais avait avant avec avez avoir avons ayant "
     "bien c'est "
     "ça car ce ceci cela celle celui ces cet cette ceux chaque ci comme comment d'un d'une dans de depuis des deux "
     "donc dont du "
     "elle elles en encore entre es est et étaient étais était étant été être eu eux fait faire fois font il ils j'ai "
     "j'avais "
     "je l'on la là le les leur leurs lui ma mais me même mes mieux moi moins mon n'a n'est ne ni nos notre nous on "
     "ont ou où "
     "oui par parce pas peu peut plus pour pourquoi qu'il qu'elle qu'on quand que quel quelle quelles quels qui quoi "
     "sa sans se "
     "sera ses seulement si son sont sous sur suis t'as ta tandis te tes toi ton tous tout toute toutes très trop tu "
     "un une "
     "va vais vers veut vont vos votre vous y"},
    {"es", "eh este em mmm pues o_sea",
     "a al algo alguna algunas alguno algunos ante antes aquel aquella así aun aún aunque bien cada casi como cómo con "
     "contra "
     "cosa cosas cual cuál cuando cuándo da de del desde donde dónde dos durante e el él ella ellas ellos en entonces "
     "entre era "
     "eran es esa esas ese eso esos está están estaba estar estas estos estoy fue fueron ha había habían haber hace "
     "hacer han "
     "hasta hay he la las le les lo los más me mi mí mis mismo mucho muchos muy nada ni no nos nosotros nuestra "
     "nuestro o os "
     "otra otras otro otros para pero poco por porque puede pueden que qué quien quién se sea ser si sí sido sin sobre "
     "solo son "
     "su sus también tan tanto te tiene tienen toda todas todo todos tu tú tus un una unas uno unos usted va vamos ya "
     "yo"},
};

enum { STOPS = 1, FILLS = 2 };

struct es_vocabulary {
    es_keymap_t *words; /* to one of marks */
};

static char marks[4]; /* whose address tells STOPS, FILLS or both */

static void add(es_vocabulary_t *self, const char *list, unsigned mark)
{
    while (*list) {
        es_span_t word = es_span_of(list, strcspn(list, " "));
        char *old = es_keymap_remove(self->words, word);
        unsigned all = mark | (old ? (unsigned)(old - marks) : 0);
        es_keymap_put(self->words, word, &marks[all]);
        list += word.len;
        list += strspn(list, " ");
    }
}

es_vocabulary_t *es_vocabulary_new(const char *language)
{
    es_vocabulary_t *self = es_alloc_zero(sizeof *self);
    self->words = es_keymap_new();
    if (!language || !*language) language = "en";
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        if (strncmp(language, tables[i].language, 2) != 0 || (language[2] && language[2] != '-' && language[2] != '_'))
            continue;
        add(self, tables[i].stops, STOPS);
        add(self, tables[i].fillers, FILLS);
    }
    return self;
}

void es_vocabulary_destroy(es_vocabulary_t **self_p)
{
    if (!*self_p) return;
    es_keymap_destroy(&(*self_p)->words);
    free(*self_p);
    *self_p = NULL;
}

static bool is(const es_vocabulary_t *self, const char *word, unsigned mark)
{
    size_t len = strlen(word);
    char *found = len && len <= WORD_MAX ? es_keymap_get(self->words, es_span_of(word, len)) : NULL;
    return found && ((unsigned)(found - marks) & mark);
}

bool es_vocabulary_stops(const es_vocabulary_t *self, const char *word)
{
    return is(self, word, STOPS);
}

unsigned es_vocabulary_fills(const es_vocabulary_t *self, const char *word, const char *next)
{
    char both[WORD_MAX + 1];
    int n = next ? snprintf(both, sizeof both, "%s_%s", word, next) : -1;
    if (n > 0 && n <= WORD_MAX && is(self, both, FILLS)) return 2;
    return is(self, word, FILLS) ? 1 : 0;
}
