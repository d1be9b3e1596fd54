/* What people do: join, say, speak, leave, vanish, come back through another edge with their last event, and say again what was not answered. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue.h"
#include "rooms_sim.h"

enum { ACTIVE_UNTIL_US = 8000000, UNANSWERED = 48, WORD = 1000 };

void client_session(int c, char session[32])
{
    snprintf(session, 32, "session-%d", c);
}

uint32_t client_message_of(es_span_t msg_id, int *client)
{
    unsigned c = 0, n = 0;
    char text[32];
    snprintf(text, sizeof text, "%.*s", (int)msg_id.len, msg_id.ptr);
    if (sscanf(text, "c%u-%u", &c, &n) != 2) return UINT32_MAX;
    *client = (int)c;
    return n;
}

static void tell(sim_t *sim, int c, const es_msg_t *msg, const void *body, size_t len)
{
    const client_t *client = &sim->clients[c];
    network_tell(sim, NODE_CLIENT + c, NODE_EDGE + client->edge, client->conn, msg, body, len);
}

static void wake(sim_t *sim, int c, uint64_t us)
{
    node_arm(sim, NODE_CLIENT + c, EV_CLIENT, sim->world.now + us);
}

static uint64_t pause(sim_t *sim)
{
    return 1 + world_below(&sim->world, sim->plan.pace_us);
}

/* ---- messages */

static void say_message(sim_t *sim, int c, uint32_t n)
{
    char id[32], text[64];
    snprintf(id, sizeof id, "c%d-%u", c, n);
    snprintf(text, sizeof text, "hello %s", id);
    es_msg_t msg = {.kind = SAY_TEXT};
    ES_SET(&msg, ES_M_MSG_ID, msg_id, es_span(id));
    ES_SET(&msg, ES_M_TEXT, text, es_span(text));
    tell(sim, c, &msg, NULL, 0);
}

static void say(sim_t *sim, int c, uint32_t n)
{
    client_t *client = &sim->clients[c];
    for (; n > 0 && client->said < MESSAGES && client->said - client->answered < UNANSWERED; n--)
        say_message(sim, c, client->said++);
}

static void say_again(sim_t *sim, int c)
{
    const client_t *client = &sim->clients[c];
    for (uint32_t n = client->answered; n < client->said; n++)
        if (!client->messages[n].said) say_message(sim, c, n);
}

static void answered(client_t *client)
{
    while (client->answered < client->said && client->messages[client->answered].said) client->answered++;
}

static void on_said(sim_t *sim, int c, const es_msg_t *msg)
{
    client_t *client = &sim->clients[c];
    int of = -1;
    uint32_t n = client_message_of(msg->msg_id, &of);
    const log_t *log = store_log(sim, client->room, msg->log);
    const row_t *row = log ? store_row(log, msg->rseq) : NULL;
    message_t *message = &client->messages[n];
    if (of != c || n >= client->said || message->said)
        world_fail(&sim->world, "c%d: %.*s is answered, but was not asked", c, (int)msg->msg_id.len, msg->msg_id.ptr);
    else if (!row || !es_span_eq(row->event.msg_id, msg->msg_id))
        world_fail(&sim->world, "c%d: %.*s is acknowledged as %" PRIu64 " and not stored there", c,
                   (int)msg->msg_id.len, msg->msg_id.ptr, msg->rseq);
    else
        *message = (message_t){.said = true, .log = msg->log, .rseq = msg->rseq};
    sim->figures.acknowledged++;
    answered(client);
}

/* Nobody asks for what it may not, and nobody is forgotten. */
static void on_refused(sim_t *sim, int c, const es_msg_t *msg)
{
    world_fail(&sim->world, "c%d: %.*s, operation of kind %" PRIu64 ", %.*s", c, (int)msg->reason.len, msg->reason.ptr,
               msg->flags, (int)msg->msg_id.len, msg->msg_id.ptr);
}

/* ---- captions: words w0, w1, w2 ... of a second's tenth each */

