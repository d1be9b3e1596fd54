#include "recording.h"
#include "sound_files.h"

#define RATE 44100u
#define FRAMES (5 * RATE)
#define SAMPLES 80000 /* at 16 kHz */
enum { TONE = 440 };

typedef struct {
    size_t n;
    int16_t *samples;
    char format[200], damage[200];
    uint64_t said;
} heard_t;

static heard_t hear(const char *name, size_t at_once)
{
    char err[512] = "";
    es_recording_t *file = es_recording_open(open_sound(name), err, sizeof err);
    assert_string_equal(err, "");
    assert_non_null(file);
    heard_t out = {.samples = malloc(4000000), .said = es_recording_duration(file)};
    for (size_t n = 1; n > 0;) {
        n = es_recording_read(file, out.samples + out.n, at_once);
        out.n += n;
    }
    snprintf(out.format, sizeof out.format, "%s", es_recording_format(file));
    const char *damage = es_recording_damage(file);
    snprintf(out.damage, sizeof out.damage, "%s", damage ? damage : "");
    es_recording_close(&file);
    assert_null(file);
    return out;
}

static const char *refusal(const char *name)
{
    static char err[512];
    assert_null(es_recording_open(open_sound(name), err, sizeof err));
    return err;
}

/* How much of the sound between two samples is the tone, in hundredths of its energy. */
static int tone_share(const int16_t *samples, size_t from, size_t to, double hz)
{
    double re = 0, im = 0, all = 0;
    for (size_t i = from; i < to; i++) {
        double x = samples[i], w = 2 * M_PI * hz * (double)i / 16000;
        re += x * cos(w);
        im += x * sin(w);
        all += x * x;
    }
    return all > 0 ? (int)(100 * 2 * (re * re + im * im) / ((double)(to - from) * all)) : 0;
}

static int make_all(void **state)
{
    if (sounds_setup(state) != 0) return -1;
    make_wav("a.wav", RATE, 2, FRAMES, TONE);
    make("lame --quiet a.wav a.mp3");
    make("lame --quiet -t -V4 a.wav vbr.mp3"); /* without the frame that tells its length */
    make("cat vbr.mp3 a.mp3 > two.mp3");
    make("flac -s -o a.flac a.wav");
    make("oggenc -Q -o a.ogg a.wav");
    make("opusenc --quiet a.wav a.opus");
    make("sox a.wav a.aiff");
    return 0;
}

static void every_format_is_heard_to_its_end(void **state)
{
    static const struct {
        const char *name, *format;
        size_t least, most; /* samples */
    } cases[] = {
        {"a.wav", "WAV 16 bit, 44100 Hz, 2 channels", SAMPLES, SAMPLES},
        {"a.aiff", "AIFF 16 bit, 44100 Hz, 2 channels", SAMPLES, SAMPLES},
        {"a.flac", "FLAC 16 bit, 44100 Hz, 2 channels", SAMPLES, SAMPLES},
        {"a.ogg", "Ogg Vorbis, 44100 Hz, 2 channels", SAMPLES, SAMPLES},
        {"a.opus", "Ogg Opus, 48000 Hz, 2 channels", SAMPLES, SAMPLES},
        {"a.mp3", "MPEG layer 3, 44100 Hz, 2 channels", SAMPLES, SAMPLES + 1600},
        {"vbr.mp3", "MPEG layer 3, 44100 Hz, 2 channels", SAMPLES, SAMPLES + 1600},
        {"two.mp3", "MPEG layer 3, 44100 Hz, 2 channels", 2 * SAMPLES, 2 * SAMPLES + 3200},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        heard_t got = hear(cases[i].name, 1600);
        assert_string_equal(got.format, cases[i].format);
        assert_in_range(got.n, cases[i].least, cases[i].most);
        assert_int_equal(got.said, got.n);
        assert_string_equal(got.damage, "");
        assert_in_range(tone_share(got.samples, 4000, 76000, TONE), 97, 100);
        free(got.samples);
    }
}

static void pieces_of_any_size_are_the_same(void **state)
{
    static const char *const names[] = {"a.wav", "a.mp3", "a.opus"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        heard_t one = hear(names[i], 1600), other = hear(names[i], 777);
        assert_int_equal(one.n, other.n);
        assert_memory_equal(one.samples, other.samples, one.n * 2);
        free(one.samples);
        free(other.samples);
    }
}

static void sixteen_kilohertz_are_left_as_they_are(void **state)
{
    (void)state;
    make_wav("same.wav", 16000, 1, 12345, TONE);
    heard_t got = hear("same.wav", 1600);
    assert_int_equal(got.n, 12345);
    for (size_t i = 0; i < got.n; i++)
        assert_int_equal(got.samples[i], (int16_t)lround(16384 * sin(2 * M_PI * TONE * (double)i / 16000)));
    free(got.samples);
}

