"""A client of /ws for transcripts about rooms: what it sees of each room goes through a View, so that every test checks order and completeness besides its own matter."""
from rooms import EVENTS, View
from wire import Ws


class Guest(Ws):
    def __init__(self, url, token=None, **stream):
        """With a token: the session of an earlier one; with what a transcript had: its stream as well."""
        super().__init__(url + "/ws", max_queue=None)
        self.views, self._stash = {}, []
        self.welcome = self.expect("welcome")
        self.session, self.token = self.welcome["session"], self.welcome["token"]
        if token:
            self.send(("session.resume", {"token": token, **stream}))
            self.resumed = self.expect("session.resumed", ok=True)
            self.session, self.token = self.resumed["session"], self.resumed["token"]

    def recv(self, deadline=15):
        message = super().recv(deadline)
        view = self.views.get(message["payload"].get("room"))
        if view:
            view.take(message["type"], message["payload"])
        return message

    def await_(self, kind, accept=lambda payload: True, deadline=15, **fields):
        """The payload of the first message of this kind that is accepted and has these fields; others wait for their turn."""
        def fits(message):
            payload = message["payload"]
            return message["type"] == kind and all(payload.get(n) == v for n, v in fields.items()) and accept(payload)
        for place, message in enumerate(self._stash):
            if fits(message):
                return self._stash.pop(place)["payload"]
        while not fits(message := self.recv(deadline)):
            self._stash.append(message)
        return message["payload"]

    def join(self, room, name="Ann", view=None, **more):
        """The answer; events that follow it are awaited one by one or seen in the view."""
        self.views[room] = view or View()
        self.send(("room.join", {"room": room, "name": name, **more}))
        return self.await_("room.joined", lambda p: "members" in p, room=room)

    def come(self, room, name="Ann", **more):
        """Joins, and has heard of it as everybody does."""
        answer = self.join(room, name, **more)
        self.event(room, "room.joined", member=self.session)
        return answer

    def event(self, room, kind, **fields):
        """The next event of that kind that is not an answer."""
        assert kind in EVENTS
        return self.await_(kind, lambda p: "rseq" in p and "members" not in p, room=room, **fields)

    def say(self, room, text, msg_id=None):
        """The payload of room.said."""
        self.send(("room.say", {"room": room, "text": text, **({"msg_id": msg_id} if msg_id else {})}))
        return self.await_("room.said", room=room, **({"msg_id": msg_id} if msg_id else {}))

    def ask(self, kind, payload, answer):
        self.send((kind, payload))
        return self.await_(answer)

    def error(self, kind, payload, code):
        self.send((kind, payload))
        error = self.await_("error")
        assert error["code"] == code, error
        assert len(error["message"]) > 15, error
        return error

    def events_of(self, room):
        return self.views[room].events

    def until_at(self, room, rseq):
        """Everything up to event number rseq was seen."""
        view = self.views[room]
        while view.at < rseq:
            self._stash.append(self.recv())
        assert view.at == rseq
        return view