static void speak(sim_t *sim, int c)
{
    client_t *client = &sim->clients[c];
    char texts[4][16], text[80] = "", stream[16], body[256];
    es_word_t words[4];
    size_t n = 1 + world_below(&sim->world, 4), at = 0;
    if (client->stream >= STREAMS) return;
    for (size_t i = 0; i < n; i++) {
        uint64_t start = (client->word + i) * WORD;
        snprintf(texts[i], sizeof texts[i], "w%" PRIu64, client->word + i);
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%s", i > 0 ? " " : "", texts[i]);
        words[i] = (es_word_t){.text = es_span(texts[i]), .start = start, .end = start + WORD, .confidence = 900};
    }
    snprintf(stream, sizeof stream, "s%" PRIu64, client->stream);
    es_msg_t msg = {.kind = SAY_CAPTION};
    ES_SET(&msg, ES_M_STREAM, stream, es_span(stream));
    ES_SET(&msg, ES_M_START, start, client->word * WORD);
    ES_SET(&msg, ES_M_END, end, (client->word + n) * WORD);
    ES_SET(&msg, ES_M_TEXT, text, es_span(text));
    client->word += n;
    tell(sim, c, &msg, body, es_words_encode(words, n, body, sizeof body));
}

static void begin_stream(client_t *client)
{
    client->stream++;
    client->word = client->stored_word = 0;
}

/* After a new connection the speaker's audio begins at what is final, or a little before it, and is cut elsewhere. */
static void rewind_speech(sim_t *sim, client_t *client)
{
    if (world_chance(&sim->world, 200)) begin_stream(client);
    uint64_t back = world_below(&sim->world, 4);
    client->word = client->stored_word - (back < client->stored_word ? back : client->stored_word);
}

static void on_captioned(sim_t *sim, int c, const es_msg_t *msg)
{
    client_t *client = &sim->clients[c];
    spoken_t spoken = {.log = client->log,
                       .stream = (uint64_t)(msg->stream.ptr[1] - '0'),
                       .from = msg->start / WORD,
                       .to = msg->end / WORD};
    if (spoken.stream == client->stream && spoken.to > client->stored_word) client->stored_word = spoken.to;
    if (client->spoken_n < SPOKEN) client->spoken[client->spoken_n++] = spoken;
}

/* ---- connections */

static void join(sim_t *sim, int c)
{
    client_t *client = &sim->clients[c];
    char name[32];
    client->state = ENTERING;
    if (world_chance(&sim->world, 50)) client->names++;
    snprintf(name, sizeof name, "ann-%d-%u", c, client->names);
    es_msg_t msg = {.kind = SAY_JOIN};
    ES_SET(&msg, ES_M_NAME, name, es_span(name));
    if (client->has_view) {
        ES_SET(&msg, ES_M_RSEQ, rseq, client->next - 1);
        ES_SET(&msg, ES_M_LOG, log, client->log);
    }
    tell(sim, c, &msg, NULL, 0);
    rewind_speech(sim, client);
    wake(sim, c, SECONDS(1) + pause(sim));
}

/* Where it has left the room and is still there, it joins again over the same connection. */
static void connect(sim_t *sim, int c)
{
    client_t *client = &sim->clients[c];
    if (client->conn == 0) client->edge = (int)world_below(&sim->world, (uint64_t)sim->plan.edges);
    if (sim->nodes[NODE_EDGE + client->edge].state == DEAD) {
        wake(sim, c, MS(200) + world_below(&sim->world, MS(300)));
        return;
    }
    if (client->conn == 0) client->conn = ++sim->conns;
    join(sim, c);
}

/* late: its edge does not notice for a while. */
static void disconnect(sim_t *sim, int c, bool late)
{
    client_t *client = &sim->clients[c];
    if (client->conn == 0) return;
    es_msg_t msg = {.kind = SAY_BYE};
    packet_t *packet = packet_new(NODE_CLIENT + c, NODE_EDGE + client->edge, (es_span_t){0}, &msg, NULL, 0);
    packet->conn = client->conn;
    network_close(sim, packet, late ? world_below(&sim->world, SECONDS(5)) : 0);
    client->wants_in = client->state != GOING;
    client->state = OUT;
    client->conn = 0;
}

void client_cut_off(sim_t *sim, int c)
{
    client_t *client = &sim->clients[c];
    client->wants_in = client->state != GOING;
    client->state = OUT;
    client->conn = 0;
    wake(sim, c, MS(20) + world_below(&sim->world, SECONDS(1)));
}