static void every_rate_has_its_exact_length(void **state)
{
    static const uint32_t rates[] = {1000, 8000, 11025, 22050, 32000, 44099, 48000, 96000, 192000, 768000};
    char command[96];
    (void)state;
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        uint32_t frames = rates[i] + 7;
        make_wav("rate.wav", rates[i], 3, frames, 100);
        heard_t got = hear("rate.wav", 1600);
        assert_int_equal(got.n, (frames * UINT64_C(16000) + rates[i] / 2) / rates[i]);
        assert_int_equal(got.said, got.n);
        assert_in_range(tone_share(got.samples, 2000, 14000, 100), 97, 100);
        bool warned = strstr(got.format, "more words are misheard") != NULL;
        assert_int_equal(warned, rates[i] < 16000);
        free(got.samples);
    }
    make_wav("slow.wav", 999, 1, 2000, 100);
    assert_string_equal(refusal("slow.wav"), "The file has 999 samples a second; 1000 to 768000 are taken.");
    snprintf(command, sizeof command, "rm rate.wav slow.wav");
    make(command);
}

static void channels_are_averaged(void **state)
{
    (void)state;
    make_wav("left.wav", 16000, 1, 16000, TONE);
    make("sox left.wav half.wav remix 1 0");
    heard_t got = hear("half.wav", 1600), full = hear("left.wav", 1600);
    for (size_t i = 0; i < got.n; i++) assert_in_range(got.samples[i] - full.samples[i] / 2 + 1, 0, 2);
    free(got.samples);
    free(full.samples);
}

static void wild_samples_are_tamed(void **state)
{
    (void)state;
    make("sox -n -r 16000 -c 1 -b 32 -e floating-point -t wav loud.wav synth 1 sine 440 vol 3");
    FILE *file = fopen(sound_path("loud.wav"), "r+b");
    const float nan = NAN, inf = INFINITY;
    assert_non_null(file);
    fseek(file, 8000, SEEK_SET);
    fwrite(&nan, 4, 1, file);
    fwrite(&inf, 4, 1, file);
    fclose(file);
    heard_t got = hear("loud.wav", 1600);
    assert_int_equal(got.n, 16000);
    free(got.samples);
}

static void what_is_cut_off_is_heard_as_far_as_it_goes(void **state)
{
    static const char *const names[] = {"a.wav", "a.aiff", "a.flac", "a.ogg", "a.opus", "a.mp3", "vbr.mp3"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        spoil(names[i], "cut", 60, 0);
        heard_t got = hear("cut", 1600);
        assert_in_range(got.n, SAMPLES * 25 / 100, SAMPLES * 65 / 100);
        assert_in_range(tone_share(got.samples, 4000, got.n - 4000, TONE), 97, 100);
        free(got.samples);
    }
}

static void damage_is_told(void **state)
{
    (void)state;
    spoil("a.flac", "bad.flac", 100, 2);
    heard_t got = hear("bad.flac", 1600);
    assert_non_null(strstr(got.damage, " of 5.0 s could be read"));
    free(got.samples);
    spoil("a.mp3", "bad.mp3", 100, 2);
    got = hear("bad.mp3", 1600);
    assert_in_range(got.n, SAMPLES * 95 / 100, SAMPLES + 1600); /* a hole, and all that follows */
    free(got.samples);
}

static void what_is_no_recording_is_called_by_its_name(void **state)
{
    static const struct {
        const char *make, *says;
    } cases[] = {
        {": > no", "This is an empty file. Taken are wav, flac, ogg, opus, mp3 and aiff."},
        {"echo hello > no", "This is text. Taken are wav, flac, ogg, opus, mp3 and aiff."},
        {"printf '....ftypM4A mp42' > no",
         "This is an MP4 file (AAC, m4a or video), which cannot be read. Taken are wav, flac, ogg, opus, mp3 and aiff; "
         "convert it, for instance with: ffmpeg -i FILE out.flac"},
        {"printf '\\032\\105\\337\\243webm' > no",
         "This is a WebM or Matroska file, which cannot be read. Taken are wav, flac, ogg, opus, mp3 and aiff; convert "
         "it, for instance with: ffmpeg -i FILE out.flac"},
        {"head -c 30 a.wav > no",
         "The file cannot be read (Error in WAV file. No 'data' chunk marker.): it is damaged or cut off."},
        {"printf '\\001\\002\\003\\004\\005\\006' > no",
         "This is not a recording, or of an unknown kind. Taken are wav, flac, ogg, opus, mp3 and aiff."},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        make(cases[i].make);
        assert_string_equal(refusal("no"), cases[i].says);
    }
}

static void descriptors_are_given_back(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        free(hear(i % 2 ? "a.mp3" : "a.ogg", 160000).samples);
        make(": > no");
        refusal("no");
    }
    int fd = open_sound("a.wav");
    assert_in_range(fd, 0, 32);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_is_heard_to_its_end),
        cmocka_unit_test(pieces_of_any_size_are_the_same),
        cmocka_unit_test(sixteen_kilohertz_are_left_as_they_are),
        cmocka_unit_test(every_rate_has_its_exact_length),
        cmocka_unit_test(channels_are_averaged),
        cmocka_unit_test(wild_samples_are_tamed),
        cmocka_unit_test(what_is_cut_off_is_heard_as_far_as_it_goes),
        cmocka_unit_test(damage_is_told),
        cmocka_unit_test(what_is_no_recording_is_called_by_its_name),
        cmocka_unit_test(descriptors_are_given_back),
    };
    return cmocka_run_group_tests(tests, make_all, sounds_teardown);
}