void client_leave(sim_t *sim, int c)
{
    client_t *client = &sim->clients[c];
    if (client->state != IN) return;
    client->state = GOING;
    tell(sim, c, &(es_msg_t){.kind = SAY_LEAVE}, NULL, 0);
}

/* ---- the script */

static void vanish(sim_t *sim, int c)
{
    bool long_away = world_chance(&sim->world, 150);
    disconnect(sim, c, world_chance(&sim->world, 300));
    wake(sim, c, world_below(&sim->world, long_away ? SECONDS(20) : SECONDS(3)));
}

static void hop(sim_t *sim, int c)
{
    disconnect(sim, c, world_chance(&sim->world, 700));
    connect(sim, c);
}

static void act(sim_t *sim, int c)
{
    uint64_t dice = world_below(&sim->world, 100);
    if (dice < 45)
        say(sim, c, 1);
    else if (dice < 53)
        say(sim, c, 3 + (uint32_t)world_below(&sim->world, 10));
    else if (dice < 75)
        speak(sim, c);
    else if (dice < 80)
        client_leave(sim, c);
    else if (dice < 86)
        vanish(sim, c);
    else if (dice < 90)
        hop(sim, c);
}

void client_timer(sim_t *sim, int c)
{
    client_t *client = &sim->clients[c];
    if (!node_due(sim, NODE_CLIENT + c) || sim->goodbye || client->gone) return;
    bool active = sim->world.now < ACTIVE_UNTIL_US;
    if (client->leaves_at <= sim->world.now) {
        client->gone = true;
        disconnect(sim, c, world_chance(&sim->world, 300));
    } else if (client->state == OUT && (client->wants_in || !active)) {
        connect(sim, c);
    } else if (client->state == OUT) {
        client->wants_in = true;
    } else if (client->state == ENTERING && active && world_chance(&sim->world, 200)) {
        hop(sim, c);
    } else if (client->state == IN && active) {
        act(sim, c);
    }
    if (active || client->state == OUT) wake(sim, c, pause(sim));
}

void client_start(sim_t *sim, int c)
{
    client_t *client = &sim->clients[c];
    node_t *node = &sim->nodes[NODE_CLIENT + c];
    node->life++;
    node->state = RUNNING;
    node->timer_at = NEVER;
    client->room = (int)world_below(&sim->world, (uint64_t)sim->plan.rooms);
    client->wants_in = true;
    client->leaves_at = world_chance(&sim->world, 200) ? world_below(&sim->world, ACTIVE_UNTIL_US) : NEVER;
    wake(sim, c, world_below(&sim->world, SECONDS(2)));
}

/* ---- what comes */

static void on_joined(sim_t *sim, int c, const es_msg_t *msg)
{
    client_t *client = &sim->clients[c];
    view_joined(sim, c, msg);
    if (client->state != ENTERING) return; /* unasked: the room goes on in another log */
    client->state = IN;
    say_again(sim, c);
    wake(sim, c, pause(sim));
}

static void on_left(sim_t *sim, int c)
{
    client_t *client = &sim->clients[c];
    if (client->state != GOING) world_fail(&sim->world, "c%d has left and has not asked for it", c);
    client->state = OUT;
    client->has_view = false;
    begin_stream(client);
    if (world_chance(&sim->world, 500)) disconnect(sim, c, false);
    client->wants_in = false;
    wake(sim, c, world_below(&sim->world, SECONDS(2)));
}

void client_receive(sim_t *sim, int c, const packet_t *packet)
{
    es_msg_t msg;
    if (packet->conn != sim->clients[c].conn || !packet_open(sim, packet, &msg)) return;
    switch (msg.kind) {
    case TOLD_JOINED:
        on_joined(sim, c, &msg);
        break;
    case TOLD_EVENT:
        view_event(sim, c, &msg, packet);
        break;
    case TOLD_GONE:
        view_gone(sim, c, &msg);
        break;
    case TOLD_SAID:
        on_said(sim, c, &msg);
        break;
    case TOLD_REFUSED:
        on_refused(sim, c, &msg);
        break;
    case TOLD_CAPTIONED:
        on_captioned(sim, c, &msg);
        break;
    case TOLD_LEFT:
        on_left(sim, c);
        break;
    default:
        break;
    }
}
